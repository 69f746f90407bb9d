"""MS-G3D, small, for the NATOPS gestures."""

_base_ = ['../_base_/natops.py']

model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='MSG3D',
        num_person=1,
        base_channels=24,
        num_gcn_scales=4,
        num_g3d_scales=3,
        graph_cfg=dict(layout='natops8', mode='binary_adj'),
    ),
    cls_head=dict(type='GCNHead', num_classes=6, in_channels=96, dropout=0.3),
)
work_dir = './work_dirs/msg3d/natops/{stream}'
