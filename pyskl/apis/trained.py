"""The contract of a network that is ready to answer: what `init_recognizer` returns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ..datasets import Compose
from ..inference.clips import Wanted
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
    """

    cls_head: Any
    cfg: Recipe
    pipeline: Compose
    wanted: Wanted
    label_sources: Sequence[tuple[str, Any]]
    layouts: Collection[str]
