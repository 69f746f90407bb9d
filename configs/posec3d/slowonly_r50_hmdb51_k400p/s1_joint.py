"""PoseC3D with stages of 3, 4 and 6 blocks, joints.

From Kinetics-400 (see ../slowonly_r50_ucf101_k400p/s1_joint.py). HMDB51, split 1.
"""

_base_ = ['../slowonly_r50_ucf101_k400p/s1_joint.py']

model = dict(cls_head=dict(num_classes=51))
data = dict(
    train=dict(dataset=dict(ann_file='data/hmdb51/hmdb51_hrnet.pkl', split='train1')),
    val=dict(ann_file='data/hmdb51/hmdb51_hrnet.pkl', split='test1'),
    test=dict(ann_file='data/hmdb51/hmdb51_hrnet.pkl', split='test1'),
)
optimizer = dict(weight_decay=0.0001)
work_dir = './work_dirs/posec3d/slowonly_r50_hmdb51_k400p/s1_joint'
