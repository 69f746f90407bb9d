"""Writes the pages that come from the code: all settings, all components, the Python interface."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pyskl.recipe.settings import TopLevel
from pyskl.recipe.settings_base import MISSING, hints_of, nested_settings
from pyskl.registry import (
    BACKBONES,
    DATASETS,
    HEADS,
    LOGGERS,
    LOSSES,
    PIPELINES,
    RECOGNIZERS,
    Registry,
)
from pyskl.signature import accepted, argument_hints, describe

# page -> title, registry, a place where a config names such a component, page of its classes
REGISTRIES = {
    'datasets': ('Data sets', DATASETS, 'data.train', 'datasets'),
    'steps': ('Pipeline steps', PIPELINES, 'data.train.pipeline[0]', 'pipelines'),
    'backbones': ('Backbones', BACKBONES, 'model.backbone', 'models'),
    'heads': ('Heads', HEADS, 'model.cls_head', 'models'),
    'losses': ('Losses', LOSSES, 'model.cls_head.loss_cls', 'models'),
    'recognizers': ('Recognizers', RECOGNIZERS, 'model', 'models'),
    'loggers': ('Loggers', LOGGERS, 'log_config.hooks[0]', 'loggers'),
}
# title -> modules of the Python interface on that page, and what for
INTERFACE = {
    'pyskl.apis': (['pyskl.apis'], 'train, test, recognise clips'),
    'pyskl.annotations': (['pyskl.annotations'], 'read, make and write annotation files'),
    'pyskl.skeletons': (
        ['pyskl.skeletons', 'pyskl.labels'],
        'layouts, graphs, names of classes',
    ),
    'pyskl.sources': (
        ['pyskl.sources.source', 'pyskl.sources.poses'],
        'contracts of forms of raw data, for `tools/convert.py`',
    ),
    'pyskl.inputs': (
        ['pyskl.inputs', 'pyskl.inputs.heatmaps'],
        'what travels from data to network',
    ),
    'pyskl.datasets': (['pyskl.datasets'], 'data sets, samplers, the loader'),
    'pyskl.datasets.pipelines': (
        ['pyskl.datasets.pipelines'],
        'steps from an annotation to an input',
    ),
    'pyskl.models': (
        [
            'pyskl.models',
            'pyskl.models.backbones',
            'pyskl.models.heads',
            'pyskl.models.losses',
            'pyskl.models.recognizers',
        ],
        'networks, heads, losses, recognizers',
    ),
    'pyskl.recipe': (['pyskl.recipe'], 'read, check and print configs'),
    'pyskl.engine.loggers': (['pyskl.engine.loggers'], 'where the figures of a training go'),
    'pyskl.hub': (['pyskl.hub'], 'trained networks as folders, to and from the Hugging Face Hub'),
    'pyskl.scores': (['pyskl.scores'], 'align, blend, fit weights, write submissions'),
    'pyskl.evaluation': (['pyskl.evaluation'], 'figures of scores whose labels are known'),
    'pyskl.onnx': (['pyskl.onnx'], 'answers of exported networks, without PyTorch'),
    'pyskl.report': (['pyskl.report'], 'the page about a test'),
    'pyskl.registry': (['pyskl.registry'], 'where components are registered'),
    'pyskl.errors': (['pyskl.errors'], 'what is raised where input is wrong'),
}


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages."""
    from mkdocs.structure.files import File

    for place, content in pages().items():
        files.append(File.generated(config, place, content=content))
    return files


def pages() -> dict[str, str]:
    """Return the generated pages by their place in the site."""
    written = {'reference/settings.md': settings_page(), 'api/index.md': interface_index()}
    for name, registered in REGISTRIES.items():
        written[f'reference/{name}.md'] = components_page(*registered)
    for title, (modules, _) in INTERFACE.items():
        written[f'api/{_last(title)}.md'] = interface_page(title, modules)
    return written


# Settings


