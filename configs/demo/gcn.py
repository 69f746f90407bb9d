"""The graph stream of the demo, on made-up data: a small ST-GCN++ on the joints, one person.

It learns where the joints are, not a picture of them, and so makes other errors than the heatmaps' streams.
"""
_base_ = ['../_base_/imigue22.py']

model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN',
        base_channels=24,
        num_stages=6,
        inflate_stages=[3, 5],
        down_stages=[3, 5],
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        graph_cfg=dict(layout='imigue22', mode='spatial')),
    cls_head=dict(type='GCNHead', num_classes=32, in_channels=96, dropout=0.2))

sample = dict(type='UniformSample', clip_len=32, real_frames=True)
train_pipeline = [*_base_.train_pipeline[:-5], sample, *_base_.finish]
val_pipeline = [*_base_.prepare, sample, *_base_.finish]
test_pipeline = [*_base_.prepare, dict(sample, num_clips=2), *_base_.finish]
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=0,
    train=dict(
        _delete_=True, type='PoseDataset', ann_file='data/demo/imigue_train.pkl', split='train',
        pipeline=train_pipeline),
    val=dict(ann_file='data/demo/imigue_val.pkl', pipeline=val_pipeline),
    test=dict(ann_file='data/demo/imigue_test.pkl', pipeline=test_pipeline))

optimizer = dict(type='AdamW', lr=0.004, weight_decay=0.01)
auto_scale_lr = dict(base_batch_size=16)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
total_epochs = 12
checkpoint_config = dict(interval=1, max_keep_ckpts=3)
evaluation = dict(interval=4, metrics=['top_k_accuracy', 'mean_class_accuracy', 'macro_f1'], topk=(1, 5))
log_config = dict(interval=20, hooks=[dict(type='TextLoggerHook')])
work_dir = './work_dirs/demo/gcn'
