"""Choose the checkpoint that a training continues from, and check that it belongs to the run."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine.checkpoint import CheckpointFolder, read_checkpoint
from ..engine.signals import Stopped
from ..errors import CheckpointError, ConfigError
from ..recipe import Recipe, differences
from ..seeds import MAX_SEED
from ..wording import plain
from .options import TrainOptions
from .setup import Run

# Not compared: the seed, which chosen_seed compares, and test_cfg, which influences no weights.
_NOT_COMPARED = ('seed: ', 'model.test_cfg')


@dataclass
class Resume:
    """A checkpoint to continue from.

    Attributes:
        path: its file.
        data: its content.
        notes: warnings for the user.
        origin: the FILE of --resume or resume_from with which this run began, if any.
    """

    path: Path
    data: dict[str, Any]
    notes: list[str]
    origin: str | None = None

    @property
    def progress(self) -> tuple[Any, Any]:
        """Number of epochs and iterations done."""
        return self.data['meta'].get('epoch'), self.data['meta'].get('iter')

    def is_newer_than(self, other: Resume) -> bool:
        """Return whether this checkpoint has more iterations than another."""
        done, done_before = self.progress[1], other.progress[1]
        return isinstance(done, int) and isinstance(done_before, int) and done > done_before


def checkpoint_to_resume(run: Run, options: TrainOptions) -> Resume | None:
    """Choose the checkpoint to continue from, or None to start anew.

    That is the FILE of --resume or resume_from, or the newest checkpoint that this run has written
    after it; otherwise, with auto_resume, the newest one in the work dir.

    Raises:
        ConfigError: options contradict each other, the work dir holds another run, or its settings
            differ.
        CheckpointError: no checkpoint can be read.
    """
    explicit = options.resume or run.recipe.resume_from
    if explicit and options.no_resume:
        name = '--resume' if options.resume else 'resume_from ='
        raise ConfigError(
            f'{name} {explicit} and --no-resume contradict each other. Leave one of them out.'
        )
    if explicit:
        return _from_file(run, options, explicit)
    if options.dry_run:
        return None
    if not run.recipe.auto_resume or options.no_resume:
        held = CheckpointFolder(run.work_dir).numbered()
        if held:
            raise ConfigError(
                f'{run.work_dir}: already holds a run ({held[-1].name}). Choose another '
                '--work-dir, move that run away, or continue it (without --no-resume, and with '
                'auto_resume = True).'
            )
        return None
    found = _newest(run)
    if found is None:
        return None
    changes = _changes(found.data, run.recipe, options)
    if changes:
        listed = '\n  '.join(changes)
        raise ConfigError(
            f'{found.path}: this run was started with other settings than it has now:\n  {listed}\n'
            'Choose another --work-dir to start anew, or continue with the new settings: '
            f'--resume {found.path}'
        )
    return found


def _newest(run: Run) -> Resume | None:
    """Return the newest undamaged checkpoint of the work dir; None if it has no checkpoint."""
    found = CheckpointFolder(run.work_dir).newest_whole()
    if found is None:
        return None
    path, data, complaints = found
    origin = data['meta'].get('resumed_from')
    notes = [f'A damaged checkpoint is skipped: {line}' for line in complaints]
    return Resume(path, data, notes, origin if isinstance(origin, str) else None)


def _from_file(run: Run, options: TrainOptions, file: str) -> Resume:
    """Return the file, or the newest checkpoint of a run that has continued from it before."""
    asked = Resume(Path(file), read_checkpoint(file), [], os.path.realpath(file))
    newest = None
    if run.recipe.auto_resume and not options.dry_run:
        with contextlib.suppress(CheckpointError):
            newest = _newest(run)
    if (
        newest
        and newest.origin == asked.origin
        and newest.is_newer_than(asked)
        and not _changes(newest.data, run.recipe, options)
    ):
        newest.notes.append(
            f'{newest.path} was written by a run that continued from {file}, and is newer. To '
            f'begin at {file} again, choose another --work-dir.'
        )
        return newest
    changes = _changes(asked.data, run.recipe, options)
    asked.notes = [f'changed since it was written: {line}' for line in changes]
    return asked


def _changes(checkpoint: Mapping[str, Any], recipe: Recipe, options: TrainOptions) -> list[str]:
    """Return a line for each setting that affects the weights and differs from a checkpoint's."""
    meta = checkpoint['meta']
    before = meta.get('settings')
    lines = []
    if isinstance(before, str):
        try:
            lines = differences(json.loads(before), json.loads(settings_text(recipe)))
        except (ValueError, RecursionError):
            lines = [f'its settings are unreadable: {before[:80]!r}']
    lines = [line for line in lines if not line.startswith(_NOT_COMPARED)]
    for name, value in result_flags(options).items():
        if name in meta and plain(meta[name]) != plain(value):
            lines.append(f'--{name}: {plain(meta[name])} -> {plain(value)}')
    return lines


def result_flags(options: TrainOptions) -> dict[str, Any]:
    """Return the options of the command line that influence the weights."""
    return {'amp': options.amp, 'deterministic': options.deterministic}


def settings_text(recipe: Recipe) -> str:
    """Return the settings of the config that influence the weights, as JSON."""
    return json.dumps(recipe.results())


def chosen_seed(recipe: Recipe, options: TrainOptions, resume: Resume | None) -> int:
    """Return the seed asked for, that of the run to continue, or 0.

    Raises:
        ConfigError: the first two differ, or the seed is out of range.
    """
    asked = options.seed if options.seed is not None else recipe.seed
    if asked is not None and not 0 <= asked <= MAX_SEED:
        raise ConfigError(f'seed = {asked}: expected a whole number from 0 to {MAX_SEED}.')
    if resume is None:
        return asked or 0
    before = resume.data['meta'].get('seed')
    if not isinstance(before, int) or not 0 <= before <= MAX_SEED:
        return asked or 0
    if asked not in (None, before):
        raise ConfigError(
            f'{resume.path}: was trained with seed {before}, but now seed {asked} is asked for. '
            'Leave out the seed to continue, or choose another --work-dir to start anew.'
        )
    return before


def how_to_go_on(recipe: Recipe, options: TrainOptions, checkpoint: str) -> str:
    """Return the advice on how to continue a stopped training."""
    if options.no_resume:
        return 'Without --no-resume, the same command goes on from there.'
    if not recipe.auto_resume:
        return f'auto_resume is False: --resume {checkpoint} goes on from there.'
    return Stopped.advice
