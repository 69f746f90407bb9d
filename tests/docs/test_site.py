"""The documentation site: its pages, what is generated from the code, and that what pages say to
type exists.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.util
import io
import json
import re
import subprocess
import sys
import typing
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
import yaml
from tiny import ROOT, script

from pyskl.recipe.settings import TopLevel
from pyskl.signature import accepted

NOTEBOOKS = sorted((ROOT / 'docs' / 'notebooks').glob('*.ipynb'))


@cache
def hook(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / 'docs' / 'hooks' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sources() -> dict[str, str]:
    """All texts that people wrote, by their place in the repository."""
    pages = (ROOT / 'docs').rglob('*.md')
    files = [*(ROOT / name for name in hook('repository_pages').PAGES), *pages]
    return {str(file.relative_to(ROOT)): file.read_text('utf-8') for file in files}


def generated_pages() -> set[str]:
    return {*hook('config_reference').pages(), *hook('notebooks').pages()}


def in_nav(entry: object) -> set[str]:
    if isinstance(entry, str):
        return {entry}
    parts = entry.values() if isinstance(entry, dict) else entry
    return {page for part in parts for page in in_nav(part)}


def test_every_page_is_in_the_navigation_and_the_other_way_round():
    written = {str(file.relative_to(ROOT / 'docs')) for file in (ROOT / 'docs').rglob('*.md')}
    brought = set(hook('repository_pages').PAGES.values())
    nav = in_nav(yaml.safe_load((ROOT / 'mkdocs.yml').read_text('utf-8'))['nav'])
    assert nav == written | generated_pages() | brought


def dicts_of(cls: type, place: str = '') -> dict[str, type]:
    """The settings classes below one, by their place in a config; a slow twin of the page's own
    walk.
    """
    found = {place: cls}
    for name, hint in typing.get_type_hints(cls).items():
        for option in (hint, *typing.get_args(hint)):
            if dataclasses.is_dataclass(option):
                found |= dicts_of(option, f'{place}.{name}'.strip('.'))
    return found


def tables(page: str) -> dict[str, str]:
    """The sections of a page by their headings."""
    sections = re.split(r'^## ', page, flags=re.MULTILINE)[1:]
    return dict(section.split('\n', 1) for section in sections)


def test_the_reference_has_every_setting_with_its_default():
    sections = tables(hook('config_reference').settings_page())
    for place, cls in dicts_of(TopLevel).items():
        heading = f'`{place}`' if place else 'top level'
        (text,) = (text for title, text in sections.items() if heading in title)
        rows = {row.split('`')[1]: row for row in text.splitlines() if row.startswith('| `')}
        assert list(rows) == [field.name for field in dataclasses.fields(cls)]
        for field in dataclasses.fields(cls):
            if isinstance(field.default, (int, float, str)):
                assert f'| `{field.default!r}` |' in rows[field.name]
            if field.default is dataclasses.MISSING:
                assert '| (needed) |' in rows[field.name]


def test_the_meaning_of_a_setting_comes_from_its_docstring():
    page = hook('config_reference').settings_page()
    row = '| `decay` | a number | `0.999` | what stays of the average at each iteration '
    assert row in page


@pytest.mark.parametrize(
    'page', ['datasets', 'steps', 'backbones', 'heads', 'losses', 'recognizers']
)
def test_the_reference_has_every_component_with_its_arguments(page):
    reference = hook('config_reference')
    registry = reference.REGISTRIES[page][1]
    sections = tables(reference.components_page(*reference.REGISTRIES[page]))
    assert list(sections) == registry.known()
    for name, text in sections.items():
        component = registry.get(name)
        expected = set(accepted(component)) - set(getattr(component, 'given_by_us', ()))
        assert set(re.findall(r'^\| `(\w+)` \|', text, re.MULTILINE)) == expected


@pytest.mark.parametrize(
    'page, text, expected',
    [
        ('readme.md', '[a](docs/faq.md#data)', '[a](faq.md#data)'),
        ('configs.md', '[a](../data/README.md)', '[a](data.md)'),
        ('recipes/index.md', '[a](../../data/README.md#videos)', '[a](../data.md#videos)'),
        ('recipes/index.md', '[a](machines.md)', '[a](machines.md)'),
        ('readme.md', '<img src="docs/report/light.png">', '<img src="report/light.png">'),
        ('readme.md', '[a](https://arxiv.org), [b](#data)', '[a](https://arxiv.org), [b](#data)'),
        ('readme.md', '`[a](docs/faq.md)`', '`[a](docs/faq.md)`'),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(page, text, expected):
    assert hook('repository_pages').with_links(text, page) == expected


def test_relative_links_lead_to_files_that_exist():
    gone = []
    generated = {ROOT / 'docs' / page for page in generated_pages()}
    for source, text in sources().items():
        text = re.sub(r'^```.*?^```|`[^`\n]+`', '', text, flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r'\]\(([^)#\s]+)', text):
            target = ((ROOT / source).parent / link).resolve()
            if ':' not in link and not target.exists() and target not in generated:
                gone.append((source, link))
    assert not gone


def commands() -> dict[tuple[str, str], set[str]]:
    """The options that the pages type, by tool and its first word."""
    typed: dict[tuple[str, str], set[str]] = {}
    pattern = r'python (?:tools/|ensemble/)(\w+)\.py((?:[^`\n|#;&]|\\\|)*)'
    for text in sources().values():
        for tool, words in re.findall(pattern, text):
            first = next(iter(words.split()), '')
            options = re.findall(r'(?<!\S)--?[A-Za-z][\w-]*', words)
            typed.setdefault((tool, first), set()).update(options)
    return typed


@cache
def help_of(tool: str, first: str) -> str:
    """What a tool says about itself, or about the command that its first word is."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        script(tool).main([first, '--help'] if first else ['--help'])
    return out.getvalue()


