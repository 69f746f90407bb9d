"""ProtoGCN, joints. FineGYM; HRNet's 2D joints."""

_base_ = ['../../_base_/protogcn.py', '../../_base_/coco_20.py', '../../_base_/schedule_150.py']

model = dict(
    backbone=dict(graph_cfg=dict(layout='coco_new')),
    cls_head=dict(joint_cfg='coco_new', num_classes=99),
)
optimizer = dict(lr=0.025)
auto_scale_lr = dict(base_batch_size=16)
work_dir = './work_dirs/protogcn/finegym/{stream}'
