"""RGBPose-Conv3D, arXiv:2104.13586.

SlowOnly-50 on 8 pictures with PoseC3D on 32 heatmaps of 17 joints, NTU60's classes.
"""

model = dict(
    type='MMRecognizer3D',
    backbone=dict(
        type='RGBPoseConv3D',
        speed_ratio=4,
        channel_ratio=4,
        rgb_pathway=dict(
            num_stages=4,
            lateral=True,
            lateral_infl=1,
            lateral_activate=[0, 0, 1, 1],
            fusion_kernel=7,
            base_channels=64,
            conv1_kernel=(1, 7, 7),
            inflate=(0, 0, 1, 1),
        ),
        pose_pathway=dict(
            num_stages=3,
            stage_blocks=(4, 6, 3),
            lateral=True,
            lateral_inv=True,
            lateral_infl=16,
            lateral_activate=[0, 1, 1],
            fusion_kernel=7,
            in_channels=17,
            base_channels=32,
            out_indices=(2,),
            conv1_kernel=(1, 7, 7),
            conv1_stride=(1, 1),
            pool1_stride=(1, 1),
            inflate=(0, 1, 1),
            spatial_strides=(2, 2, 2),
            temporal_strides=(1, 1, 1),
        ),
    ),
    cls_head=dict(
        type='RGBPoseHead',
        num_classes=60,
        in_channels=[2048, 512],
        loss_components=['rgb', 'pose'],
        loss_weights=[1.0, 1.0],
    ),
    test_cfg=dict(average_clips='prob'),
)
