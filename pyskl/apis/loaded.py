"""The type of a recognizer that is ready for inference."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from ..datasets import Compose
from ..inference.clips import Wanted
from ..labels import Labels
from ..models import Recognizer
from ..recipe import Recipe


class LoadedRecognizer(Recognizer):
    """A recognizer from init_recognizer, with what inference needs to know. Used as a type only.

    Attributes:
        backbone: the network in front of the head.
        cfg: the recipe that it was built from.
        pipeline: the test pipeline.
        wanted: what it takes of a clip.
        label_sources: (place, class names or None); the first with names counts.
        layouts: names of the skeleton layouts in its config and checkpoint.
        told: kinds of oddities that were warned of already.
    """

    backbone: nn.Module
    cfg: Recipe
    pipeline: Compose
    wanted: Wanted
    label_sources: Sequence[tuple[str, Labels | None]]
    layouts: set[str]
    told: set[str]
