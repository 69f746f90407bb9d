"""Only pictures, on the made-up clips of ../../_base_/demo_video.py: a small SlowOnly on 4 frames.

It can distinguish six of the eight classes; it does not see the hands below the desk.
"""

_base_ = ['../../_base_/demo_video.py']

model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly',
        in_channels=3,
        base_channels=16,
        stage_blocks=(1, 1, 1, 1),
        conv1_kernel=(1, 3, 3),
        pool1_stride=(1, 1),
        inflate=(0, 0, 1, 1),
    ),
    cls_head=dict(type='I3DHead', in_channels=512, num_classes=8, dropout=0.2),
    test_cfg=dict(average_clips='prob'),
)

read = [
    dict(type='MMUniformSampleFrames', clip_len=dict(RGB=4), num_clips=1),
    dict(type='MMDecode'),
]
finish = [
    _base_.img_norm,
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='Collect', keys=['imgs', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'label']),
]
test_pipeline = [*read, *_base_.test_shape, *finish]
data = dict(
    train=dict(pipeline=[*read, *_base_.train_shape, *finish]),
    val=dict(pipeline=test_pipeline),
    test=dict(pipeline=test_pipeline),
)
work_dir = './work_dirs/rgbpose_conv3d/demo/rgb'
