"""PoseC3D, joints. NTU60, another camera in the test."""

_base_ = [
    '../../_base_/slowonly.py',
    '../../_base_/coco_joint_maps.py',
    '../../_base_/schedule_24x10.py',
]

data = dict(
    train=dict(dataset=dict(split='xview_train')),
    val=dict(split='xview_val'),
    test=dict(split='xview_val'),
)
work_dir = './work_dirs/posec3d/slowonly_r50_ntu60_xview/joint'
