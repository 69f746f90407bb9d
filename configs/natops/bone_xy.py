"""NATOPS, front view: only the bones' vectors."""

_base_ = ['joint_bone_xy.py']

model = dict(backbone=dict(in_channels=6))
bones = dict(type='BoneVectors', layout='natops8', zoom=3.75, keep_joints=False)
train_pipeline = [
    bones if step['type'] == 'BoneVectors' else step for step in _base_.train_pipeline
]
test_pipeline = [bones if step['type'] == 'BoneVectors' else step for step in _base_.test_pipeline]
data = dict(train=dict(pipeline=train_pipeline), test=dict(pipeline=test_pipeline))
work_dir = './work_dirs/natops/bone_xy'
