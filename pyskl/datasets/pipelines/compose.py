"""Steps in a row, checked when they are put together, not at sample 8,000."""

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
    """A pipeline.

    Heatmaps are drawn, and frames normalised, when somebody looks at them (inputs.LazyArray), or
    in front of a step that does not say that it leaves lazy entries alone (`keeps_lazy`).

    Attributes:
        gives: the entries that are there at the end; None: any may be.

    Args:
        steps: configs (`dict(type=...)`) or callables results -> results. A callable without
            `needs` and `gives` may stand anywhere, and behind it any entry may be there.
        where: the pipeline's place as the user knows it, e.g. 'joint.py: data.train.pipeline'.
        entries: what a clip holds before the first step; None: anything.

    Raises:
        ConfigError: for an unknown stage, a wrong argument, or a step whose needs nothing before
            it gives.
    """

    def __init__(
        self,
        steps: Sequence[Mapping | Callable],
        where: str = 'pipeline',
        entries: Sequence[str] | None = FROM_DATASET,
    ):
        row = list(flat_row(steps, where))
        self.steps, faults = [], Faults()
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
                    if keys == ('img_shape',) and 'keypoint' in results and is_ours(step):
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


@PIPELINES.register_module('Compose')
def nested(transforms: Sequence) -> Compose:
    """The stage dict(type='Compose', transforms=[...]): its steps take its place in the row."""
    return Compose(transforms, where='transforms', entries=None)


nested.components = {'transforms': PIPELINES}  # type: ignore[attr-defined]


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
            f'{where} ({type(step).__name__}): is no stage, since it has no __call__(self, '
            'results).'
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
    """What a step needs: of each tuple at least one key."""
    needs = [(key,) for key in getattr(step, 'needs', ())]
    one_of = tuple(getattr(step, 'needs_one_of', ()))
    return [*needs, one_of] if one_of else needs


def _either(keys: Sequence[str]) -> str:
    return ' or '.join(map(repr, keys))


def _advice(keys: Sequence[str], name: str, dropped: set[str], known: set[str]) -> str:
    """What to do about a step that lacks these entries: of the steps that give them, those are named that could stand there."""
    if not dropped.isdisjoint(keys):
        return " Add it to Collect's keys."
    givers: dict[Callable, str] = {}  # a step with several names is named once
    for other, step in sorted(PIPELINES.module_dict.items()):
        if not set(keys).isdisjoint(getattr(step, 'gives', ())) and other != name:
            givers.setdefault(step, other)
    ready = [
        giver for step, giver in givers.items() if known.issuperset(getattr(step, 'needs', ()))
    ]
    advised = ready or list(givers.values())
    return f' Try {" or ".join(advised)} before {name}.' if advised else ''


def _plan(steps: Sequence[Callable]) -> list[tuple[Callable, list[tuple[str, ...]], bool]]:
    """Each step with what it needs, as `_needs` has it, and whether lazy entries are computed in front of it.

    Only behind a step that gives lazy entries, or one that is not ours, can there be any.
    """
    plan, any_lazy = [], False
    for step in steps:
        keeps = vars(type(step)).get('keeps_lazy', False)  # a subclass has to say so itself
        plan.append((step, _needs(step) if isinstance(step, Step) else [], any_lazy and not keeps))
        any_lazy = any_lazy or keeps or not is_ours(step)
    return plan
