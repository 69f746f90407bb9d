"""SGN, arXiv:1904.01189, on 30 frames. NTU60, other people in the test; Kinect's 3D joints.

The recipe is ours: none was published.
"""

_base_ = ['../_base_/ntu_3dkp.py', '../_base_/schedule_16x5.py']

model = dict(
    type='RecognizerGCN',
    backbone=dict(type='SGN', T=30, V=25),
    cls_head=dict(type='GCNHead', num_classes=60, in_channels=512),
)
train_pipeline = [*_base_.prepare, dict(type='UniformSample', clip_len=30), *_base_.finish]
val_pipeline = [
    *_base_.prepare,
    dict(type='UniformSample', clip_len=30, num_clips=1),
    *_base_.finish,
]
test_pipeline = [
    *_base_.prepare,
    dict(type='UniformSample', clip_len=30, num_clips=10),
    *_base_.finish,
]
data = dict(
    train=dict(dataset=dict(pipeline=train_pipeline)),
    val=dict(pipeline=val_pipeline),
    test=dict(pipeline=test_pipeline),
)
optimizer = dict(_delete_=True, type='Adam', lr=0.001, weight_decay=0.0001)
work_dir = './work_dirs/sgn/ntu60_xsub_3dkp/{stream}'
