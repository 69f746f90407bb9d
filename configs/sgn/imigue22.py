"""SGN on iMiGUE's 22 joints and 48 frames, with a semantic embedding of the labels."""

_base_ = ['../_base_/imigue22.py', '../_base_/schedule_16x5_clipped.py']

model = dict(
    type='RecognizerGCN',
    backbone=dict(type='SGN', T=48, V=22),
    cls_head=dict(type='GCNHead', num_classes=32, in_channels=512),
)
optimizer = dict(_delete_=True, type='Adam', lr=0.001, weight_decay=0.0001)
work_dir = './work_dirs/sgn/imigue22/{stream}'
