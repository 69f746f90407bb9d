"""Which checkpoint a training goes on from, whether it belongs to the run that is asked for, and what to say about it."""

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
from .layouts import with_stored_layouts
from .options import TrainOptions
from .setup import Run

_COMPARED_ELSEWHERE = (
    'seed: ',
    'model.test_cfg',
)  # chosen_seed looks at the seed; test_cfg decides nothing of the weights


@dataclass
class Resume:
    """A checkpoint to go on from, and what the user should know about it.

    origin   the FILE that --resume or resume_from asked for when this run began, None where there was none
    """

    path: Path
    data: dict[str, Any]
    notes: list[str]
    origin: str | None = None

    @property
    def place(self) -> tuple[Any, Any]:
        """Epochs and iterations that the checkpoint has behind it."""
        return self.data['meta'].get('epoch'), self.data['meta'].get('iter')

    def is_newer_than(self, other: Resume) -> bool:
        ours, theirs = self.place[1], other.place[1]
        return isinstance(ours, int) and isinstance(theirs, int) and ours > theirs


def checkpoint_to_resume(run: Run, options: TrainOptions) -> Resume | None:
    """The FILE of --resume or resume_from, or what this run has made of it since; else the work dir's newest, where that may be."""
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
                f'{run.work_dir}: holds a run already ({held[-1].name}). Take another --work-dir, move that run away, '
                'or go on from it (without --no-resume, and with auto_resume = True).'
            )
        return None
    found = _newest(run)
    changes = [] if found is None else _changes(found.data, run.recipe, options)
    if changes:
        raise ConfigError(
            f'{found.path}: this run was started with other settings than it has now:\n  '
            + '\n  '.join(changes)
            + f'\nTake another --work-dir to start anew, or say --resume {found.path} to go on with the new settings.'
        )
    return found


def _newest(run: Run) -> Resume | None:
    """The work dir's newest whole checkpoint. CheckpointError when there are some, and none is whole."""
    found = CheckpointFolder(run.work_dir).newest_whole()
    if found is None:
        return None
    path, data, complaints = found
    origin = data['meta'].get('resumed_from')
    return Resume(
        path,
        data,
        [f'A damaged checkpoint is passed over: {line}' for line in complaints],
        origin if isinstance(origin, str) else None,
    )


def _from_file(run: Run, options: TrainOptions, file: str) -> Resume:
    """The file; or, where the same command has gone on from it before, the newest checkpoint that this gave."""
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
            f'{newest.path} has come of {file} and lies beyond it. To begin at {file} once more, take another --work-dir.'
        )
        return newest
    asked.notes = [
        f'other than when it was written: {line}'
        for line in _changes(asked.data, run.recipe, options)
    ]
    return asked


def _changes(checkpoint: Mapping[str, Any], recipe: Recipe, options: TrainOptions) -> list[str]:
    """What decides the bits of a run and is other now than the checkpoint says, a line each; nothing where it does not say."""
    meta = checkpoint['meta']
    before = meta.get('settings')
    try:
        lines = (
            differences(json.loads(before), json.loads(settings_text(recipe)))
            if isinstance(before, str)
            else []
        )
    except (ValueError, RecursionError):
        lines = [f'its settings are unreadable: {before[:80]!r}']
    lines = [line for line in lines if not line.startswith(_COMPARED_ELSEWHERE)]
    now = {
        name: (plain(meta[name]), plain(value))
        for name, value in flags(options).items()
        if name in meta
    }
    return lines + [f'--{name}: {old} -> {new}' for name, (old, new) in now.items() if old != new]


def as_trained(recipe: Recipe, resume: Resume | None) -> Recipe:
    """The recipe with the layouts of the checkpoint to go on from, whose notes say what that changes."""
    if resume is None:
        return recipe
    recipe, notes = with_stored_layouts(recipe, resume.data['meta'], str(resume.path))
    resume.notes += notes
    return recipe


def flags(options: TrainOptions) -> dict[str, Any]:
    """The command line's part of what decides the bits of a run."""
    return {'amp': options.amp, 'deterministic': options.deterministic}


def settings_text(recipe: Recipe) -> str:
    """The config's part of it."""
    return json.dumps(recipe.results())


def chosen_seed(recipe: Recipe, options: TrainOptions, resume: Resume | None) -> int:
    """The seed asked for, that of the run that goes on, or 0. ConfigError when the first two differ."""
    asked = options.seed if options.seed is not None else recipe.seed
    if asked is not None and not 0 <= asked <= MAX_SEED:
        raise ConfigError(f'seed = {asked}: expected a whole number from 0 to {MAX_SEED}.')
    before = None if resume is None else resume.data['meta'].get('seed')
    if not isinstance(before, int) or not 0 <= before <= MAX_SEED:
        return asked or 0
    if asked not in (None, before):
        raise ConfigError(
            f'{resume.path}: was trained with seed {before}, now seed {asked} is asked for. Leave the seed out to '
            'go on, or take another --work-dir to start anew.'
        )
    return before


def how_to_go_on(recipe: Recipe, options: TrainOptions, checkpoint: str) -> str:
    """What a user types to go on from the checkpoint of a training that was stopped."""
    if options.no_resume:
        return 'Without --no-resume, the same command goes on from there.'
    return (
        Stopped.advice
        if recipe.auto_resume
        else f'auto_resume is False: --resume {checkpoint} goes on from there.'
    )