def settings_page() -> str:
    """Return the page of all settings, a table for each dict of a config."""
    sections = [
        '# Settings\n\nEverything that a config may say, from the checks themselves '
        '(`pyskl/recipe/settings.py`). [Configs](../configs.md) explains how configs are written, '
        '`python tools/print_config.py CONFIG` shows one with all defaults filled in. What `model` '
        'and `data` hold beside these are components: [data sets](datasets.md), '
        '[steps](steps.md), [backbones](backbones.md), [heads](heads.md), [losses](losses.md), '
        '[recognizers](recognizers.md); what `log_config.hooks` lists are [loggers](loggers.md).'
    ]
    classes = settings_classes()
    for cls, places in classes.items():
        heading = ', '.join(f'`{place}`' for place in places) or 'At the top level'
        anchor = f' {{: #{places[0]} }}' if places else ''
        sections += [f'## {heading}{anchor}', _summary(cls, places), _settings_table(cls, classes)]
    return '\n\n'.join(sections) + '\n'


def _settings_table(cls: type, classes: Mapping[type, list[str]]) -> str:
    hints = hints_of(cls)
    meanings = _meanings(cls, hints)
    rows = []
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        inner = nested_settings(hint)
        meaning = [_text(meanings.get(field.name, '')), _limits(field.metadata)]
        if inner:
            meaning.append(f'[its keys](#{classes[inner][0]})')
        expected = _text(_expected(hint))
        default = _default(field.default)
        rows.append(_row(field.name, expected, default, '; '.join(filter(None, meaning))))
    return _table('key', rows)


def settings_classes() -> dict[type, list[str]]:
    """Return every settings class with the places in a config where it stands."""
    found: dict[type, list[str]] = {TopLevel: []}
    waiting = [(TopLevel, '')]
    for cls, place in waiting:
        for name, hint in hints_of(cls).items():
            inner = nested_settings(hint)
            if inner:
                found.setdefault(inner, []).append(f'{place}{name}')
                waiting.append((inner, f'{place}{name}.'))
    return found


def _limits(metadata: Mapping[str, Any]) -> str:
    words = (('at_least', 'at least'), ('above', 'more than'), ('at_most', 'at most'))
    given = [f'{word} {metadata[key]}' for key, word in words if metadata.get(key) is not None]
    return ', '.join(given)


def _expected(hint: Any) -> str:
    if nested_settings(hint):
        return 'a dict or None' if describe(hint).endswith('None') else 'a dict'
    return describe(hint)


# Components


def components_page(title: str, registry: Registry, where: str, classes: str) -> str:
    """Return the page of a registry: every component and its arguments.

    Args:
        title: the page's.
        registry: the components.
        where: a place in a config that names one.
        classes: the page of the Python interface that shows them.
    """
    sections = [
        f'# {title}\n\nWhat `{where}` may name: `dict(type=NAME, argument=value)`. '
        'Names, types and defaults come from the code; a wrong one is an error that names the '
        f'place. What each does in full: [their classes](../api/{classes}.md). Your own: '
        '[add your own](../add_your_own.md).'
    ]
    for name in registry.known():
        component = registry.get(name)
        sections += [f'## {name}', _summary(component)]
        parameters, hints = arguments_of(component), argument_hints(component)
        meanings = _meanings(component, [*parameters, 'kwargs'])
        rows = [
            _row(
                key,
                _text(describe(hints[key])) if key in hints else '',
                _default(parameter.default),
                _text(meanings.get(key, '')),
            )
            for key, parameter in parameters.items()
        ]
        sections.append(_table('argument', rows) if rows else 'It takes no arguments.')
        if 'kwargs' in meanings:
            sections.append(f'Further arguments: {_text(meanings["kwargs"])}')
    return '\n\n'.join(sections) + '\n'


def arguments_of(component: Callable) -> dict[str, inspect.Parameter]:
    """Return the arguments that a config gives: those that the program supplies are left out."""
    given_by_us = getattr(component, 'given_by_us', ())
    return {k: v for k, v in accepted(component).items() if k not in given_by_us}


# The Python interface, written by mkdocstrings from the docstrings


