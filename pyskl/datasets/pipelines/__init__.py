"""Pipelines: from an annotation to what the network takes, in stages with PYSKL's names and arguments."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import lazy_exports

if TYPE_CHECKING:
    from .augment import FrameJitter, JointDropout, KeypointNoise, ShiftScale
    from .base import Step
    from .bones import BoneVectors
    from .compose import Compose
    from .decoding import ArrayDecode, DecordDecode, DecordInit, RawFrameDecode
    from .decompress import DecompressPose
    from .features import GenSkeFeat, JointToBone, Kinetics_Transform, MergeSkeFeat, ToMotion
    from .format_shape import FormatShape
    from .formatting import Collect, GeneratePoseTarget, ToTensor
    from .geometry import CenterCrop, Flip, PoseCompact, RandomCrop, RandomResizedCrop, Resize
    from .graph_format import FormatGCNInput, PadTo, Rename
    from .keypoints import PoseDecode
    from .multimodal import MMDecode, MMUniformSampleFrames
    from .normalize import PreNormalize2D, PreNormalize3D
    from .pixels import Normalize
    from .project import Project3D
    from .sampling import SampleFrames, UniformSample, UniformSampleDecode, UniformSampleFrames
    from .skeleton_augment import Part_Drop, RandomGaussianNoise, RandomRot, RandomScale, Spatial_Flip

__all__ = ['BoneVectors', 'CenterCrop', 'Collect', 'Compose', 'DecompressPose', 'Flip',
           'FormatGCNInput', 'FormatShape', 'FrameJitter', 'GenSkeFeat', 'GeneratePoseTarget',
           'JointDropout', 'JointToBone', 'KeypointNoise', 'Kinetics_Transform', 'MergeSkeFeat', 'Normalize',
           'PadTo', 'Part_Drop', 'PoseCompact', 'PoseDecode', 'PreNormalize2D', 'PreNormalize3D',
           'Project3D', 'RandomCrop', 'RandomGaussianNoise', 'RandomResizedCrop', 'RandomRot', 'RandomScale',
           'Rename', 'Resize', 'SampleFrames', 'ShiftScale', 'Spatial_Flip', 'Step', 'ToMotion',
           'ToTensor', 'UniformSample', 'UniformSampleDecode', 'UniformSampleFrames',
           'ArrayDecode', 'DecordDecode', 'DecordInit', 'MMDecode', 'MMUniformSampleFrames', 'RawFrameDecode']

__getattr__, __dir__ = lazy_exports(__name__)
