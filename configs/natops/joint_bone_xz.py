"""NATOPS, seen from above: as joint_bone_xy.py, on the projection along y."""
_base_ = ['joint_bone_xy.py']

ann_file = 'data/natops/natops_xz.pkl'
data = dict(train=dict(ann_file=ann_file), test=dict(ann_file=ann_file))
work_dir = './work_dirs/natops/joint_bone_xz'
