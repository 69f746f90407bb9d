"""RGBPose-Conv3D on iMiGUE.

8 pictures and 32 heatmaps of a clip, with a semantic embedding of the labels in the pose head.

The videos are in data/imigue_videos. The annotation of a clip names its video (`filename`, else
`frame_dir`.mp4) and where in it the clip begins (`start_frame`). Pictures are 1080 x 1920;
MMCompact crops them to the person.
"""

layout = 'imigue22'
img_norm = dict(
    type='Normalize', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_bgr=False
)
heatmaps = dict(
    type='GeneratePoseTarget', layout=layout, sigma=0.7, with_kp=True, with_limb=False, scaling=0.25
)
read = [
    dict(type='MMUniformSampleFrames', clip_len=dict(RGB=8, Pose=32), num_clips=1),
    dict(type='MMDecode'),
    dict(type='MMCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(256, 256), keep_ratio=False),
]
augment = [
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, layout=layout),
]
finish = [
    img_norm,
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='Collect', keys=['imgs', 'heatmap_imgs', 'label', 'emb'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'heatmap_imgs', 'label', 'emb']),
]
train_pipeline = [*read, *augment, heatmaps, *finish]
val_pipeline = [*read, heatmaps, *finish]
test_pipeline = [dict(read[0], num_clips=10), *read[1:], heatmaps, *finish]

files = dict(type='PoseDataset', data_prefix='data/imigue_videos')
data = dict(
    videos_per_gpu=6,
    workers_per_gpu=4,
    test_dataloader=dict(videos_per_gpu=1),
    train=dict(**files, ann_file='data/imigue_train.pkl', split='train', pipeline=train_pipeline),
    val=dict(**files, ann_file='data/imigue_val.pkl', split='val', pipeline=val_pipeline),
    test=dict(**files, ann_file='data/imigue_test.pkl', split='test', pipeline=test_pipeline),
)