def test_options_that_pages_type_are_known():
    with_commands = {'visualize': 'clip', 'convert': 'openpose'}
    for (tool, first), options in commands().items():
        word = ''
        if tool in with_commands:
            word = first if first.islower() and first.isidentifier() else with_commands[tool]
        unknown = {option for option in options if option not in help_of(tool, word)}
        assert not unknown, f'{tool} {first}'


def test_configs_that_pages_name_exist():
    pattern = r'(?<![\w/.])configs/(?!mine/)[\w+/]+\.py'
    named = set(re.findall(pattern, '\n'.join(sources().values())))
    assert len(named) > 10
    assert not [name for name in named if not (ROOT / name).is_file()]


def test_the_code_of_the_concepts_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    page = (ROOT / 'docs' / 'concepts.md').read_text('utf-8')
    for block in re.findall(r'```python\n(.*?)```', page, re.DOTALL):
        exec(compile(block, 'concepts.md', 'exec'), names)
    assert 'FormatShape' in capsys.readouterr().out


def code_cells(file: Path) -> list[dict]:
    cells = json.loads(file.read_text('utf-8'))['cells']
    return [cell for cell in cells if cell['cell_type'] == 'code']


@pytest.mark.parametrize('file', NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_stored_without_results(file):
    cells = code_cells(file)
    assert cells
    assert all(cell['outputs'] == [] and cell['execution_count'] is None for cell in cells)


@pytest.mark.slow
def test_first_steps_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    names: dict = {}
    for cell in code_cells(ROOT / 'docs' / 'notebooks' / 'first_steps.ipynb'):
        exec(compile(''.join(cell['source']), 'first_steps.ipynb', 'exec'), names)
    assert names['result'].metrics['top1_acc'] > 0.8
    assert names['answer'][0][0] == 'wave'


def is_code(module: ModuleType, name: str) -> bool:
    """Whether an export is a class or a function of its own, with a docstring."""
    value = getattr(module, name)
    return isinstance(value, (type, FunctionType)) and bool(value.__doc__)


@pytest.mark.slow
def test_the_site_is_built_without_a_broken_link_and_asks_no_other_server(tmp_path):
    pytest.importorskip('mkdocs', reason="pip install -e '.[docs]'")
    command = [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--site-dir', str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for title, (modules, _) in hook('config_reference').INTERFACE.items():
        page = (tmp_path / 'api' / f'{title.rpartition(".")[2]}.html').read_text('utf-8')
        pattern = r'<span class="doc doc-object-name [^>]*>(?:[\w.]*\.)?(\w+)</span>'
        shown = set(re.findall(pattern, page))
        for module in map(importlib.import_module, modules):
            public = {name for name in getattr(module, '__all__', ()) if is_code(module, name)}
            assert public <= shown, module
    for page in tmp_path.rglob('*.html'):
        text = page.read_text('utf-8')
        assert not re.findall(r'<(?:script|img|iframe)[^>]*\ssrc="?(?:https?:)?//', text), page
        assert not re.findall(r'<link[^>]*rel="?(?:stylesheet|preconnect|preload)[^>]*//', text), (
            page
        )
