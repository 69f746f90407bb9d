"""X3D-shallow, joints. NTU60, other people in the test."""

_base_ = [
    '../../_base_/x3d_shallow.py',
    '../../_base_/coco_joint_maps.py',
    '../../_base_/schedule_24x10.py',
]

work_dir = './work_dirs/posec3d/x3d_shallow_ntu60_xsub/joint'
