"""Store a config's layouts in checkpoints and use them, since a name may later mean other bones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import ConfigError
from ..recipe import Recipe, differences
from ..recipe.layouts import exchange_layouts
from ..skeletons import LAYOUTS, Layout, layout_of
from ..wording import some

# Meaning of a plain imigue22 in checkpoints without stored layouts.
_BEFORE = {'name': 'imigue22', 'first_hand': 'right'}


def layouts_of(recipe: Recipe) -> list[dict[str, Any]]:
    """Return the layouts of a config for a checkpoint's meta, resolved, in plain lists."""
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
    """Replace the config's layouts by those of a checkpoint, so that it is used as it was trained.

    A stored layout replaces the one with its name, or else the one with as many joints. Published
    tables ('nturgb+d', 'coco' ...) never change and are kept.

    Args:
        recipe: the config's.
        meta: of the checkpoint. Older ones have no `layouts`; then imigue22 without first_hand
            means its old default 'right'.
        source: its file.

    Returns:
        The recipe to build model and pipelines from, and a line for each replaced layout.
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
                f"{source}: stores no layout, so imigue22 means first_hand='right' for it, the "
                "default of its time; now it is 'left'. To choose, write "
                "layout = dict(name='imigue22', first_hand=...) in the config."
            )
            return {**(value if isinstance(value, Mapping) else {}), **_BEFORE}
        before = _counterpart(layout, stored)
        if before is None or not (changes := _changes(before, layout)):
            return value
        notes[layout.name] = (
            f'{source}: was trained on the skeleton {before.name}, which differs from that of this '
            f"config ({some(changes, 3)}). The checkpoint's is used."
        )
        return before.config()

    return _with(recipe, exchange), list(notes.values())


def other_layouts(recipe: Recipe, meta: Mapping[str, Any], source: str) -> list[str]:
    """Return a line for each layout in which a checkpoint to start from differs from the config."""
    lines = with_stored_layouts(recipe, meta, source)[1] if _stored(meta) is not None else []
    return [line.replace("The checkpoint's is used.", "The config's is used.") for line in lines]


def stored_layout(meta: Mapping[str, Any], num_joints: int) -> Layout | None:
    """Return a checkpoint's layout of so many joints; None where it has none or several."""
    found = [layout for layout in _stored(meta) or () if layout.num_joints == num_joints]
    return found[0] if len(found) == 1 else None


def _stored(meta: Mapping[str, Any]) -> list[Layout] | None:
    """Return the layouts of a checkpoint; None where it stores none, or unreadable ones."""
    try:
        return [layout_of(config) for config in meta['layouts']]
    except (KeyError, TypeError, ConfigError):
        return None


def _counterpart(layout: Layout, stored: list[Layout]) -> Layout | None:
    """Return the stored layout that corresponds to the config's; None where that is ambiguous."""
    if layout in stored:
        return layout
    similar = [old for old in stored if old.name == layout.name]
    similar = similar or [old for old in stored if old.num_joints == layout.num_joints]
    return similar[0] if len(similar) == 1 else None


def _changes(before: Layout, now: Layout) -> list[str]:
    """Describe how two layouts differ, apart from names and drawing positions."""

    def compared(layout: Layout) -> dict[str, Any]:
        kept = {key: layout.config()[key] for key in ('bones', 'centre')}
        return {'num_joints': layout.num_joints, 'mirror': sorted(layout.mirror), **kept}

    return differences(compared(before), compared(now))


def _layout(value: Any) -> Layout | None:
    """Return the layout that a config's value means; None for published tables and others."""
    is_dict = isinstance(value, Mapping) and isinstance(value.get('name'), str)
    if not is_dict and not (isinstance(value, str) and value in LAYOUTS):
        return None
    try:
        return layout_of(value)
    except ConfigError:
        return None


def _is_plain(value: Any) -> bool:
    """Return whether a value names imigue22 without saying which hand comes first."""
    if isinstance(value, Mapping):
        return value['name'] == 'imigue22' and not {'first_hand', 'joints'} & set(value)
    return value == 'imigue22'


def _with(recipe: Recipe, change: Callable[[Any], Any]) -> Recipe:
    """Return the recipe with `change` applied to every value in the place of a layout."""
    data = {
        split: exchange_layouts(getattr(recipe.data, split), change)
        for split in ('train', 'val', 'test')
    }
    return replace(
        recipe, model=exchange_layouts(recipe.model, change), data=replace(recipe.data, **data)
    )
