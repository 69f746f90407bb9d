"""PoseC3D with stages of 3, 4 and 6 blocks, limbs.

Kinetics-400, key points in the compressed form.
"""

_base_ = [
    '../../_base_/slowonly.py',
    '../../_base_/coco_limb_maps.py',
    '../../_base_/schedule_24x10.py',
]

decompress = dict(type='DecompressPose', squeeze=True)
model = dict(backbone=dict(stage_blocks=(3, 4, 6)), cls_head=dict(num_classes=400))
data = dict(
    train=dict(
        dataset=dict(
            ann_file='data/k400/k400_hrnet.pkl',
            split='train',
            box_thr=0.5,
            valid_ratio=0.0,
            pipeline=[decompress, *_base_.train_pipeline],
        )
    ),
    val=dict(
        ann_file='data/k400/k400_hrnet.pkl',
        split='val',
        box_thr=0.5,
        pipeline=[decompress, *_base_.val_pipeline],
    ),
    test=dict(
        ann_file='data/k400/k400_hrnet.pkl',
        split='val',
        box_thr=0.5,
        pipeline=[decompress, *_base_.test_pipeline],
    ),
)
optimizer = dict(weight_decay=0.0001)
work_dir = './work_dirs/posec3d/slowonly_r50_346_k400/limb'
