"""NATOPS, x y z of 8 points of hands and arms, 51 frames (tools/convert_natops.py makes the data).

The values are standardised and not changed: the positions of the hands distinguish gestures.
"""

prepare = [dict(type='GenSkeFeat', dataset='natops8', feats=['j'])]
finish = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint']),
]
train_pipeline = [
    dict(type='RandomScale', scale=0.1),
    dict(type='RandomRot', theta=0.2),
    *prepare,
    dict(type='UniformSample', clip_len=32),
    *finish,
]
test_pipeline = [*prepare, dict(type='UniformSample', clip_len=32, num_clips=4), *finish]
ann_file = 'data/natops/natops_xyz.pkl'
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=0,
    train=dict(type='PoseDataset', ann_file=ann_file, split='train', pipeline=train_pipeline),
    test=dict(type='PoseDataset', ann_file=ann_file, split='test', pipeline=test_pipeline),
)
stream = 'j'

optimizer = dict(type='AdamW', lr=0.004, weight_decay=0.01)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))
lr_config = dict(
    policy='CosineAnnealing',
    by_epoch=False,
    min_lr=0,
    warmup='linear',
    warmup_iters=30,
    warmup_ratio=0.1,
)
auto_scale_lr = dict(base_batch_size=16)
total_epochs = 60
checkpoint_config = dict(interval=-1)
log_config = dict(interval=20, hooks=[dict(type='TextLoggerHook')])
