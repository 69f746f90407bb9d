"""ProtoGCN, joints. Kinetics-400; HRNet's 2D joints in the compressed form."""

_base_ = ['../../_base_/protogcn.py', '../../_base_/coco_20.py', '../../_base_/schedule_150.py']

model = dict(
    backbone=dict(graph_cfg=dict(layout='coco_new')),
    cls_head=dict(joint_cfg='coco_new', num_classes=400),
)
decompress = dict(type='DecompressPose', squeeze=True)
data = dict(
    videos_per_gpu=64,
    train=dict(
        ann_file='data/k400/k400_hrnet.pkl',
        box_thr=0.5,
        valid_ratio=0.0,
        pipeline=[decompress, *_base_.train_pipeline],
    ),
    val=dict(
        ann_file='data/k400/k400_hrnet.pkl',
        box_thr=0.5,
        pipeline=[decompress, *_base_.val_pipeline],
    ),
    test=dict(
        ann_file='data/k400/k400_hrnet.pkl',
        box_thr=0.5,
        pipeline=[decompress, *_base_.test_pipeline],
    ),
)
work_dir = './work_dirs/protogcn/k400/{stream}'
