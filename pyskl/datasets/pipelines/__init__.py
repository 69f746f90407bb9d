"""Pipelines: from an annotation to what the network takes, in steps with PYSKL's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import lazy_exports

if TYPE_CHECKING:
    from .augment import FrameJitter, JointDropout, KeypointNoise, ShiftScale
    from .base import Step
    from .body_units import BodyUnits2D
    from .bones import BoneVectors
    from .compact import MMCompact, MMPad, PoseCompact
    from .compose import Compose
    from .crops import CenterCrop, RandomCrop, RandomResizedCrop, TenCrop, ThreeCrop
    from .decoding import ArrayDecode, DecordDecode, DecordInit, RawFrameDecode
    from .decompress import DecompressPose
    from .features import GenSkeFeat, JointToBone, Kinetics_Transform, MergeSkeFeat, ToMotion
    from .format_shape import FormatShape
    from .formatting import Collect, GeneratePoseTarget, ToTensor
    from .geometry import Flip, Resize
    from .graph_format import FormatGCNInput, PadTo, Rename
    from .keypoints import PoseDecode
    from .multimodal import MMDecode, MMUniformSampleFrames
    from .normalize import PreNormalize2D, PreNormalize3D
    from .pixels import Normalize
    from .potion import Heatmap2Potion
    from .project import Project3D
    from .sampling import SampleFrames, UniformSample, UniformSampleDecode, UniformSampleFrames
    from .skeleton_augment import (
        Part_Drop,
        RandomGaussianNoise,
        RandomRot,
        RandomScale,
        Spatial_Flip,
    )

__all__ = [
    'ArrayDecode',
    'BodyUnits2D',
    'BoneVectors',
    'CenterCrop',
    'Collect',
    'Compose',
    'DecompressPose',
    'DecordDecode',
    'DecordInit',
    'Flip',
    'FormatGCNInput',
    'FormatShape',
    'FrameJitter',
    'GenSkeFeat',
    'GeneratePoseTarget',
    'Heatmap2Potion',
    'JointDropout',
    'JointToBone',
    'KeypointNoise',
    'Kinetics_Transform',
    'MMCompact',
    'MMDecode',
    'MMPad',
    'MMUniformSampleFrames',
    'MergeSkeFeat',
    'Normalize',
    'PadTo',
    'Part_Drop',
    'PoseCompact',
    'PoseDecode',
    'PreNormalize2D',
    'PreNormalize3D',
    'Project3D',
    'RandomCrop',
    'RandomGaussianNoise',
    'RandomResizedCrop',
    'RandomRot',
    'RandomScale',
    'RawFrameDecode',
    'Rename',
    'Resize',
    'SampleFrames',
    'ShiftScale',
    'Spatial_Flip',
    'Step',
    'TenCrop',
    'ThreeCrop',
    'ToMotion',
    'ToTensor',
    'UniformSample',
    'UniformSampleDecode',
    'UniformSampleFrames',
]

__getattr__, __dir__ = lazy_exports(__name__)
