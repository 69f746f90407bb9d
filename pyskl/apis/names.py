"""Find the class names of a run in its config, its data and its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..datasets import ClipDataset
from ..labels import Labels, known_names
from ..recipe import Recipe
from ..recipe.layouts import layout_names

Source = tuple[str, Labels | None]


def names_of_run(
    recipe: Recipe,
    num_classes: int | None,
    dataset: ClipDataset,
    asked: Source = ('labels', None),
) -> list[str] | None:
    """Return the class names of a config's model; None where they are unknown.

    Args:
        recipe: the config's.
        num_classes: of the head; None if it is unknown.
        dataset: the clips, whose file may name the classes.
        asked: names from an argument or option, which come first.

    Raises:
        DataError: see known_names.
    """
    sources = (
        asked,
        of_config(recipe),
        (f'{recipe.filename}: label_names of its data', dataset.classes.names),
    )
    return known_names(num_classes, *sources, layouts=layout_names_of(recipe))


def of_config(recipe: Recipe) -> Source:
    """Return a config's `labels` as a source for class_names."""
    return f'{recipe.filename}: labels', recipe.labels


def layout_names_of(recipe: Recipe, meta: Mapping[str, Any] | None = None) -> set[str]:
    """Return the names of the layouts in a config and in the meta of its checkpoint."""
    data = recipe.data
    skeleton = (meta or {}).get('skeleton')
    found = set(layout_names([recipe.model, data.train, data.val, data.test]))
    return found | ({str(skeleton.get('name'))} if isinstance(skeleton, Mapping) else set())
