"""ST-GCN++. NTU120, other people in the test; Kinect's 3D joints."""

_base_ = ['../_base_/stgcn++.py', '../_base_/ntu_3dkp.py', '../_base_/schedule_16x5.py']

model = dict(cls_head=dict(num_classes=120))
data = dict(
    train=dict(dataset=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xsub_train')),
    val=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xsub_val'),
    test=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xsub_val'),
)
work_dir = './work_dirs/stgcn++/stgcn++_ntu120_xsub_3dkp/{stream}'
