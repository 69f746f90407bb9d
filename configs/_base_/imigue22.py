"""iMiGUE's 22 OpenPose joints, x y score of one person, 48 frames, with label vectors.

Left and right are correct mirror pairs. Padding frames of zeros are not sampled, and motion ends
before them. If your hands are in the other order (tools/check_data.py tells), write layout =
dict(name='imigue22', first_hand='right') here or in a child of the config; graphs use it, too.
"""

layout = 'imigue22'
prepare = [
    dict(type='PreNormalize2D'),
    dict(type='GenSkeFeat', dataset=layout, feats=['j'], real_frames=True),
]
finish = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='Collect', keys=['keypoint', 'label', 'emb'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint', 'emb']),
]
sample = dict(type='UniformSample', clip_len=48, real_frames=True)
train_pipeline = [
    dict(type='Flip', flip_ratio=0.5, layout=layout),
    prepare[0],
    dict(type='RandomScale', scale=0.1),
    prepare[1],
    sample,
    *finish,
]
val_pipeline = [*prepare, sample, *finish]
test_pipeline = [*prepare, dict(sample, num_clips=10), *finish]
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=2,
    test_dataloader=dict(videos_per_gpu=16),
    train=dict(
        type='RepeatDataset',
        times=5,
        dataset=dict(
            type='PoseDataset',
            ann_file='data/imigue_train.pkl',
            split='train',
            pipeline=train_pipeline,
        ),
    ),
    val=dict(
        type='PoseDataset', ann_file='data/imigue_val.pkl', split='val', pipeline=val_pipeline
    ),
    test=dict(
        type='PoseDataset', ann_file='data/imigue_test.pkl', split='test', pipeline=test_pipeline
    ),
)
stream = 'j'
