"""HRNet's 17 key points and three that ProtoGCN adds, 100 frames, mirrored at random.

For one or two people.
"""

finish = [
    dict(type='PoseDecode'),
    dict(type='Kinetics_Transform'),
    dict(type='GenSkeFeat', dataset='coco_new', feats=['j']),
    dict(type='FormatGCNInput', num_person=2),
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint']),
]
flip = dict(
    type='Flip',
    flip_ratio=0.5,
    left_kp=[1, 3, 5, 7, 9, 11, 13, 15],
    right_kp=[2, 4, 6, 8, 10, 12, 14, 16],
)
train_pipeline = [dict(type='UniformSampleFrames', clip_len=100), finish[0], flip, *finish[1:]]
val_pipeline = [dict(type='UniformSampleFrames', clip_len=100, num_clips=1), *finish]
test_pipeline = [dict(type='UniformSampleFrames', clip_len=100, num_clips=10), *finish]
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=2,
    test_dataloader=dict(videos_per_gpu=1),
    train=dict(
        type='PoseDataset',
        ann_file='data/gym/gym_hrnet.pkl',
        pipeline=train_pipeline,
        split='train',
    ),
    val=dict(
        type='PoseDataset', ann_file='data/gym/gym_hrnet.pkl', pipeline=val_pipeline, split='val'
    ),
    test=dict(
        type='PoseDataset', ann_file='data/gym/gym_hrnet.pkl', pipeline=test_pipeline, split='val'
    ),
)
stream = 'j'
