"""ST-GCN++ with turned and stretched skeletons and 24 epochs. NTU120, other set-ups in the test.

Kinect's 3D joints.
"""

_base_ = ['ntu60_xsub_3dkp.py']

model = dict(cls_head=dict(num_classes=120))
data = dict(
    train=dict(dataset=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xset_train')),
    val=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xset_val'),
    test=dict(ann_file='data/nturgbd/ntu120_3danno.pkl', split='xset_val'),
)
work_dir = './work_dirs/strong_aug/ntu120_xset_3dkp/{stream}'
