"""Pictures and key points, on the made-up clips of ../../_base_/demo_video.py.

A small RGBPose-Conv3D.

The networks of rgb.py and pose.py together, which can distinguish all eight classes. Four heatmaps
per picture.
"""

_base_ = ['../../_base_/demo_video.py']

model = dict(
    type='MMRecognizer3D',
    backbone=dict(
        type='RGBPoseConv3D',
        speed_ratio=4,
        channel_ratio=4,
        rgb_pathway=dict(
            base_channels=16,
            stage_blocks=(1, 1, 1, 1),
            conv1_kernel=(1, 3, 3),
            pool1_stride=(1, 1),
            inflate=(0, 0, 1, 1),
            lateral=True,
            lateral_infl=1,
            lateral_activate=[0, 0, 1, 1],
        ),
        pose_pathway=dict(
            in_channels=22,
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
            lateral=True,
            lateral_inv=True,
            lateral_infl=16,
            lateral_activate=[0, 1, 1],
        ),
    ),
    cls_head=dict(type='RGBPoseHead', num_classes=8, in_channels=[512, 128], dropout=0.2),
    test_cfg=dict(average_clips='prob'),
)

read = [
    dict(type='MMUniformSampleFrames', clip_len=dict(RGB=4, Pose=16), num_clips=1),
    dict(type='MMDecode'),
]
finish = [
    _base_.heatmaps,
    _base_.img_norm,
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='Collect', keys=['imgs', 'heatmap_imgs', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'heatmap_imgs', 'label']),
]
test_pipeline = [*read, *_base_.test_shape, *finish]
data = dict(
    train=dict(pipeline=[*read, *_base_.train_shape, *finish]),
    val=dict(pipeline=test_pipeline),
    test=dict(pipeline=test_pipeline),
)
work_dir = './work_dirs/rgbpose_conv3d/demo/rgbpose'
