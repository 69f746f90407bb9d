"""From annotations to batches: datasets, their pipelines, samplers and loaders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..lazy import lazy_exports
from ..registry import DATASETS, PIPELINES

if TYPE_CHECKING:
    from .base import Classes, ClipDataset
    from .gesture_dataset import GestureDataset
    from .label_embeddings import load_label_embeddings
    from .loader import Batches, build_dataloader
    from .pipelines import Compose
    from .pose_dataset import PoseDataset
    from .recording_dataset import RecordingDataset
    from .samplers import TestBatches, TrainBatches
    from .video_dataset import RawframeDataset, VideoDataset
    from .wrappers import ConcatDataset, RepeatDataset

__all__ = [
    'DATASETS',
    'PIPELINES',
    'Batches',
    'Classes',
    'ClipDataset',
    'Compose',
    'ConcatDataset',
    'GestureDataset',
    'PoseDataset',
    'RawframeDataset',
    'RecordingDataset',
    'RepeatDataset',
    'TestBatches',
    'TrainBatches',
    'VideoDataset',
    'build_dataloader',
    'build_dataset',
    'load_label_embeddings',
]
__getattr__, __dir__ = lazy_exports(__name__)


def build_dataset(
    cfg: Mapping[str, Any], default_args: Mapping[str, Any] | None = None, where: str = 'dataset'
) -> Any:
    """Build a data set from its config.

    Args:
        cfg: the config of a registered data set.
        default_args: arguments for what the config leaves out, e.g. dict(test_mode=True).
        where: the place in the config, for messages.
    """
    return DATASETS.build({**(default_args or {}), **cfg}, where)
