"""C3D-light, joints. NTU60, other people in the test."""

_base_ = [
    '../../_base_/c3d_light.py',
    '../../_base_/coco_joint_maps.py',
    '../../_base_/schedule_24x10.py',
]

work_dir = './work_dirs/posec3d/c3d_light_ntu60_xsub/joint'
