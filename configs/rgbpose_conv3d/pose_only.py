"""PoseC3D with 32 frames on HRNet's key points, value for value PYSKL's.

The heatmaps of rgbpose_conv3d.py start from it.
"""

_base_ = ['../_base_/schedule_rgbpose.py']

model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly',
        in_channels=17,
        base_channels=32,
        num_stages=3,
        out_indices=(2,),
        stage_blocks=(4, 6, 3),
        conv1_stride=(1, 1),
        pool1_stride=(1, 1),
        inflate=(0, 1, 1),
        spatial_strides=(2, 2, 2),
        temporal_strides=(1, 1, 1),
    ),
    cls_head=dict(type='I3DHead', in_channels=512, num_classes=60, dropout=0.5),
    test_cfg=dict(average_clips='prob'),
)

left_kp = [1, 3, 5, 7, 9, 11, 13, 15]
right_kp = [2, 4, 6, 8, 10, 12, 14, 16]
train_pipeline = [
    dict(type='UniformSampleFrames', clip_len=32),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, left_kp=left_kp, right_kp=right_kp),
    dict(type='GeneratePoseTarget', with_kp=True, with_limb=False),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'label']),
]
val_pipeline = [
    dict(type='UniformSampleFrames', clip_len=32, num_clips=1),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='GeneratePoseTarget', with_kp=True, with_limb=False),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs']),
]
# one view, not mirrored, so that the mirror pairs do nothing
mirror = dict(left_kp=left_kp, right_kp=right_kp)
test_pipeline = [
    dict(step, **mirror) if step['type'] == 'GeneratePoseTarget' else step for step in val_pipeline
]

ann_file = 'data/nturgbd/ntu60_hrnet.pkl'
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=2,
    test_dataloader=dict(videos_per_gpu=1),
    train=dict(
        type='RepeatDataset',
        times=10,
        dataset=dict(
            type='PoseDataset', ann_file=ann_file, split='xsub_train', pipeline=train_pipeline
        ),
    ),
    val=dict(type='PoseDataset', ann_file=ann_file, split='xsub_val', pipeline=val_pipeline),
    test=dict(type='PoseDataset', ann_file=ann_file, split='xsub_val', pipeline=test_pipeline),
)
work_dir = './work_dirs/rgbpose_conv3d/pose_only'
