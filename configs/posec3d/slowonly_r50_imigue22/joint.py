"""The joint stream of arXiv:2307.10624 with the published config's faults corrected.

Mirror pairs are correct, and padding frames of zeros are not sampled. Apart from these and gradient
clipping, it equals ../slowonly_r50_imigue_2dkp_emb20/joint.py. The other streams (limb.py,
joint_motion.py, limb_motion.py) are children of this file.
"""

model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly',
        depth=50,
        in_channels=22,  # one per joint
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
    cls_head=dict(
        type='I3DHead', in_channels=512, num_classes=32, dropout=0.5
    ),  # and the default loss_emb=dict(type='MseLoss', loss_weight=20.0) on 300-d label vectors
    test_cfg=dict(average_clips='prob'),
)

# Joints, bones and mirror pairs (pyskl/skeletons). If your hands come in the other order
# (tools/check_data.py tells): layout = dict(name='imigue22', first_hand='right')
layout = 'imigue22'
heatmap = dict(type='GeneratePoseTarget', layout=layout, with_kp=True, with_limb=False)
train_pipeline = [
    dict(type='UniformSampleFrames', clip_len=48, real_frames=True),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(-1, 64)),
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, layout=layout),
    heatmap,
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label', 'emb'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'label', 'emb']),
]
val_pipeline = [
    dict(type='UniformSampleFrames', clip_len=48, num_clips=1, real_frames=True),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    heatmap,
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label', 'emb'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'emb']),
]
test_pipeline = [
    dict(type='UniformSampleFrames', clip_len=48, num_clips=10, real_frames=True),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(heatmap, double=True),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label', 'emb'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'emb']),
]

dataset_type = 'PoseDataset'
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=2,
    test_dataloader=dict(videos_per_gpu=1),
    train=dict(
        type=dataset_type, ann_file='data/imigue_train.pkl', split='train', pipeline=train_pipeline
    ),
    val=dict(type=dataset_type, ann_file='data/imigue_val.pkl', split='val', pipeline=val_pipeline),
    test=dict(
        type=dataset_type, ann_file='data/imigue_test.pkl', split='test', pipeline=test_pipeline
    ),
)

# lr 0.4 / 6 goes with 2 GPUs x 16 clips
optimizer = dict(type='SGD', lr=0.4 / 6, momentum=0.9, weight_decay=0.0003)
auto_scale_lr = dict(base_batch_size=32)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))  # ours; no clip was published
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
total_epochs = 100
checkpoint_config = dict(interval=1, max_keep_ckpts=3)
evaluation = dict(
    interval=1, metrics=['top_k_accuracy', 'mean_class_accuracy', 'macro_f1'], topk=(1, 5)
)
log_config = dict(interval=20, hooks=[dict(type='TextLoggerHook')])
log_level = 'INFO'
work_dir = './work_dirs/posec3d/slowonly_r50_imigue22/joint'
