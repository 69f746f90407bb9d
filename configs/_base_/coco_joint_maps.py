"""HRNet's 17 key points as heatmaps, 48 frames of 56 x 56 pixels.

Ten clips and their mirror images in the test. NTU60, xsub.
"""

left_kp = [1, 3, 5, 7, 9, 11, 13, 15]
right_kp = [2, 4, 6, 8, 10, 12, 14, 16]
crop = [
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
]
heatmap = dict(type='GeneratePoseTarget', with_kp=True, with_limb=False)
finish = [
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label'], meta_keys=[]),
]
train_pipeline = [
    dict(type='UniformSampleFrames', clip_len=48),
    *crop,
    dict(type='Resize', scale=(-1, 64)),
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, left_kp=left_kp, right_kp=right_kp),
    heatmap,
    *finish,
    dict(type='ToTensor', keys=['imgs', 'label']),
]
val_pipeline = [
    dict(type='UniformSampleFrames', clip_len=48, num_clips=1),
    *crop,
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    heatmap,
    *finish,
    dict(type='ToTensor', keys=['imgs']),
]
test_pipeline = [
    dict(type='UniformSampleFrames', clip_len=48, num_clips=10),
    *crop,
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(heatmap, double=True, left_kp=left_kp, right_kp=right_kp),
    *finish,
    dict(type='ToTensor', keys=['imgs']),
]

ann_file = 'data/nturgbd/ntu60_hrnet.pkl'
data = dict(
    videos_per_gpu=32,
    workers_per_gpu=4,
    test_dataloader=dict(videos_per_gpu=1),
    train=dict(
        type='RepeatDataset',
        times=10,
        dataset=dict(
            type='PoseDataset', ann_file=ann_file, pipeline=train_pipeline, split='xsub_train'
        ),
    ),
    val=dict(type='PoseDataset', ann_file=ann_file, pipeline=val_pipeline, split='xsub_val'),
    test=dict(type='PoseDataset', ann_file=ann_file, pipeline=test_pipeline, split='xsub_val'),
)
