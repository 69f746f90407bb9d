"""ProtoGCN, small, for the NATOPS gestures."""

_base_ = ['../_base_/natops.py']

model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='ProtoGCN',
        base_channels=32,
        num_stages=6,
        inflate_stages=[3, 5],
        down_stages=[3, 5],
        num_prototype=50,
        graph_cfg=dict(layout='natops8', mode='random', num_filter=8, init_off=0.04, init_std=0.02),
    ),
    cls_head=dict(
        type='SimpleHead', joint_cfg='natops8', num_classes=6, in_channels=128, dropout=0.3
    ),
)
work_dir = './work_dirs/protogcn/natops/{stream}'
