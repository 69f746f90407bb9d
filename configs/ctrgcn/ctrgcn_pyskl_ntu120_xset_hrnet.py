"""CTR-GCN. NTU120, other set-ups in the test; HRNet's 2D joints."""

_base_ = ['../_base_/ctrgcn.py', '../_base_/ntu_hrnet.py', '../_base_/schedule_16x5.py']

model = dict(backbone=dict(graph_cfg=dict(layout='coco')), cls_head=dict(num_classes=120))
data = dict(
    train=dict(dataset=dict(ann_file='data/nturgbd/ntu120_hrnet.pkl', split='xset_train')),
    val=dict(ann_file='data/nturgbd/ntu120_hrnet.pkl', split='xset_val'),
    test=dict(ann_file='data/nturgbd/ntu120_hrnet.pkl', split='xset_val'),
)
work_dir = './work_dirs/ctrgcn/ctrgcn_pyskl_ntu120_xset_hrnet/{stream}'
