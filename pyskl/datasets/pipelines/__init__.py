"""Pipelines: from an annotation to what the network takes, in stages with PYSKL's names and arguments."""
from .base import Step
from .compose import Compose
from .formatting import Collect, FormatShape, GeneratePoseTarget, ToTensor
from .geometry import CenterCrop, RandomCrop, RandomResizedCrop, Resize
from .keypoints import Flip, PoseCompact, PoseDecode
from .sampling import UniformSampleFrames

__all__ = ['CenterCrop', 'Collect', 'Compose', 'Flip', 'FormatShape', 'GeneratePoseTarget', 'PoseCompact', 'PoseDecode',
           'RandomCrop', 'RandomResizedCrop', 'Resize', 'Step', 'ToTensor', 'UniformSampleFrames']