def interface_index() -> str:
    """Return the first page of the Python interface."""
    rows = []
    for title, (modules, what) in INTERFACE.items():
        links = ', '.join(f'[`{module}`]({_last(title)}.md)' for module in modules)
        rows.append(f'| {links} | {what} |')
    return (
        '# Python interface\n\nWhat programs of your own may import. Other modules are the '
        "project's own business and change without notice.\n\n| module | what for |\n|---|---|\n"
        + '\n'.join(rows)
        + '\n'
    )


def interface_page(title: str, modules: Collection[str]) -> str:
    """Return a page of the Python interface.

    Args:
        title: the page's.
        modules: what it shows, one below the other.
    """
    parts = [f'# {title}']
    level = 2 if len(modules) == 1 else 3
    for module in modules:
        if len(modules) > 1:
            parts.append(f'## {module}')
        parts.append(f'::: {module}\n    options: {{heading_level: {level}}}')
        for name in hidden_by_modules(module):
            options = (
                f'{{heading_level: {level}, show_root_heading: true, show_root_toc_entry: true}}'
            )
            parts.append(f'::: {module}.{name}.{name}\n    options: {options}')
    return '\n\n'.join(parts) + '\n'


def hidden_by_modules(package: str) -> list[str]:
    """Return the exports that are called like the module they come from: `test` of apis/test.py.

    The static analysis takes such a name for the module.
    """
    loaded = import_module(package)
    folder = Path(loaded.__file__).parent
    names = getattr(loaded, '__all__', ())
    return [n for n in names if (folder / f'{n}.py').exists() and callable(getattr(loaded, n))]


def _last(dotted: str) -> str:
    return dotted.rpartition('.')[2]


# Docstrings and tables


def _summary(component: Callable, places: Collection[str] = ()) -> str:
    """Return the first paragraph of a docstring, without the place that it may begin with."""
    first = (inspect.getdoc(component) or '').split('\n\n')[0]
    if places:
        first = re.sub(r'^[\w.{},]+: ', '', first)
    return _text(first[:1].upper() + first[1:])


def _meanings(component: Callable, names: Collection[str]) -> dict[str, str]:
    """Return what the docstrings of a class and its parents say about each name.

    An entry is a line that begins with one of the names or with several, separated by commas,
    then a colon or two blanks; deeper lines go on with it.
    """
    owners = reversed(component.__mro__) if inspect.isclass(component) else [component]
    found: dict[str, str] = {}
    for owner in owners:
        if owner is not object and owner.__doc__:
            found.update(_entries(inspect.cleandoc(owner.__doc__), names))
    return found


def _entries(docstring: str, names: Collection[str]) -> dict[str, str]:
    entry = re.compile(r'( *)(\w+(?:, \w+)*)(?: *\([^)]*\))?(?::|  )\s*(.*)')
    found: dict[str, str] = {}
    current: list[str] = []
    depth = 0
    for line in docstring.splitlines():
        start = entry.fullmatch(line)
        listed = start[2].split(', ') if start else []
        if start and all(name in names for name in listed):
            current, depth = listed, len(start[1])
            found.update(dict.fromkeys(listed, start[3].strip()))
        elif current and line.startswith(' ' * (depth + 1)):
            found.update({name: f'{found[name]} {line.strip()}' for name in current})
        else:
            current = []
    return found


def _table(first: str, rows: Collection[str]) -> str:
    return '\n'.join([f'| {first} | expected | default | meaning |', '|---|---|---|---|', *rows])


def _row(name: str, expected: str, default: str, meaning: str) -> str:
    return f'| `{name}` | {expected} | {default} | {meaning} |'


def _default(value: Any) -> str:
    if value is MISSING or value is inspect.Parameter.empty:
        return '(needed)'
    if dataclasses.is_dataclass(value):
        return 'as below'
    return f'`{value!r}`'.replace('|', r'\|')


def _text(words: str) -> str:
    """Return plain text as Markdown that shows it, in one line."""
    parts = re.split(r'(`[^`]*`)', ' '.join(words.split()))
    parts[::2] = [re.sub(r'([*_<\[\]])', r'\\\1', part) for part in parts[::2]]
    return ''.join(parts).replace('|', r'\|')
