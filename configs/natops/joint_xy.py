"""NATOPS, front view: only the joints."""

_base_ = ['joint_bone_xy.py']

model = dict(backbone=dict(in_channels=8))
train_pipeline = [step for step in _base_.train_pipeline if step['type'] != 'BoneVectors']
test_pipeline = [step for step in _base_.test_pipeline if step['type'] != 'BoneVectors']
data = dict(train=dict(pipeline=train_pipeline), test=dict(pipeline=test_pipeline))
work_dir = './work_dirs/natops/joint_xy'
