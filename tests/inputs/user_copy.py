# A user's config in the style of mmcv 1 and PYSKL, with every key of such configs. It must run.
clip_len = 48
model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly',
        in_channels=22,
        base_channels=32,
        num_stages=3,
        out_indices=(2,),
        stage_blocks=(4, 6, 3),
        conv1_stride=(1, 1),
        pool1_stride=(1, 1),
        inflate=(0, 1, 1),
        spatial_strides=(2, 2, 2),
        temporal_strides=(1, 1, 2),
    ),
    cls_head=dict(type='I3DHead', in_channels=512, num_classes=32, dropout=0.5),
    train_cfg=dict(),
    test_cfg=dict(average_clips='prob'),
)

dataset_type = 'PoseDataset'
ann_file = 'data/imigue_train.pkl'
ann_file_val = 'data/imigue_val.pkl'
left_kp = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]
right_kp = [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
train_pipeline = [
    dict(type='UniformSampleFrames', clip_len=clip_len),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(-1, 64)),
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, left_kp=left_kp, right_kp=right_kp),
    dict(type='GeneratePoseTarget', sigma=0.6, use_score=True, with_kp=True, with_limb=False),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label', 'emb'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'label', 'emb']),
]
val_pipeline = [
    dict(type='UniformSampleFrames', clip_len=clip_len, num_clips=1, test_mode=True),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='GeneratePoseTarget', sigma=0.6, use_score=True, with_kp=True, with_limb=False),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label', 'emb'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'emb']),
]
test_pipeline = [
    dict(val_pipeline[0], num_clips=10),
    *val_pipeline[1:4],
    dict(val_pipeline[4], double=True, left_kp=left_kp, right_kp=right_kp),
    *val_pipeline[5:],
]
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=2,
    train_dataloader=dict(videos_per_gpu=16),
    val_dataloader=dict(videos_per_gpu=8),
    test_dataloader=dict(videos_per_gpu=1),
    train=dict(
        type='RepeatDataset',
        times=1,
        dataset=dict(type=dataset_type, ann_file=ann_file, split='train', pipeline=train_pipeline),
    ),
    val=dict(type=dataset_type, ann_file=ann_file_val, split='val', pipeline=val_pipeline),
    test=dict(
        type=dataset_type, ann_file='data/imigue_test.pkl', split='test', pipeline=test_pipeline
    ),
)
optimizer = dict(type='SGD', lr=0.4 / 6, momentum=0.9, weight_decay=0.0003)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
total_epochs = 100
checkpoint_config = dict(interval=10)
workflow = [('train', 1)]
evaluation = dict(
    interval=1,
    metrics=['top_k_accuracy', 'mean_class_accuracy'],
    topk=(1, 5),
    save_best='top1_acc',
    rule='greater',
    start=10,
)
log_config = dict(
    interval=20, hooks=[dict(type='TextLoggerHook'), dict(type='TensorboardLoggerHook')]
)
log_level = 'INFO'
dist_params = dict(backend='nccl')
find_unused_parameters = False
cudnn_benchmark = True
auto_resume = False
memcached = True
mc_cfg = ('localhost', 22077)
gpu_ids = range(0, 2)
work_dir = './work_dirs/mine'
load_from = None
resume_from = None
