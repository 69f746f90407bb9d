"""ST-GCN. NTU60, other people in the test; HRNet's 2D joints."""

_base_ = ['../_base_/stgcn.py', '../_base_/ntu_hrnet.py', '../_base_/schedule_16x5.py']

model = dict(backbone=dict(graph_cfg=dict(layout='coco')))
work_dir = './work_dirs/stgcn/stgcn_pyskl_ntu60_xsub_hrnet/{stream}'
