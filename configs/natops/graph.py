"""NATOPS, x y z.

A small ST-GCN++ that sees joints and bones, with mixed clips and smoothed labels.
"""

_base_ = ['../stgcn++/natops.py']

model = dict(
    backbone=dict(in_channels=6), cls_head=dict(label_smooth_eps=0.1), train_cfg=dict(mixup=0.2)
)
train_pipeline = [
    dict(step, feats=['j', 'b']) if step['type'] == 'GenSkeFeat' else step
    for step in _base_.train_pipeline
]
test_pipeline = [
    dict(step, feats=['j', 'b']) if step['type'] == 'GenSkeFeat' else step
    for step in _base_.test_pipeline
]
data = dict(train=dict(pipeline=train_pipeline), test=dict(pipeline=test_pipeline))
stream = None  # two at once
work_dir = './work_dirs/natops/graph'
