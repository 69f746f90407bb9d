"""CTR-GCN, small, for the NATOPS gestures."""

_base_ = ['../_base_/natops.py']

model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='CTRGCN',
        num_person=1,
        base_channels=32,
        num_stages=6,
        inflate_stages=[3, 5],
        down_stages=[3, 5],
        graph_cfg=dict(layout='natops8', mode='spatial'),
    ),
    cls_head=dict(type='GCNHead', num_classes=6, in_channels=128, dropout=0.3),
)
work_dir = './work_dirs/ctrgcn/natops/{stream}'
