"""AAGCN. NTU120, other set-ups in the test; Kinect's 3D joints."""

_base_ = ['../_base_/aagcn.py', '../_base_/ntu_3dkp.py', '../_base_/schedule_16x5.py']

model = dict(cls_head=dict(num_classes=120))
data = dict(
    train=dict(dataset=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xset_train')),
    val=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xset_val'),
    test=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xset_val'),
)
work_dir = './work_dirs/aagcn/aagcn_pyskl_ntu120_xset_3dkp/{stream}'
