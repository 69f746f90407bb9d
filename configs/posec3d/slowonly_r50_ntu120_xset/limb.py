"""PoseC3D, limbs. NTU120, other set-ups in the test."""

_base_ = [
    '../../_base_/slowonly.py',
    '../../_base_/coco_limb_maps.py',
    '../../_base_/schedule_24x10.py',
]

model = dict(cls_head=dict(num_classes=120))
data = dict(
    train=dict(dataset=dict(ann_file='data/nturgbd/ntu120_hrnet.pkl', split='xset_train')),
    val=dict(ann_file='data/nturgbd/ntu120_hrnet.pkl', split='xset_val'),
    test=dict(ann_file='data/nturgbd/ntu120_hrnet.pkl', split='xset_val'),
)
work_dir = './work_dirs/posec3d/slowonly_r50_ntu120_xset/limb'
