"""Pipelines: steps in a row, checked when they are put together, not at sample 8,000."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...errors import ConfigError, DataError, Faults
from ...inputs import compute_lazy
from ...registry import PIPELINES
from .base import Results, Step, check_planar, is_ours

# What a dataset puts into `results` before the first step.
FROM_DATASET = (
    'frame_dir',
    'filename',
    'label',
    'img_shape',
    'original_shape',
    'total_frames',
    'keypoint',
    'keypoint_score',
    'emb',
    'modality',
    'start_index',
    'start_frame',
    'test_mode',
)


class Compose:
    """A pipeline: steps in a row, checked when it is built.

    Heatmaps are drawn, and frames normalised, when they are needed (inputs.LazyArray), at the
    latest before a step that does not handle lazy entries (`keeps_lazy`).

    Args:
        steps: configs (`dict(type=...)`) or callables results -> results. A callable without
            `needs` and `gives` may stand anywhere, and after it there may be any entry.
        where: the pipeline's place as the user knows it, e.g. 'joint.py: data.train.pipeline'.
        entries: what a clip holds before the first step; None: anything.

    Attributes:
        gives: the entries that are there at the end; None: there may be any.

    Raises:
        ConfigError: an unknown step, a wrong argument, or a step that needs what no step before it
            gives.
    """

    def __init__(
        self,
        steps: Sequence[Mapping | Callable],
        where: str = 'pipeline',
        entries: Sequence[str] | None = FROM_DATASET,
    ):
        row, faults = list(flat_row(steps, where)), Faults()
        self.steps: list[Callable] = []
        for step, place in row:
            with faults:
                self.steps.append(_build(step, place))
        faults.raise_any(where)
        self.gives = _check_chain(self.steps, [place for _, place in row], entries)
        self._plan = _plan(self.steps)

    def __call__(self, results: Results, lazy: bool = False) -> Results:
        """Pass one clip through all steps.

        Args:
            results: the clip's entries; see FROM_DATASET.
            lazy: leave entries that are still lazy at the end as they are, for a loader. By
                default they are computed, as PYSKL's pipelines do.

        Raises:
            DataError: naming the clip when its data is wrong, or when a step returns something
                other than a dict.
        """
        clip = results.get('frame_dir')
        for i, (step, needs, computes) in enumerate(self._plan):
            # The chain is right, but this clip may lack a field that others have.
            for keys in needs:
                if not any(key in results for key in keys):
                    is_2d = keys == ('img_shape',) and 'keypoint' in results and is_ours(step)
                    if is_2d and isinstance(step, Step):
                        check_planar(results, step)  # 3D data have no picture
                    raise DataError(
                        f'clip {clip!r}: has no {_either(keys)}, which pipeline step {i} '
                        f'({type(step).__name__}) needs. Expected it in every annotation.'
                    )
            if computes:
                results = compute_lazy(results)
            results = step(results)
            if not isinstance(results, dict):
                raise DataError(
                    f'clip {clip!r}: pipeline step {i} ({type(step).__name__}) returned '
                    f'{type(results).__name__}, expected the results dict.'
                )
        return results if lazy else compute_lazy(results)

    def __repr__(self) -> str:
        return 'Compose(\n' + ''.join(f'    {step!r}\n' for step in self.steps) + ')'


def as_pipeline(
    steps: Sequence[Mapping | Callable] | Compose, entries: Sequence[str] | None = FROM_DATASET
) -> Compose:
    """Return a data set's argument `pipeline`, steps or a Compose, as a Compose."""
    return steps if isinstance(steps, Compose) else Compose(steps, entries=entries)


@PIPELINES.register_module('Compose')
def nested(transforms: Sequence) -> Compose:
    """Build the step dict(type='Compose', transforms=[...]), whose steps take its place."""
    return Compose(transforms, where='transforms', entries=None)


nested.components = {'transforms': PIPELINES}


def flat_row(steps: Sequence[Any], where: str = 'pipeline') -> Iterator[tuple[Any, str]]:
    """Yield each step of a pipeline's config and its place, those of nested rows in their turn."""
    for i, step in enumerate(steps):
        place = f'{where}[{i}]'
        if isinstance(step, Mapping) and step.get('type') in ('Compose', 'pyskl.Compose'):
            PIPELINES.check(step, place)
            yield from flat_row(step['transforms'], f'{place}.transforms')
        else:
            yield step, place


def _build(step: Any, where: str) -> Callable:
    if isinstance(step, Mapping) or not callable(step):
        step = PIPELINES.build(step, where)
    if not callable(step):
        raise ConfigError(
            f'{where} ({type(step).__name__}): is no step, since it has no __call__(self, results).'
        )
    return step


def _check_chain(
    steps: Sequence[Callable], places: Sequence[str], entries: Sequence[str] | None
) -> set[str] | None:
    known = None if entries is None else set(entries)  # None: anything may be there
    dropped: set[str] = set()
    for step, place in zip(steps, places):
        name = type(step).__name__
        missing = [keys for keys in _needs(step) if known is not None and known.isdisjoint(keys)]
        if missing:
            raise ConfigError(
                f'{place} ({name}) needs {_either(missing[0])}; no earlier step gives it.'
                f'{_advice(missing[0], name, dropped, known)}'
            )
        if isinstance(step, Step):
            before, known = known, step.keys_after(known)
            dropped |= (before or set()) - (known or set())
        elif known is not None:
            known = known | set(step.gives) if hasattr(step, 'gives') else None
    return known


def _needs(step: Callable) -> list[tuple[str, ...]]:
    """Return what a step needs: of each tuple at least one entry."""
    needs: list[tuple[str, ...]] = [(key,) for key in getattr(step, 'needs', ())]
    one_of: tuple[str, ...] = tuple(getattr(step, 'needs_one_of', ()))
    return [*needs, one_of] if one_of else needs


def _either(keys: Sequence[str]) -> str:
    return ' or '.join(map(repr, keys))


def _advice(keys: Sequence[str], name: str, dropped: set[str], known: set[str] | None) -> str:
    """Return what to do about a step that lacks these entries.

    Steps that give them are named; if any could be added right there, only those.
    """
    if not dropped.isdisjoint(keys):
        return " Add it to Collect's keys."
    givers: dict[Callable, str] = {}  # a step with several names is named once
    for other, step in sorted(PIPELINES.module_dict.items()):
        if not set(keys).isdisjoint(getattr(step, 'gives', ())) and other != name:
            givers.setdefault(step, other)
    ready = [
        giver
        for step, giver in givers.items()
        if known is not None and known.issuperset(getattr(step, 'needs', ()))
    ]
    advised = ready or list(givers.values())
    return f' Try {" or ".join(advised)} before {name}.' if advised else ''


def _plan(steps: Sequence[Callable]) -> list[tuple[Callable, list[tuple[str, ...]], bool]]:
    """Return each step, what it needs (`_needs`), and whether lazy entries are computed before it.

    There can be lazy entries only after a step that keeps them, or one of the user's own.
    """
    plan, any_lazy = [], False
    for step in steps:
        keeps = vars(type(step)).get('keeps_lazy', False)  # a subclass has to say so itself
        plan.append((step, _needs(step) if isinstance(step, Step) else [], any_lazy and not keeps))
        any_lazy = any_lazy or keeps or not is_ours(step)
    return plan
