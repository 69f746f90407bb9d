"""SlowOnly-50 on 8 frames around the person, value for value PYSKL's.

The pictures of rgbpose_conv3d.py start from it.

The videos are data/nturgbd/videos/{frame_dir}.mp4.
"""

_base_ = ['../_base_/schedule_rgbpose.py']

model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly',
        in_channels=3,
        base_channels=64,
        num_stages=4,
        conv1_kernel=(1, 7, 7),
        inflate=(0, 0, 1, 1),
    ),
    cls_head=dict(type='I3DHead', in_channels=2048, num_classes=60, dropout=0.5),
    test_cfg=dict(average_clips='prob'),
)

finish = [
    dict(
        type='Normalize', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_bgr=False
    ),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='Collect', keys=['imgs', 'label'], meta_keys=[]),
]
train_pipeline = [
    dict(type='MMUniformSampleFrames', clip_len=dict(RGB=8), num_clips=1),
    dict(type='MMDecode'),
    dict(type='MMCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(256, 256), keep_ratio=False),
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    *finish,
    dict(type='ToTensor', keys=['imgs', 'label']),
]
val_pipeline = [
    dict(type='MMUniformSampleFrames', clip_len=dict(RGB=8), num_clips=1),
    dict(type='MMDecode'),
    dict(type='MMCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    *finish,
    dict(type='ToTensor', keys=['imgs']),
]
test_pipeline = [dict(val_pipeline[0], num_clips=10), *val_pipeline[1:]]

files = dict(ann_file='data/nturgbd/ntu60_hrnet.pkl', data_prefix='data/nturgbd/videos')
data = dict(
    videos_per_gpu=12,
    workers_per_gpu=4,
    test_dataloader=dict(videos_per_gpu=1),
    train=dict(
        type='RepeatDataset',
        times=10,
        dataset=dict(type='PoseDataset', **files, split='xsub_train', pipeline=train_pipeline),
    ),
    val=dict(type='PoseDataset', **files, split='xsub_val', pipeline=val_pipeline),
    test=dict(type='PoseDataset', **files, split='xsub_val', pipeline=test_pipeline),
)

optimizer = dict(lr=0.15, weight_decay=0.0001)
auto_scale_lr = dict(base_batch_size=96)
work_dir = './work_dirs/rgbpose_conv3d/rgb_only'
