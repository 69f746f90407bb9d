"""List, show or copy the configs that come with pyskl.

    pyskl configs list stgcn ntu60                      configs whose names contain both words
    pyskl configs show demo/joint.py                    the file; `pyskl print-config` adds defaults
    pyskl configs copy posec3d/slowonly_r50_imigue22    a folder and its bases into configs/

Commands that take a config take these names, too: `pyskl train demo/joint.py`.
"""

from __future__ import annotations

import argparse
import ast
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import UserError, did_you_mean
from ..files.atomic import atomic_write
from ..files.texts import read_text
from ..wording import count, some
from .calling import Parser
from .places import config_names, configs_folder, shipped_config


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    commands = parser.add_subparsers(dest='command', required=True, metavar='list|show|copy')
    listing = commands.add_parser('list', help='list names and descriptions')
    listing.add_argument(
        'words', nargs='*', metavar='WORD', help='only names that contain all of these'
    )
    listing.add_argument('--names', action='store_true', help='names only')
    show = commands.add_parser('show', help='print a config')
    show.add_argument('name', metavar='NAME', help='as listed')
    copy = commands.add_parser('copy', help='copy configs and their bases')
    copy.add_argument('names', nargs='+', metavar='NAME', help='as listed, or a folder of them')
    copy.add_argument(
        '-o',
        '--out',
        type=Path,
        default=Path('configs'),
        metavar='FOLDER',
        help='folder of the copies, which keep their subfolders (default: configs)',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    args = parse_args(argv)
    if args.command == 'list':
        print('\n'.join(listed(args.words, args.names)))
    elif args.command == 'show':
        print(read_text(_found(args.name)), end='')
    else:
        copied = copy_configs(args.names, args.out)
        print(f'wrote {args.out} ({count(len(copied), "file")})')


def listed(words: Sequence[str], names_alone: bool) -> list[str]:
    """Return a line for each config whose name contains all words.

    Raises:
        UserError: there is none.
    """
    names = [name for name in config_names() if all(word.lower() in name.lower() for word in words)]
    if not names:
        raise UserError(
            f'{" ".join(words)}: no config has such a name. Expected parts of a name, e.g. '
            'stgcn ntu60; `pyskl configs list` shows all.'
        )
    if names_alone:
        return names
    width = max(map(len, names))
    return [f'{name:<{width}}  {_about(configs_folder() / name)}'.rstrip() for name in names]


def _about(path: Path) -> str:
    """Return the first line of a config's docstring."""
    return (ast.get_docstring(ast.parse(read_text(path))) or '').partition('\n')[0]


def _found(name: str) -> Path:
    path = shipped_config(name)
    if path is None:
        raise UserError(
            f'{name}: no such config comes with pyskl.{did_you_mean(name, config_names())} '
            '`pyskl configs list` shows them.'
        )
    return path


def copy_configs(names: Iterable[str], out: Path) -> list[Path]:
    """Copy configs and their bases.

    Args:
        names: names of configs, or of folders of configs.
        out: folder of the copies, which keep their subfolders.

    Returns:
        The copies.

    Raises:
        UserError: there is no such config, or another file is in the way; nothing is copied then.
    """
    from ..recipe.load import check_chain  # imported late: takes long to import

    folder = configs_folder()
    files: set[Path] = set()
    for name in names:
        below = folder / Path(name).as_posix().removeprefix('configs/')
        is_folder = below.is_dir() and below.resolve().is_relative_to(folder.resolve())
        for path in sorted(below.rglob('*.py')) if is_folder else [_found(name)]:
            files.update(Path(os.path.normpath(file)) for file in check_chain(path, []))
    copies = {path: out / path.relative_to(folder) for path in sorted(files)}
    in_the_way = [
        str(copy)
        for path, copy in copies.items()
        if copy.exists() and copy.read_bytes() != path.read_bytes()
    ]
    if in_the_way:
        raise UserError(
            f'{some(in_the_way)}: exists already, and is different. Remove it, or choose another '
            'folder with -o.'
        )
    for path, copy in copies.items():
        with atomic_write(copy, 'wb') as f:
            f.write(path.read_bytes())
    return list(copies.values())
