"""ST-GCN. NTU60, another camera in the test; HRNet's 2D joints."""

_base_ = ['../_base_/stgcn.py', '../_base_/ntu_hrnet.py', '../_base_/schedule_16x5.py']

model = dict(backbone=dict(graph_cfg=dict(layout='coco')))
data = dict(
    train=dict(dataset=dict(split='xview_train')),
    val=dict(split='xview_val'),
    test=dict(split='xview_val'),
)
work_dir = './work_dirs/stgcn/stgcn_pyskl_ntu60_xview_hrnet/{stream}'
