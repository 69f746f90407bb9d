"""DG-STGCN, arXiv:2210.05895, for NTU60's joints and classes."""

model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='DGSTGCN',
        gcn_ratio=0.125,
        gcn_ctr='T',
        gcn_ada='T',
        tcn_ms_cfg=[(3, 1), (3, 2), (3, 3), (3, 4), ('max', 3), '1x1'],
        graph_cfg=dict(
            layout='nturgb+d', mode='random', num_filter=8, init_off=0.04, init_std=0.02
        ),
    ),
    cls_head=dict(type='GCNHead', num_classes=60, in_channels=256),
)
