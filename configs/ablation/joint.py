"""The joint stream of the ablations.

A small, fast child of the corrected config, on made-up data (tools/make_demo_data.py).

16 frames, 32x32 maps, 8 base channels and one block per stage: two CPU cores train it in two
minutes. In 500 steps AdamW learns more than the published SGD; strong crops and dropout would slow
it down.
"""

_base_ = ['../posec3d/slowonly_r50_imigue22/joint.py']

model = dict(
    backbone=dict(base_channels=8, stage_blocks=(1, 1, 1)),
    cls_head=dict(in_channels=128, dropout=0.2),
)

# A child's list takes the place of its base's, so the pipelines are written out
layout = 'imigue22'
heatmap = dict(type='GeneratePoseTarget', layout=layout, with_kp=True, with_limb=False)
train_pipeline = [
    dict(type='UniformSampleFrames', clip_len=16, real_frames=True),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(-1, 36)),
    dict(type='RandomResizedCrop', area_range=(0.85, 1.0)),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, layout=layout),
    heatmap,
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label', 'emb'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'label', 'emb']),
]
val_pipeline = [
    dict(type='UniformSampleFrames', clip_len=16, num_clips=1, real_frames=True),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    heatmap,
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label', 'emb'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'emb']),
]
test_pipeline = [
    dict(type='UniformSampleFrames', clip_len=16, num_clips=2, real_frames=True),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(heatmap, double=True),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label', 'emb'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'emb']),
]
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=0,
    test_dataloader=dict(videos_per_gpu=16),
    train=dict(ann_file='data/demo/imigue_train.pkl', pipeline=train_pipeline),
    val=dict(ann_file='data/demo/imigue_val.pkl', pipeline=val_pipeline),
    test=dict(ann_file='data/demo/imigue_test.pkl', pipeline=test_pipeline),
)

optimizer = dict(_delete_=True, type='AdamW', lr=0.004, weight_decay=0.01)
auto_scale_lr = dict(base_batch_size=16)
total_epochs = 4
work_dir = './work_dirs/ablation/joint'
