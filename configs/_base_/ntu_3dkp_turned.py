"""Key points of Kinect, x y z, without turning the spine upright; rotated at random in training.

NTU60, xsub.

`mirrored` and `part_dropped` are what some of ProtoGCN's streams are trained with.
"""

prepare = [
    dict(type='PreNormalize3D', align_spine=False),
    dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j']),
]
turned = [prepare[0], dict(type='RandomRot', theta=0.2), prepare[1]]
finish = [
    dict(type='FormatGCNInput', num_person=2),
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint']),
]
train_pipeline = [*turned, dict(type='UniformSampleDecode', clip_len=100), *finish]
mirrored = [*turned[:2], dict(type='Spatial_Flip', dataset='nturgb+d', p=0.5), *train_pipeline[2:]]
part_dropped = [*turned[:2], dict(type='Part_Drop'), *train_pipeline[2:]]
val_pipeline = [*prepare, dict(type='UniformSampleDecode', clip_len=100, num_clips=1), *finish]
test_pipeline = [*prepare, dict(type='UniformSampleDecode', clip_len=100, num_clips=10), *finish]

ann_file = 'data/nturgbd/ntu60_3danno.pkl'
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=2,
    test_dataloader=dict(videos_per_gpu=1),
    train=dict(type='PoseDataset', ann_file=ann_file, pipeline=train_pipeline, split='xsub_train'),
    val=dict(type='PoseDataset', ann_file=ann_file, pipeline=val_pipeline, split='xsub_val'),
    test=dict(type='PoseDataset', ann_file=ann_file, pipeline=test_pipeline, split='xsub_val'),
)
stream = 'j'
