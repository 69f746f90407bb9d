"""NATOPS, side view: joint_bone_xy.py on the projection along x."""

_base_ = ['joint_bone_xy.py']

ann_file = 'data/natops/natops_zy.pkl'
data = dict(train=dict(ann_file=ann_file), test=dict(ann_file=ann_file))
work_dir = './work_dirs/natops/joint_bone_zy'
