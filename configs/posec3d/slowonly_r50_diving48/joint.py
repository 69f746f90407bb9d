"""PoseC3D, joints. Diving48."""

_base_ = [
    '../../_base_/slowonly.py',
    '../../_base_/coco_joint_maps.py',
    '../../_base_/schedule_24x10.py',
]

model = dict(cls_head=dict(num_classes=48))
data = dict(
    train=dict(dataset=dict(ann_file='data/diving48/diving48_hrnet.pkl', split='train')),
    val=dict(ann_file='data/diving48/diving48_hrnet.pkl', split='test'),
    test=dict(ann_file='data/diving48/diving48_hrnet.pkl', split='test'),
)
optimizer = dict(weight_decay=0.0001)
work_dir = './work_dirs/posec3d/slowonly_r50_diving48/joint'
