"""Spotting SMG, track 2: ST-GCN++ on windows of Kinect's 25 joints in the picture.

17 classes, class 17 is background.

data/smg contains SampleNNNN folders (SampleNNNN_skeleton.csv and SampleNNNN_finelabels.csv). People
36 to 40 are the test set; 31 to 35 are held out for validation.
"""

_base_ = ['demo.py']

layout = 'ntu25'
val_people = [f'Sample{i:04d}' for i in range(31, 36)]
test_people = [f'Sample{i:04d}' for i in range(36, 41)]
windows = dict(
    recordings='data/smg',
    split=None,
    lengths=[32, 64, 128],
    stride=8,
    fps=30,
    background=17,
    num_classes=18,
)
model = dict(
    backbone=dict(
        base_channels=64,
        num_stages=10,
        inflate_stages=[5, 8],
        down_stages=[5, 8],
        graph_cfg=dict(layout=layout),
    ),
    cls_head=dict(num_classes=18, in_channels=256, dropout=0.3),
)
flip = dict(type='Flip', flip_ratio=0.5, layout=layout)
measure = dict(type='BodyUnits2D', layout=layout)
finish = [
    dict(type='GenSkeFeat', dataset=layout, feats=['j', 'b']),
    dict(type='UniformSample', clip_len=24),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint']),
]
data = dict(
    videos_per_gpu=32,
    workers_per_gpu=2,
    train=dict(
        windows,
        without=val_people + test_people,
        class_prob='sqrt',
        jitter=0.15,
        pipeline=[flip, measure, dict(type='RandomScale', scale=0.1), *finish],
    ),
    val=dict(windows, only=val_people, pipeline=[measure, *finish]),
    test=dict(windows, only=test_people, pipeline=[measure, *finish]),
)

total_epochs = 24
evaluation = dict(interval=4)
work_dir = './work_dirs/spotting/smg'
