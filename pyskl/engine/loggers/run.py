"""All loggers of one run."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigError, DataError
from ...files.atomic import atomic_write
from ...files.texts import read_json
from ...recipe import Recipe
from ...wording import brief
from .base import LOGGERS, Logger, RunFacts

FILE = 'trackers.json'  # in the work dir: the runs of the trackers, by hook
MAX_BYTES = 1 << 20


@dataclass
class _Hook:
    """A logger, its place in the config, and what FILE calls it."""

    logger: Logger
    where: str
    key: str


class Loggers:
    """The loggers that a config lists. They take figures while `running`, and fail one by one.

    Args:
        recipe: the config's.

    Raises:
        ConfigError: the package of one is not installed.
    """

    def __init__(self, recipe: Recipe):
        self._recipe = recipe
        self._hooks: list[_Hook] = []
        self._open: list[_Hook] = []
        seen: list[str] = []
        for i, config in enumerate(recipe.log_config.hooks):
            where = f'{recipe.filename}: log_config.hooks[{i}]'
            kind = config['type']
            seen.append(kind)
            key = kind if seen.count(kind) == 1 else f'{kind} {seen.count(kind)}'
            self._hooks.append(_Hook(LOGGERS.build(config, where), f'{where} ({kind})', key))

    @contextlib.contextmanager
    def running(
        self, work_dir: Path, iteration: int, facts: Mapping[str, Any], goes_on: bool
    ) -> Iterator[None]:
        """Open the loggers' runs, and close them at the end of the block.

        Args:
            work_dir: the folder of the run.
            iteration: iterations that are done.
            facts: see RunFacts.
            goes_on: whether a run of this work dir goes on; each logger's goes on with it.

        Raises:
            ConfigError: a logger cannot open its run, and the training only begins.
        """
        name = Path(self._recipe.filename).stem
        whole = False
        try:
            run = RunFacts(name, work_dir, iteration, self._recipe.effective(), facts)
            self._start(run, _known_runs(work_dir) if goes_on else {}, goes_on)
            yield
            whole = True
        finally:
            for hook in list(self._open):
                with self._surviving(hook):
                    hook.logger.finish(whole)
            self._open = []

    def _start(self, run: RunFacts, runs: Mapping[str, Any], goes_on: bool) -> None:
        found: dict[str, str] = {}
        for hook in self._hooks:
            run_id = runs.get(hook.key)
            try:
                given = hook.logger.start(run, run_id if isinstance(run_id, str) else None)
            except Exception as error:
                message = f'{hook.where}: cannot open its run ({_said(error)}).'
                if not goes_on:
                    raise ConfigError(
                        f'{message} Check its settings and the login, take its offline mode, or '
                        'leave the hook out.'
                    ) from error
                _warn(message)
                continue
            self._open.append(hook)
            if given is not None:
                found[hook.key] = given
        if found != runs:
            with atomic_write(run.work_dir / FILE, 'w', encoding='utf-8') as file:
                json.dump({**runs, **found}, file, indent=1)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Give figures to each logger, see Logger.scalars. Does nothing unless `running`."""
        for hook in list(self._open):
            with self._surviving(hook):
                hook.logger.scalars(step, values)

    @contextlib.contextmanager
    def _surviving(self, hook: _Hook) -> Iterator[None]:
        """Leave a logger out from now on, with one warning, if it fails in the block."""
        try:
            yield
        except Exception as error:  # packages of others: anything can come out of them
            self._open.remove(hook)
            _warn(f'{hook.where}: failed ({_said(error)}); nothing more is sent there.')


def _known_runs(work_dir: Path) -> Mapping[str, Any]:
    """The runs that FILE names; {} without one that can be read."""
    try:
        runs = read_json(work_dir / FILE, limit=MAX_BYTES)
    except DataError:
        return {}
    return runs if isinstance(runs, dict) else {}


def _said(error: Exception) -> str:
    return f'{type(error).__name__}: {brief(str(error))}'


def _warn(message: str) -> None:
    logging.getLogger('pyskl').warning('%s Training goes on.', message)
