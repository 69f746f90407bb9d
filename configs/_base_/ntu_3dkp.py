"""Key points of Kinect, x y z, of up to two people: normalised, 100 frames. NTU60, xsub."""

prepare = [
    dict(type='PreNormalize3D'),
    dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j']),
]
finish = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=2),
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint']),
]
train_pipeline = [*prepare, dict(type='UniformSample', clip_len=100), *finish]
val_pipeline = [*prepare, dict(type='UniformSample', clip_len=100, num_clips=1), *finish]
test_pipeline = [*prepare, dict(type='UniformSample', clip_len=100, num_clips=10), *finish]

ann_file = 'data/nturgbd/ntu60_3danno.pkl'
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=2,
    test_dataloader=dict(videos_per_gpu=1),
    train=dict(
        type='RepeatDataset',
        times=5,
        dataset=dict(
            type='PoseDataset', ann_file=ann_file, pipeline=train_pipeline, split='xsub_train'
        ),
    ),
    val=dict(type='PoseDataset', ann_file=ann_file, pipeline=val_pipeline, split='xsub_val'),
    test=dict(type='PoseDataset', ann_file=ann_file, pipeline=test_pipeline, split='xsub_val'),
)
stream = 'j'
