"""The graph stream of the demo, on made-up data: a small ST-GCN++ on the joints, one person.

It learns from coordinates instead of pictures, and so makes other errors than the heatmap streams.
"""

_base_ = ['../_base_/imigue22.py']

model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN',
        in_channels=6,
        base_channels=24,
        num_stages=6,
        inflate_stages=[3, 5],
        down_stages=[3, 5],
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        graph_cfg=dict(layout=_base_.layout, mode='spatial'),
    ),
    cls_head=dict(type='GCNHead', num_classes=32, in_channels=96, dropout=0.2),
)

# The box around the person becomes the picture; joints and bones side by side.
compact = dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True)
prepare = [
    dict(type='PreNormalize2D'),
    dict(type='GenSkeFeat', dataset=_base_.layout, feats=['j', 'b']),
    dict(type='UniformSample', clip_len=24, real_frames=True),
    *_base_.finish,
]
flip = dict(type='Flip', flip_ratio=0.5, layout=_base_.layout)
train_pipeline = [flip, compact, prepare[0], dict(type='RandomScale', scale=0.1), *prepare[1:]]
val_pipeline = [compact, *prepare]
test_pipeline = [compact, *prepare[:2], dict(prepare[2], num_clips=2), *_base_.finish]
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=0,
    train=dict(
        _delete_=True,
        type='PoseDataset',
        ann_file='data/demo/imigue_train.pkl',
        split='train',
        pipeline=train_pipeline,
    ),
    val=dict(ann_file='data/demo/imigue_val.pkl', pipeline=val_pipeline),
    test=dict(ann_file='data/demo/imigue_test.pkl', pipeline=test_pipeline),
)

optimizer = dict(type='AdamW', lr=0.004, weight_decay=0.01)
auto_scale_lr = dict(base_batch_size=16)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
stream = None  # two at once
total_epochs = 10
checkpoint_config = dict(interval=1, max_keep_ckpts=3)
evaluation = dict(
    interval=5, metrics=['top_k_accuracy', 'mean_class_accuracy', 'macro_f1'], topk=(1, 5)
)
log_config = dict(interval=20, hooks=[dict(type='TextLoggerHook')])
work_dir = './work_dirs/demo/gcn'
