"""A step that is set wrongly is refused when its pipeline is built, by its place and setting."""

from __future__ import annotations

import math

import pytest
from own_layout import ARM

from pyskl.datasets.pipelines import Compose, Flip
from pyskl.datasets.pipelines.decoding import DecordDecode
from pyskl.datasets.pipelines.multimodal import MMDecode
from pyskl.datasets.pipelines.sampling import SampleFrames
from pyskl.errors import ConfigError

# The first setting is the one that the message has to name.
WRONG = [
    ('Flip', dict(flip_ratio=1.5)),
    ('Flip', dict(direction='diagonal')),
    ('Flip', dict(left_kp=[1])),
    ('Flip', dict(layout=22)),
    ('Resize', dict(scale=(-1, -1))),
    ('Resize', dict(scale=-2)),
    ('Resize', dict(scale=(-1, 64), keep_ratio=False)),
    ('Resize', dict(scale=0.5, keep_ratio=False)),
    ('Resize', dict(interpolation='cubic', scale=(8, 8))),
    ('RandomResizedCrop', dict(area_range=(0.5, 2.0))),
    ('RandomResizedCrop', dict(aspect_ratio_range=(2.0, 1.0))),
    ('RandomCrop', dict(size=0)),
    ('CenterCrop', dict(crop_size=-1)),
    ('TenCrop', dict(crop_size=0)),
    ('UniformSampleFrames', dict(clip_len=0)),
    ('UniformSampleFrames', dict(p_interval=0.0, clip_len=8)),
    ('UniformSampleDecode', dict(p_interval=(0.5, 0.4), clip_len=1)),
    ('UniformSample', dict(seed=-1, clip_len=8)),
    ('SampleFrames', dict(clip_len=0)),
    ('SampleFrames', dict(frame_interval=0, clip_len=1)),
    ('SampleFrames', dict(out_of_bound_opt='zero', clip_len=1)),
    ('MMUniformSampleFrames', dict(clip_len=dict(Audio=4))),
    ('PoseCompact', dict(padding=-1.0)),
    ('PoseCompact', dict(hw_ratio=0.0)),
    ('MMPad', dict(padding=-1.0)),
    ('FormatShape', dict(input_format='NCTVM')),
    ('GeneratePoseTarget', dict(sigma=-1.0)),
    ('GeneratePoseTarget', dict(sigma=math.nan)),
    ('GeneratePoseTarget', dict(scaling=-1.0)),
    ('GeneratePoseTarget', dict(with_kp=False)),
    ('GeneratePoseTarget', dict(skeletons='coco')),
    ('GeneratePoseTarget', dict(skeletons=[(-1, 0)])),
    ('GeneratePoseTarget', dict(skeletons=[], with_limb=True)),
    ('GeneratePoseTarget', dict(motion='forward')),
    ('GeneratePoseTarget', dict(layout='coco17', right_limb=[0])),
    ('Heatmap2Potion', dict(C=1)),
    ('Normalize', dict(mean=[1, 2], std=[1])),
    ('Normalize', dict(std=[0], mean=[1])),
    ('DecordInit', dict(num_threads=-1)),
    ('DecordInit', dict(io_backend='ceph')),
    ('MMDecode', dict(num_threads=-1)),
    ('MMDecode', dict(io_backend='ceph')),
    ('JointDropout', dict(joint_ratio=1.0)),
    ('JointDropout', dict(span_ratio=-0.1)),
    ('JointDropout', dict(joint_ratio=0.0, span_ratio=0.0)),
    ('JointDropout', dict(longest=0.0)),
    ('ShiftScale', dict(shift=1.5)),
    ('ShiftScale', dict(scale=(1.1, 0.9))),
    ('ShiftScale', dict(scale=1.1)),
    ('ShiftScale', dict(angle=200.0)),
    ('ShiftScale', dict(shift=0, scale=(1, 1))),
    ('FrameJitter', dict(frames=0)),
    ('KeypointNoise', dict(sigma=0.0)),
    ('GenSkeFeat', dict(feats=['joint'])),
    ('GenSkeFeat', dict(feats='j')),
    ('GenSkeFeat', dict(feats=[])),
    ('PadTo', dict(length=0)),
    ('PadTo', dict(mode='repeat', length=10)),
    ('FormatGCNInput', dict(num_person=0)),
    ('FormatGCNInput', dict(mode='copy')),
    ('PreNormalize2D', dict(mode='box')),
    ('PreNormalize3D', dict(xaxis=[4])),
    ('RandomRot', dict(theta=-1)),
    ('RandomGaussianNoise', dict(base='clip')),
    ('BoneVectors', dict(zoom=0, layout='natops8')),
    ('BodyUnits2D', dict(between=['left shoulder', 'tail'], layout='imigue22')),
    ('Project3D', dict(axes=('x', 'x', 'z'))),
    ('Project3D', dict(picture=0)),
    ('Project3D', dict(picture=10**12)),
    ('Project3D', dict(fill=1.5)),
    ('Project3D', dict(scale=-1.0)),
    ('Project3D', dict(distance=0.8)),
    ('Project3D', dict(turn=(30, -30))),
    ('Project3D', dict(tilt=1000)),
]
# What else the message has to say.
TOLD = [
    ('Flip', dict(flip_ration=0.5), 'Did you mean flip_ratio?'),
    ('Flip', dict(layout='imigue23'), 'Did you mean imigue22'),
    (
        'Flip',
        dict(layout='imigue22', left_kp=[1], right_kp=[2]),
        'layout and left_kp are both given',
    ),
    ('Flip', dict(layout=dict(ARM, mirror=[[1, 2], [2, 0]])), 'two mirror pairs'),
    ('GenSkeFeat', dict(dataset='ntu'), 'Did you mean ntu25'),
    ('Spatial_Flip', dict(dataset='handmp'), 'handmp has no mirror pairs'),
    ('Part_Drop', dict(dataset='handmp'), 'handmp has no mirror pairs'),
    ('ToMotion', dict(source='b'), "needs 'b'"),
    ('MergeSkeFeat', dict(feat_list=['j']), "needs 'j'"),
]


@pytest.mark.parametrize(
    'step, settings, told', [*((step, given, next(iter(given))) for step, given in WRONG), *TOLD]
)
def test_a_wrong_setting_is_named_with_its_place(step, settings, told):
    with pytest.raises(ConfigError) as error:
        Compose([dict(type=step, **settings)], entries=('imgs', 'keypoint', 'img_shape'))
    assert told in str(error.value) and f'pipeline[0] ({step})' in str(error.value)


@pytest.mark.parametrize(
    'build',
    [
        lambda: Flip(direction='diagonal'),
        lambda: SampleFrames(4, out_of_bound_opt='repeat'),
        lambda: DecordDecode('acurate'),
        lambda: MMDecode('petrel'),
    ],
)
def test_a_step_built_in_python_refuses_an_unknown_choice_too(build):
    with pytest.raises(ValueError, match='expected'):
        build()
