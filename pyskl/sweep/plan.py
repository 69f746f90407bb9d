"""The plan of a sweep: named runs, seeds and ensembles, from a command line or a plan file."""

from __future__ import annotations

import itertools
import os
import runpy
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import ConfigError, DataError, did_you_mean
from ..files.texts import read_json, read_text
from ..recipe.overrides import parse_options, parse_value, split_values
from ..seeds import MAX_SEED
from ..wording import brief

MAX_BYTES = 16 << 20
_PLAN_KEYS = ('runs', 'ensembles', 'seeds', 'options', 'fit_on')
_RUN_KEYS = ('name', 'config', 'options', 'grid')


@dataclass(frozen=True)
class Entry:
    """A row of the table: a config with options.

    Attributes:
        name: name of the row.
        config: config file.
        options: overrides as on the command line, {'optimizer.lr': '0.1'}.
    """

    name: str
    config: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        """The options as arguments of --cfg-options."""
        return [f'{key}={text}' for key, text in self.options.items()]


@dataclass(frozen=True)
class Plan:
    """What a sweep runs.

    Attributes:
        entries: runs, each to be made once for each seed.
        seeds: the seeds.
        ensembles: names of the runs whose scores each ensemble blends, seed by seed.
        fit_on: 'val' to test runs of ensembles on that split, too, and to add a row to each
            ensemble with weights fitted there.
    """

    entries: tuple[Entry, ...]
    seeds: tuple[int, ...] = (0,)
    ensembles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fit_on: Literal['val'] | None = None


def from_command_line(
    configs: Sequence[str],
    grids: Iterable[str] = (),
    seeds: Sequence[int] | None = None,
    ensembles: Iterable[str] = (),
    options: Iterable[str] = (),
    fit_on: Literal['val'] | None = None,
) -> Plan:
    """Make a plan from the arguments of a command line.

    Args:
        configs: config files, each of which runs at every point of the grid; or one plan file, a
            .json or a .py that sets `runs`.
        grids: values of config keys, 'optimizer.lr=0.1,0.2'; several keys make all combinations.
        seeds: seeds; None for those of the plan file, else 0.
        ensembles: 'both=joint+limb'; with a grid, there is an ensemble at each of its points.
        options: overrides of every run, 'total_epochs=4'.
        fit_on: see Plan; None for the plan file's.

    Raises:
        ConfigError: an argument or the plan file is wrong.
    """
    common = _texts(options)
    if len(configs) == 1 and is_plan(configs[0]):
        plan = read_plan(configs[0])
    else:
        plan = Plan(tuple(map(Entry, _stems(configs), configs)))
    points = list(_points(_values(grid) for grid in grids))
    entries = tuple(
        replace(
            entry, name=' '.join([entry.name, *names]), options={**entry.options, **point, **common}
        )
        for entry in plan.entries
        for names, point in points
    )
    ensembles = _at_points(
        {**plan.ensembles, **dict(map(_ensemble, ensembles))},
        [entry.name for entry in plan.entries],
        points,
    )
    seeds = plan.seeds if seeds is None else tuple(seeds)
    return _checked(Plan(entries, seeds, ensembles, fit_on or plan.fit_on), 'the sweep')


def is_plan(path: str) -> bool:
    """Return whether a file is a plan: a .json, or a .py with a line that begins with `runs =`."""
    if path.endswith('.json'):
        return True
    try:
        lines = read_text(path, limit=MAX_BYTES).splitlines()
        return any(line.startswith('runs =') for line in lines)
    except DataError:
        return False  # reading it as a config gives the error


