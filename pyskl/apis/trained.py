"""The contract of a network that is ready to answer: what `init_recognizer` returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..datasets import Compose
from ..inference.clips import Wanted
from ..labels import Labels, class_names
from ..models.recognizers.views import ViewRecognizer
from ..recipe import Recipe


class TrainedRecognizer(ViewRecognizer):
    """A recognizer with its config and its test pipeline.

    The class exists for annotations: `init_recognizer` adds these attributes to a recognizer of any
    registered type.

    Attributes:
        cfg: the config.
        pipeline: of data.test.
        wanted: what the pipeline and the network take of a clip.
        label_sources: (where, names) pairs for the names of the classes, the best first.
        layouts: names of the layouts that the config and the checkpoint name.
        told: kinds of oddities that were warned of already.
    """

    cls_head: Any
    cfg: Recipe
    pipeline: Compose
    wanted: Wanted
    label_sources: Sequence[tuple[str, Any]]
    layouts: set[str]
    told: set[str]


def class_names_of(model: TrainedRecognizer, *first: tuple[str, Labels | None]) -> list[str]:
    """Return the names of a model's classes.

    Args:
        model: from init_recognizer.
        first: (where, names or None) pairs that come before the model's own names.
    """
    return class_names(
        model.cls_head.num_classes, *first, *model.label_sources, layouts=model.layouts
    )
