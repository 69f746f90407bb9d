"""Reading a config file: Python, with its bases, and changes from the command line.

Every mistake is a ConfigError.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..errors import ConfigError, DataError
from ..files.path_checks import check_config
from ..files.texts import read_text
from .absent_base import RUNTIME, Absent, with_empty_bases
from .dialects import SECTIONS, remember, translate
from .dump import plain
from .merge import merging
from .overrides import apply_options, parse_options
from .settings import CustomImports, TopLevel
from .settings_base import hints_of, read_settings

_BASE = '_base_'
MAX_BYTES = 4 << 20  # a config has 10 KB; parsing takes up to 500 times the memory of the text


def load_config(
    path: str | os.PathLike, cfg_options: Mapping[str, Any] | Iterable[str] | None = None
) -> Config:
    """Execute a config file and its bases, and apply the command line's changes.

    Nothing else is executed: import_custom_modules imports what custom_imports names.

    Args:
        path: a .py file in the old style: assignments, `_base_` for files to start from.
        cfg_options: {'optimizer.lr': 0.1} or ['optimizer.lr=0.1', ...], see overrides.py.

    Returns:
        mmengine's Config of plain values, with MMAction2's translated (see dialects). Its content
        is not checked yet; read_recipe does that.

    Raises:
        ConfigError: the file cannot be read or executed; names the file, and the line if it is
            known.
    """
    path = Path(path).expanduser()
    absent: list[Absent] = []
    files = check_chain(path, absent)
    with with_empty_bases(files, absent) as places:
        try:
            with warnings.catch_warnings(), merging():
                warnings.filterwarnings('ignore', category=DeprecationWarning, module='mmengine')
                loaded = Config.fromfile(
                    str(places[path]),
                    lazy_import=False,
                    import_custom_modules=False,
                    use_environment_variables=False,
                )
        except (Exception, SystemExit) as error:  # a config is a program and may raise anything
            raise ConfigError(f'{_place(error, places, path)}: {_one_line(error)}') from error
    values, log = translate(_keep_plain(loaded, path.name), path.name)
    for _, base in absent:
        log.note(
            f'its _base_ {base!r} does not exist; read without it, since the settings of that file '
            '(logging, saving, launching) have defaults here.'
        )
    cfg = Config(
        apply_options(values, parse_options(cfg_options), path.name),
        cfg_text=loaded.text,
        filename=str(path),
    )
    remember(cfg, log)
    return cfg


def check_chain(path: Path, absent: list[Absent], children: tuple[Path, ...] = ()) -> list[Path]:
    """Check a config file and its bases without executing them.

    Args:
        path: the file.
        absent: a list to which bases are added that do not exist and are not needed.
        children: the files that lead to this one.

    Returns:
        The paths of the file and of all its bases, in this order.

    Raises:
        ConfigError: missing, no valid Python, another style of config, or a circle of bases.
    """
    text = _read(path, children)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            tree = ast.parse(text, str(path))
            compile(text, str(path), 'exec', dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f'{path}{_line_of(error)}: {_one_line(error)}') from error
    _refuse_other_styles(path, text, tree)
    files = [path]
    for base in _bases(path, tree):
        where = path.parent / base
        if where.name == RUNTIME and not where.exists():
            absent.append((path, base))
            continue
        chain = (*children, path)
        if any(os.path.abspath(where) == os.path.abspath(child) for child in chain):
            raise ConfigError(
                f'{path}: its {_BASE} {base!r} leads in a circle: '
                f'{" -> ".join(p.name for p in (*chain, where))}. A base must not use its children.'
            )
        files += check_chain(where, absent, chain)
    return files


def _read(path: Path, children: tuple[Path, ...]) -> str:
    """Read a config file. Messages about a base name the file that uses it as well."""
    place = f'{children[-1]}: its {_BASE} {path}' if children else str(path)
    check_config(path, place)
    try:
        return read_text(path, 'Is it a config? Save it as UTF-8.', MAX_BYTES)
    except DataError as error:
        raise ConfigError(f'{place}: {str(error).removeprefix(f"{path}: ")}') from error


def _refuse_other_styles(path: Path, text: str, tree: ast.Module) -> None:
    instead = f"Name the files to start from in {_BASE} = ['./base.py']."
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)):
        if any(alias.name == 'read_base' for alias in node.names):
            raise ConfigError(
                f"{path}, line {node.lineno}: read_base(), mmengine's newer style, is not "
                f'supported. {instead}'
            )
        if node.level:
            raise ConfigError(
                f'{path}, line {node.lineno}: a config cannot import relative to itself. {instead}'
            )
    if re.search(r'\{\{[\'"]?\s*\$', text):
        raise ConfigError(
            f'{path}: {{{{$NAME:default}}}} is not supported. Write os.environ.get("NAME", '
            '"default").'
        )


def _bases(path: Path, tree: ast.Module) -> list[str]:
    names = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == _BASE and isinstance(node.ctx, ast.Store)
    ]
    if not names:
        return []
    wrong = ConfigError(
        f'{path}, line {names[-1].lineno}: expected {_BASE} once, as a file name or a list of '
        f"file names, written out and relative to this file: {_BASE} = ['./base.py']."
    )
    values = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets == names
    ]
    try:
        bases = ast.literal_eval(values[0]) if len(values) == 1 else None
    except (ValueError, TypeError, RecursionError):
        raise wrong from None
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(
        isinstance(base, str) and base and '::' not in base for base in bases
    ):
        raise wrong
    return bases


def _place(error: BaseException, places: Mapping[Path, Path], path: Path) -> str:
    """Return the config file and line of an error: the innermost frame in one of the files.

    Args:
        error: raised while a config was executed.
        places: where each file was read, see with_empty_bases.
        path: the config file, if no frame is in any of them.
    """
    known = {os.path.abspath(place): file for file, place in places.items()}
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = known.get(os.path.abspath(frame.filename))
        if file is not None:
            return f'{file}, line {frame.lineno}'
    return str(path)


def _line_of(error: BaseException) -> str:
    return f', line {error.lineno}' if isinstance(error, SyntaxError) and error.lineno else ''


def _one_line(error: BaseException) -> str:
    """Return an exception in one line."""
    if isinstance(error, TabError):
        return 'mixes tabs and spaces in its indentation. Use four spaces.'
    if isinstance(error, SyntaxError):
        return f'is not valid Python: {error.msg}. Correct it there, or just before.'
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, (RecursionError, MemoryError)):
        return 'is nested too deeply, or contains itself. Make it simpler.'
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if text.startswith('Duplicate key is not allowed among bases'):
        keys = text.partition('Duplicate keys: ')[2]
        return f'two of its {_BASE} files set the same key ({keys}). Set it in only one of them.'
    return f'{type(error).__name__}: {" ".join(text.split())}. Correct it there.'


def _keep_plain(loaded: Config, name: str) -> dict[str, Any]:
    """Return the config's values as plain Python.

    Known keys must be plain. Helper names with other values, such as imported objects, are dropped.
    """
    values = {}
    for key, value in loaded.items():
        try:
            values[key] = plain(value, f'{name}: {key}')
        except ConfigError:
            if key in hints_of(TopLevel) or key in SECTIONS:
                raise
    return values


def import_custom_modules(cfg: Mapping[str, Any] | Config) -> None:
    """Import the modules that the config names in custom_imports.

    They are searched as Python does, then in the current folder, then in the config's folder.

    Args:
        cfg: from load_config, or a dict.

    Raises:
        ConfigError: naming the module, and the file and line where it fails.
    """
    filename = getattr(cfg, 'filename', None) if isinstance(cfg, Config) else None
    given = cfg.get('custom_imports')
    if given is None:
        return
    where = f'{Path(filename).name if filename else "config"}: custom_imports'
    settings = read_settings(CustomImports, plain(given, where), where)
    beside = os.path.abspath(os.path.dirname(filename or ''))
    folders = list(dict.fromkeys((os.getcwd(), beside)))
    sys.path.extend(folder for folder in folders if folder not in sys.path)
    importlib.invalidate_caches()
    for name in settings.imports:
        _import(name, settings.allow_failed_imports, where, folders)


def _import(name: str, may_fail: bool, where: str, folders: list[str]) -> None:
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as error:  # the user's module may raise anything
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f'{name}.'.startswith(f'{missing}.'):
            message = (
                f'{where}: there is no module {name!r}, neither in {" nor in ".join(folders)} nor '
                'on PYTHONPATH. Put it there, or correct the name.'
            )
        else:
            message = f'{where}: importing {name!r} failed{_last_line(error)}: {_one_line(error)}'
        if may_fail and isinstance(error, ImportError):
            warnings.warn(message, stacklevel=3)
        else:
            raise ConfigError(message) from error


def _last_line(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f' in {error.filename}{_line_of(error)}'
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if 'importlib' not in frame.filename and frame.filename != __file__:
            return f' in {frame.filename}, line {frame.lineno}'
    return ''
