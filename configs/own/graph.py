"""Your own skeletons.

The graph stream, a small ST-GCN++ on the joints and bones of the layout in joint.py.

It learns from coordinates instead of pictures, and so makes other errors than the heatmap streams.
"""

_base_ = ['joint.py']

layout, clip_len = _base_.layout, _base_.clip_len
model = dict(
    _delete_=True,
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN',
        in_channels=6,  # joints and bones: x, y, score of each, or x, y, z
        base_channels=32,
        num_stages=6,
        inflate_stages=[3, 5],
        down_stages=[3, 5],
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        graph_cfg=dict(layout=layout, mode='spatial'),
    ),
    cls_head=dict(type='GCNHead', num_classes=_base_.num_classes, in_channels=128, dropout=0.2),
)

flip = [dict(type='Flip', flip_ratio=0.5, layout=layout)] if _base_.flips else []
if _base_.in_space:
    normalise, turn = (
        dict(type='PreNormalize3D', align_spine=False),
        [dict(type='RandomRot', theta=0.3)],
    )
    flip = []
else:
    normalise, turn = dict(type='PreNormalize2D', mode='auto'), []
feature = dict(type='GenSkeFeat', dataset=layout, feats=['j', 'b'])
finish = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=_base_.num_people),
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint']),
]
train_pipeline = [
    *flip,
    normalise,
    *turn,
    dict(type='RandomScale', scale=0.1),
    feature,
    dict(type='UniformSample', clip_len=clip_len),
    *finish,
]
val_pipeline = [normalise, feature, dict(type='UniformSample', clip_len=clip_len), *finish]
test_pipeline = [
    normalise,
    feature,
    dict(type='UniformSample', clip_len=clip_len, num_clips=4),
    *finish,
]
data = dict(
    train=dict(pipeline=train_pipeline),
    val=dict(pipeline=val_pipeline),
    test=dict(pipeline=test_pipeline),
)
stream = None  # two at once
work_dir = _base_.work_dir.replace('joint', 'graph')