def read_plan(path: str | os.PathLike) -> Plan:
    """Read a plan file: a .json with an object, or a .py that is executed and sets the same names.

        runs = [
            dict(
                name='joint',
                config='configs/demo/joint.py',
                options={'optimizer.lr': 0.1},
                grid={'total_epochs': [8, 16]},
            ),
        ]
        ensembles = {'both': ['joint', 'limb']}
        seeds = [0, 1, 2]
        options = {...}  # of every run
        fit_on = 'val'  # see Plan

    Raises:
        ConfigError: the file or an entry is wrong.
    """
    path = Path(path)
    content = _read_json(path) if path.suffix == '.json' else _execute(path)
    runs, common = content.get('runs'), content.get('options', {})
    if not _is_list(runs) or not runs:
        raise ConfigError(
            f'{path}: runs = {brief(runs)}: expected a list of dict(name=..., config=..., '
            'options=...).'
        )
    entries = [
        entry for n, run in enumerate(runs) for entry in _entries(run, common, f'{path}: runs[{n}]')
    ]
    ensembles = content.get('ensembles', {})
    if not isinstance(ensembles, Mapping) or not all(map(_is_list, ensembles.values())):
        raise ConfigError(
            f"{path}: ensembles = {brief(ensembles)}: expected {{'both': ['joint', 'limb']}}, "
            'names of runs.'
        )
    seeds = content.get('seeds', [0])
    if not _is_list(seeds) or not all(type(seed) is int for seed in seeds):
        raise ConfigError(
            f'{path}: seeds = {brief(seeds)}: expected whole numbers, e.g. [0, 1, 2].'
        )
    fit_on = content.get('fit_on')
    if fit_on not in (None, 'val'):
        raise ConfigError(
            f"{path}: fit_on = {brief(fit_on)}: expected 'val', or None for equal weights alone."
        )
    ensembles = {name: tuple(parts) for name, parts in ensembles.items()}
    return _checked(Plan(tuple(entries), tuple(seeds), ensembles, fit_on), str(path))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path, 'Expected {"runs": [...]}.', MAX_BYTES)
    except DataError as error:
        raise ConfigError(str(error)) from error
    if not isinstance(content, dict):
        raise ConfigError(
            f'{path}: expected an object {{"runs": [...]}}, not a {type(content).__name__}.'
        )
    _check_keys(content, _PLAN_KEYS, str(path))
    return content


