"""Only key points, on the made-up clips of ../../_base_/demo_video.py.

A small PoseC3D on 16 heatmaps.

It can distinguish six of the eight classes; what a hand holds is not a joint.
"""

_base_ = ['../../_base_/demo_video.py']

model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly',
        in_channels=22,  # one per joint
        base_channels=8,
        num_stages=3,
        out_indices=(2,),
        stage_blocks=(1, 1, 1),
        conv1_kernel=(1, 3, 3),
        conv1_stride=(1, 1),
        pool1_stride=(1, 1),
        inflate=(0, 1, 1),
        spatial_strides=(2, 2, 2),
        temporal_strides=(1, 1, 1),
    ),
    cls_head=dict(type='I3DHead', in_channels=128, num_classes=8, dropout=0.2),
    test_cfg=dict(average_clips='prob'),
)

read = [
    dict(type='MMUniformSampleFrames', clip_len=dict(Pose=16), num_clips=1),
    dict(type='MMDecode'),
]
finish = [
    _base_.heatmaps,
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'label']),
]
test_pipeline = [*read, *_base_.test_shape, *finish]
data = dict(
    train=dict(pipeline=[*read, *_base_.train_shape, *finish]),
    val=dict(pipeline=test_pipeline),
    test=dict(pipeline=test_pipeline),
)
work_dir = './work_dirs/rgbpose_conv3d/demo/pose'
