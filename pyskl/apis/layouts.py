"""The layouts that a config names, as checkpoints store them: a name may mean other bones or sides later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import ConfigError
from ..recipe import Recipe, differences
from ..recipe.layouts import exchange_layouts
from ..skeletons import LAYOUTS, Layout, layout_of
from ..wording import some

# What a checkpoint without stored layouts was trained with, where its config names imigue22 plainly.
_BEFORE = {'name': 'imigue22', 'first_hand': 'right'}


def layouts_of(recipe: Recipe) -> list[dict[str, Any]]:
    """Return what a checkpoint's meta says of the layouts of its config: each one, resolved, in plain lists."""
    found: list[Layout] = []

    def note(value: Any) -> Any:
        if (layout := _layout(value)) and layout not in found:
            found.append(layout)
        return value

    _with(recipe, note)
    return [layout.config() for layout in found]


def with_stored_layouts(
    recipe: Recipe, meta: Mapping[str, Any], source: str
) -> tuple[Recipe, list[str]]:
    """Put the layouts of a checkpoint in place of the config's, so that it is used as it was trained.

    A stored layout takes the place of that of its name, or else of as many joints. Published tables
    ('nturgb+d', 'coco' ...) never change and stay.

    Args:
        recipe: the config's.
        meta: of the checkpoint. Without `layouts` it is older than this, and imigue22 without
            first_hand means its old default 'right'.
        source: its file.

    Returns:
        The recipe to build model and pipelines of, and a line for each layout that was replaced.
    """
    stored, notes = _stored(meta), {}

    def exchange(value: Any) -> Any:
        layout = _layout(value)
        if layout is None:
            return value
        if stored is None:
            if not _is_plain(value):
                return value
            notes['imigue22'] = (
                f"{source}: stores no layout, so imigue22 means first_hand='right' for it, the default "
                'of its time; now that is left. To choose, write '
                "layout = dict(name='imigue22', first_hand=...) in the config."
            )
            return {**(value if isinstance(value, Mapping) else {}), **_BEFORE}
        before = _counterpart(layout, stored)
        if before is None or not (changes := _changes(before, layout)):
            return value
        notes[layout.name] = (
            f'{source}: was trained on the skeleton {before.name}, which differs from that of this config '
            f"({some(changes, 3)}). The checkpoint's is used."
        )
        return before.config()

    return _with(recipe, exchange), list(notes.values())


def other_layouts(recipe: Recipe, meta: Mapping[str, Any], source: str) -> list[str]:
    """Return a line for each layout of the config that a checkpoint, where training starts from, had otherwise."""
    lines = with_stored_layouts(recipe, meta, source)[1] if _stored(meta) is not None else []
    return [line.replace("The checkpoint's is used.", "The config's is used.") for line in lines]


def stored_layout(meta: Mapping[str, Any], num_joints: int) -> Layout | None:
    """Return the layout of so many joints that a checkpoint stores; None where it stores none, or several."""
    found = [layout for layout in _stored(meta) or () if layout.num_joints == num_joints]
    return found[0] if len(found) == 1 else None


def _stored(meta: Mapping[str, Any]) -> list[Layout] | None:
    """The layouts of a checkpoint; None where it stores none, or what nobody can read."""
    try:
        return [layout_of(config) for config in meta['layouts']]
    except (KeyError, TypeError, ConfigError):
        return None


def _counterpart(layout: Layout, stored: list[Layout]) -> Layout | None:
    """The stored layout that stood where the config's does now; None where that is not clear."""
    if layout in stored:
        return layout
    alike = [old for old in stored if old.name == layout.name]
    alike = alike or [old for old in stored if old.num_joints == layout.num_joints]
    return alike[0] if len(alike) == 1 else None


def _changes(before: Layout, now: Layout) -> list[str]:
    """What differs between two layouts, but names and where to draw the joints."""
    a, b = (
        {'num_joints': layout.num_joints, **layout.config(), 'mirror': sorted(layout.mirror)}
        for layout in (before, now)
    )
    return [
        line
        for key in ('num_joints', 'bones', 'mirror', 'centre')
        for line in differences({key: a[key]}, {key: b[key]})
    ]


def _layout(value: Any) -> Layout | None:
    """The layout of ours that a value of a config means; None for a published table and all else."""
    is_dict = isinstance(value, Mapping) and isinstance(value.get('name'), str)
    if not is_dict and not (isinstance(value, str) and value in LAYOUTS):
        return None
    try:
        return layout_of(value)
    except ConfigError:
        return None


def _is_plain(value: Any) -> bool:
    """Whether imigue22 is named without saying which hand comes first."""
    if isinstance(value, Mapping):
        return value['name'] == 'imigue22' and not {'first_hand', 'joints'} & set(value)
    return value == 'imigue22'


def _with(recipe: Recipe, change: Callable[[Any], Any]) -> Recipe:
    """The recipe with a function applied to all that stands where layouts are named."""
    data = {
        split: exchange_layouts(getattr(recipe.data, split), change)
        for split in ('train', 'val', 'test')
    }
    return replace(
        recipe, model=exchange_layouts(recipe.model, change), data=replace(recipe.data, **data)
    )
