"""DG-STGCN. NTU120, other people in the test; Kinect's 3D joints."""

_base_ = ['../_base_/dgstgcn.py', '../_base_/ntu_3dkp_turned.py', '../_base_/schedule_150.py']

model = dict(cls_head=dict(num_classes=120))
data = dict(
    train=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xsub_train'),
    val=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xsub_val'),
    test=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xsub_val'),
)
work_dir = './work_dirs/dgstgcn/ntu120_xsub_3dkp/{stream}'
