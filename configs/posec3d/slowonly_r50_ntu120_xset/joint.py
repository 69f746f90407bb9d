"""PoseC3D, "joints". NTU120, other set-ups in the test.

Value for value PYSKL's, like its published weights: in spite of its name it draws limbs, COCO's
bones instead of those of limb.py. For joints start from ../slowonly_r50_ntu60_xsub/joint.py.
"""

_base_ = [
    '../../_base_/slowonly.py',
    '../../_base_/coco_joint_maps.py',
    '../../_base_/schedule_24x10.py',
]

model = dict(cls_head=dict(num_classes=120))
data = {
    split: dict(
        ann_file='data/nturgbd/ntu120_hrnet.pkl',
        split='xset_val',
        pipeline=[
            dict(step, with_kp=False, with_limb=True)
            if step['type'] == 'GeneratePoseTarget'
            else step
            for step in _base_.data[split]['pipeline']
        ],
    )
    for split in ('val', 'test')
}
data['train'] = dict(
    dataset=dict(
        ann_file='data/nturgbd/ntu120_hrnet.pkl',
        split='xset_train',
        pipeline=[
            dict(step, with_kp=False, with_limb=True)
            if step['type'] == 'GeneratePoseTarget'
            else step
            for step in _base_.train_pipeline
        ],
    )
)
work_dir = './work_dirs/posec3d/slowonly_r50_ntu120_xset/joint'
