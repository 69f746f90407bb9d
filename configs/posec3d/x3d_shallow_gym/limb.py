"""X3D-shallow, limbs. FineGYM."""

_base_ = [
    '../../_base_/x3d_shallow.py',
    '../../_base_/coco_limb_maps.py',
    '../../_base_/schedule_24x10.py',
]

model = dict(cls_head=dict(num_classes=99))
data = dict(
    train=dict(dataset=dict(ann_file='data/gym/gym_hrnet.pkl', split='train')),
    val=dict(ann_file='data/gym/gym_hrnet.pkl', split='val'),
    test=dict(ann_file='data/gym/gym_hrnet.pkl', split='val'),
)
work_dir = './work_dirs/posec3d/x3d_shallow_gym/limb'
