"""Pipelines: from an annotation to what the network takes, in stages with PYSKL's names and arguments."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import lazy_exports

if TYPE_CHECKING:
    from .augment import FrameJitter, JointDropout, KeypointNoise, ShiftScale
    from .base import Step
    from .bones import BoneVectors
    from .compose import Compose
    from .decompress import DecompressPose
    from .formatting import Collect, FormatShape, GeneratePoseTarget, ToTensor
    from .geometry import CenterCrop, Flip, PoseCompact, RandomCrop, RandomResizedCrop, Resize
    from .keypoints import PoseDecode
    from .sampling import SampleFrames, UniformSample, UniformSampleDecode, UniformSampleFrames

__all__ = ['BoneVectors', 'CenterCrop', 'Collect', 'Compose', 'DecompressPose', 'Flip', 'FormatShape', 'FrameJitter', 'GeneratePoseTarget',
           'JointDropout', 'KeypointNoise', 'PoseCompact', 'PoseDecode', 'RandomCrop', 'RandomResizedCrop', 'Resize',
           'SampleFrames', 'ShiftScale', 'Step', 'ToTensor', 'UniformSample', 'UniformSampleDecode', 'UniformSampleFrames']

__getattr__, __dir__ = lazy_exports(__name__)
