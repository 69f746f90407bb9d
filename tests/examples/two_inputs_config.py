_base_ = ['tiny.py']
custom_imports = dict(imports=['two_inputs'])
model = dict(
    _delete_=True,
    type='HeatmapsAndKeypoints',
    num_joints=5,
    backbone=dict(
        type='ResNet3dSlowOnly',
        in_channels=5,
        base_channels=4,
        num_stages=3,
        out_indices=(2,),
        stage_blocks=(1, 1, 1),
        conv1_stride=(1, 1),
        pool1_stride=(1, 1),
        inflate=(0, 1, 1),
    ),
    cls_head=dict(type='I3DHead', in_channels=64 + 16, num_classes=3),
)
heatmap = dict(type='GeneratePoseTarget', with_kp=True, with_limb=False)
frames = [
    dict(type='UniformSampleFrames', clip_len=8),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0),
    dict(type='Resize', scale=(16, 16), keep_ratio=False),
]
last = [
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'keypoint', 'label']),
    dict(type='ToTensor', keys=['imgs', 'keypoint', 'label']),
]
flip = dict(type='Flip', flip_ratio=0.5, left_kp=[3], right_kp=[4])
data = dict(
    train=dict(pipeline=[*frames, flip, heatmap, *last]),
    val=dict(pipeline=[*frames, heatmap, *last]),
    test=dict(pipeline=[*frames, heatmap, *last]),
)
