"""SGN, small, for the NATOPS gestures."""

_base_ = ['../_base_/natops.py']

model = dict(
    type='RecognizerGCN',
    backbone=dict(type='SGN', T=32, V=8),
    cls_head=dict(type='GCNHead', num_classes=6, in_channels=512, dropout=0.3),
)
work_dir = './work_dirs/sgn/natops/{stream}'
