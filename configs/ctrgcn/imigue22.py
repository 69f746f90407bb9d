"""CTR-GCN on iMiGUE's 22 joints, with a semantic embedding of the labels."""

_base_ = ['../_base_/ctrgcn.py', '../_base_/imigue22.py', '../_base_/schedule_16x5_clipped.py']

model = dict(
    backbone=dict(
        num_person=1, graph_cfg=dict(_delete_=True, layout=_base_.layout, mode='spatial')
    ),
    cls_head=dict(num_classes=32),
)
work_dir = './work_dirs/ctrgcn/imigue22/{stream}'
