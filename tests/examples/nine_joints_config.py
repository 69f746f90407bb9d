_base_ = ['../stgcn++/stgcn++_ntu60_xsub_hrnet.py']
names = [
    'hip',
    'chest',
    'head',
    'left elbow',
    'left hand',
    'left tip',
    'right elbow',
    'right hand',
    'right tip',
]
layout = dict(
    name='nine',
    joints=names,
    centre='chest',
    mirror=[(3, 6), (4, 7), (5, 8)],
    bones=[(0, 1), (2, 1), (3, 1), (4, 3), (5, 4), (6, 1), (7, 6), (8, 7)],
)  # (child, parent)
model = dict(
    backbone=dict(graph_cfg=dict(_delete_=True, layout=layout, mode='spatial')),
    cls_head=dict(num_classes=3),
)
first = [dict(type='PreNormalize2D'), dict(type='GenSkeFeat', dataset=layout)]
val = dict(ann_file='data/nine.pkl', split='val', pipeline=[*first, *_base_.test_pipeline[2:]])
data = dict(
    train=dict(dataset=dict(val, split='train', pipeline=[*first, *_base_.train_pipeline[2:]])),
    val=val,
    test=val,
)
work_dir = './work_dirs/nine_joints/{stream}'
