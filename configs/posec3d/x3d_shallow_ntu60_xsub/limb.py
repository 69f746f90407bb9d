"""X3D-shallow, limbs. NTU60, other people in the test."""

_base_ = [
    '../../_base_/x3d_shallow.py',
    '../../_base_/coco_limb_maps.py',
    '../../_base_/schedule_24x10.py',
]

work_dir = './work_dirs/posec3d/x3d_shallow_ntu60_xsub/limb'
