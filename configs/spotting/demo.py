"""Spotting on made-up recordings (tools/make_recordings.py).

A small ST-GCN++ on windows of one person's joints.

The class of a window is what happens in its middle; class 32 is background. Positions are measured
in shoulder widths, so that a window of a recording looks like a clip.
"""

_base_ = ['../_base_/imigue22.py']

lengths, stride, fps, background = [48, 80], 8, 30, 32
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
    cls_head=dict(type='GCNHead', num_classes=33, in_channels=96, dropout=0.2),
)

# Joints and bones side by side.
flip = dict(type='Flip', flip_ratio=0.5, layout=_base_.layout)
measure = dict(type='BodyUnits2D', layout=_base_.layout)
finish = [
    dict(type='GenSkeFeat', dataset=_base_.layout, feats=['j', 'b']),
    dict(type='UniformSample', clip_len=24),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint']),
]
windows = dict(
    type='RecordingDataset',
    recordings='data/spotting',
    lengths=lengths,
    stride=stride,
    fps=fps,
    background=background,
    num_classes=33,
)
data = dict(
    _delete_=True,
    videos_per_gpu=32,
    workers_per_gpu=0,
    train=dict(
        windows,
        split='train',
        background_ratio=1.0,
        jitter=0.1,
        pipeline=[flip, measure, dict(type='RandomScale', scale=0.1), *finish],
    ),
    val=dict(windows, split='val', pipeline=[measure, *finish]),
    test=dict(windows, split='test', pipeline=[measure, *finish]),
)

optimizer = dict(type='AdamW', lr=0.004, weight_decay=0.01)
auto_scale_lr = dict(base_batch_size=32)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
stream = None  # two at once
total_epochs = 16
checkpoint_config = dict(interval=1, max_keep_ckpts=3)
evaluation = dict(
    interval=4, metrics=['top_k_accuracy', 'mean_class_accuracy', 'macro_f1'], topk=(1, 5)
)
log_config = dict(interval=20, hooks=[dict(type='TextLoggerHook')])
work_dir = './work_dirs/spotting/demo'
