"""MS-G3D, arXiv:2003.14111, for NTU60's joints and classes."""

model = dict(
    type='RecognizerGCN',
    backbone=dict(type='MSG3D', graph_cfg=dict(layout='nturgb+d', mode='binary_adj')),
    cls_head=dict(type='GCNHead', num_classes=60, in_channels=384),
)
