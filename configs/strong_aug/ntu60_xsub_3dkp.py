"""ST-GCN++ with turned and stretched skeletons and 24 epochs. NTU60, other people in the test.

Kinect's 3D joints.
"""

_base_ = ['../stgcn++/stgcn++_ntu60_xsub_3dkp.py']

train_pipeline = [
    dict(type='PreNormalize3D'),
    dict(type='RandomScale', scale=0.1),
    dict(type='RandomRot'),
    *_base_.train_pipeline[1:],
]
data = dict(train=dict(dataset=dict(pipeline=train_pipeline)))
total_epochs = 24
work_dir = './work_dirs/strong_aug/ntu60_xsub_3dkp/{stream}'