def _check_keys(given: Iterable[str], known: Sequence[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise ConfigError(
                f'{where}: {brief(key)} is unknown.{did_you_mean(key, known)} '
                f'Known: {", ".join(known)}.'
            )


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _execute(path: Path) -> dict[str, Any]:
    try:
        return runpy.run_path(str(path))
    except (Exception, SystemExit) as error:  # a plan may raise anything
        frames = traceback.extract_tb(error.__traceback__)
        numbers = [frame.lineno for frame in frames if frame.filename == str(path)]
        place = f', line {numbers[-1]}' if numbers else ''
        raise ConfigError(
            f'{path}{place}: {type(error).__name__}: {error}. Correct it there.'
        ) from error


def _entries(run: Any, common: Any, where: str) -> list[Entry]:
    if not isinstance(run, Mapping) or not isinstance(run.get('config'), str):
        raise ConfigError(
            f"{where}: expected dict(name='joint', config='configs/demo/joint.py', "
            f'options={{...}}), not {brief(run)}.'
        )
    _check_keys(run, _RUN_KEYS, where)
    options = _as_texts(common, f'{where}, options')
    options |= _as_texts(run.get('options', {}), f'{where}: options')
    grid = run.get('grid', {})
    if not isinstance(grid, Mapping) or not all(
        _is_list(values) and values for values in grid.values()
    ):
        raise ConfigError(
            f"{where}: grid = {brief(grid)}: expected {{'optimizer.lr': [0.1, 0.2]}}."
        )
    name = run.get('name', Path(run['config']).stem)
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f'{where}: name = {brief(name)}: expected a text.')
    axes = [
        (key, [_as_texts({key: value}, f'{where}: grid')[key] for value in values])
        for key, values in grid.items()
    ]
    return [
        Entry(' '.join([name, *names]), run['config'], {**options, **point})
        for names, point in _points(axes)
    ]


def _as_texts(options: Any, where: str) -> dict[str, str]:
    """Return values as they are typed on a command line."""
    if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
        raise ConfigError(f"{where} = {brief(options)}: expected {{'optimizer.lr': 0.1}}.")
    texts = {key: repr(value) for key, value in options.items()}
    wrong = [key for key, text in texts.items() if parse_value(text) != options[key]]
    if wrong:
        raise ConfigError(
            f'{where}[{brief(wrong[0])}] = {brief(options[wrong[0]])}: expected numbers, texts, '
            'True, False, None, lists and dicts.'
        )
    return texts


def _texts(options: Iterable[str]) -> dict[str, str]:
    options = list(options)
    parse_options(options)  # raises for wrong ones
    return {key.strip(): text for key, _, text in (option.partition('=') for option in options)}


def _values(grid: str) -> tuple[str, list[str]]:
    key, equals, text = grid.partition('=')
    values = [value.strip() for value in split_values(text) if value.strip()]
    if not equals or not key.strip() or not values:
        raise ConfigError(
            f'--grid {brief(grid)}: expected key=value,value,..., e.g. optimizer.lr=0.1,0.2.'
        )
    return key.strip(), values


def _points(axes: Iterable[tuple[str, list[str]]]) -> Iterable[tuple[list[str], dict[str, str]]]:
    """Yield every combination of the axes' values: (['lr=0.1'], {'optimizer.lr': '0.1'}), ..."""
    axes = list(axes)
    short = [key.rpartition('.')[2] for key, _ in axes]
    names = [key if short.count(last) > 1 else last for (key, _), last in zip(axes, short)]
    for values in itertools.product(*(values for _, values in axes)):
        yield (
            [f'{name}={value}' for name, value in zip(names, values)],
            {key: value for (key, _), value in zip(axes, values)},
        )


def _at_points(
    ensembles: Mapping[str, tuple[str, ...]],
    names: Sequence[str],
    points: Sequence[tuple[list[str], dict[str, str]]],
) -> dict[str, tuple[str, ...]]:
    """Repeat ensembles whose runs a grid multiplies at each of its points; others stay."""
    repeated = {}
    for name, parts in ensembles.items():
        multiplied = set(parts) <= set(names)
        for words in [words for words, _ in points] if multiplied else [[]]:
            repeated[' '.join([name, *words])] = tuple(' '.join([part, *words]) for part in parts)
    return repeated


def _stems(configs: Sequence[str]) -> list[str]:
    """Return short names of configs: the stem, with its folder where two stems are equal."""
    stems = [Path(config).stem for config in configs]
    return [
        f'{Path(config).absolute().parent.name}/{stem}' if stems.count(stem) > 1 else stem
        for config, stem in zip(configs, stems)
    ]


def _ensemble(text: str) -> tuple[str, tuple[str, ...]]:
    name, equals, parts = text.partition('=')
    if not equals or not name.strip() or len(parts.split('+')) < 2:
        raise ConfigError(f'--ensemble {brief(text)}: expected name=run+run, e.g. both=joint+limb.')
    return name.strip(), tuple(part.strip() for part in parts.split('+'))


def _checked(plan: Plan, where: str) -> Plan:
    known = [entry.name for entry in plan.entries]
    names = [*known, *plan.ensembles]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise ConfigError(
            f'{where}: {brief(repeated[0])} names two rows. Give each run and ensemble a name of '
            'its own.'
        )
    for name, parts in plan.ensembles.items():
        missing = [part for part in parts if part not in known]
        if missing:
            raise ConfigError(
                f'{where}: ensemble {brief(name)}: there is no run '
                f'{brief(missing[0])}.{did_you_mean(missing[0], known)} Known: {", ".join(known)}.'
            )
        if len(parts) < 2:
            raise ConfigError(f'{where}: ensemble {brief(name)}: expected two runs or more.')
    in_range = all(0 <= seed <= MAX_SEED for seed in plan.seeds)
    if not plan.seeds or not in_range or len(set(plan.seeds)) < len(plan.seeds):
        raise ConfigError(
            f'{where}: seeds {list(plan.seeds)}: expected different whole numbers from 0 to '
            f'{MAX_SEED}.'
        )
    return plan
