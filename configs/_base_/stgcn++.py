"""ST-GCN++, arXiv:2205.09443, for NTU60's joints and classes."""

model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN',
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        graph_cfg=dict(layout='nturgb+d', mode='spatial'),
    ),
    cls_head=dict(type='GCNHead', num_classes=60, in_channels=256),
)
