"""PoseC3D, limbs. NTU60, other people in the test."""

_base_ = [
    '../../_base_/slowonly.py',
    '../../_base_/coco_limb_maps.py',
    '../../_base_/schedule_24x10.py',
]

work_dir = './work_dirs/posec3d/slowonly_r50_ntu60_xsub/limb'
