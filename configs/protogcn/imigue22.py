"""ProtoGCN on iMiGUE's 22 joints, with a semantic embedding of the labels."""
_base_ = ['../_base_/protogcn.py', '../_base_/imigue22.py', '../_base_/schedule_16x5_clipped.py']

model = dict(
    backbone=dict(graph_cfg=dict(layout='imigue22')),
    cls_head=dict(joint_cfg='imigue22', num_classes=32))
work_dir = './work_dirs/protogcn/imigue22/{stream}'
