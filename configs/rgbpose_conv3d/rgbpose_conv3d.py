"""RGBPose-Conv3D on NTU60: 8 pictures and 32 heatmaps per clip, value for value PYSKL's.

It starts from rgb_only.py and pose_only.py; train these first, then

    python tools/train.py configs/rgbpose_conv3d/rgbpose_conv3d.py --cfg-options \
        model.backbone.rgb_pathway.pretrained=RGB.pth \
        model.backbone.pose_pathway.pretrained=POSE.pth

or download PYSKL's rgbpose_conv3d_init.pth and name it in load_from.
"""

_base_ = ['../_base_/rgbpose_conv3d.py', '../_base_/schedule_rgbpose.py']

left_kp = [1, 3, 5, 7, 9, 11, 13, 15]
right_kp = [2, 4, 6, 8, 10, 12, 14, 16]
finish = [
    dict(
        type='GeneratePoseTarget',
        sigma=0.7,
        use_score=True,
        with_kp=True,
        with_limb=False,
        scaling=0.25,
    ),
    dict(
        type='Normalize', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_bgr=False
    ),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='Collect', keys=['imgs', 'heatmap_imgs', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'heatmap_imgs', 'label']),
]
train_pipeline = [
    dict(type='MMUniformSampleFrames', clip_len=dict(RGB=8, Pose=32), num_clips=1),
    dict(type='MMDecode'),
    dict(type='MMCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(256, 256), keep_ratio=False),
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, left_kp=left_kp, right_kp=right_kp),
    *finish,
]
val_pipeline = [
    dict(type='MMUniformSampleFrames', clip_len=dict(RGB=8, Pose=32), num_clips=1),
    dict(type='MMDecode'),
    dict(type='MMCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(256, 256), keep_ratio=False),
    *finish,
]
test_pipeline = [dict(val_pipeline[0], num_clips=10), *val_pipeline[1:]]

files = dict(ann_file='data/nturgbd/ntu60_hrnet.pkl', data_prefix='data/nturgbd/videos')
data = dict(
    videos_per_gpu=6,
    workers_per_gpu=4,
    test_dataloader=dict(videos_per_gpu=1),
    train=dict(type='PoseDataset', **files, split='xsub_train', pipeline=train_pipeline),
    val=dict(type='PoseDataset', **files, split='xsub_val', pipeline=val_pipeline),
    test=dict(type='PoseDataset', **files, split='xsub_val', pipeline=test_pipeline),
)

optimizer = dict(lr=0.0075, weight_decay=0.0001)
auto_scale_lr = dict(base_batch_size=48)
lr_config = dict(_delete_=True, policy='step', step=[12, 16])
total_epochs = 20
work_dir = './work_dirs/rgbpose_conv3d/rgbpose_conv3d'
