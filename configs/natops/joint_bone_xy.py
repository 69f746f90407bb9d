"""NATOPS, front view: one small network on the joints and the enlarged vectors of the bones.

tools/convert_natops.py makes the data. The picture is fixed, without PoseCompact, since the
positions of the hands distinguish gestures, and without flips, since left and right hand have
different roles in most gestures. A thumb that points up or down moves by less than a pixel among
the joints; drawn as a bone from the centre of the picture it moves by three. All blocks see
neighbouring frames: spreading and folding the wings differ only in the order of time.
"""

model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly',
        depth=50,
        in_channels=14,  # 8 joints, 6 bones
        base_channels=8,
        num_stages=3,
        out_indices=(2,),
        stage_blocks=(1, 1, 1),
        conv1_kernel=(1, 3, 3),
        conv1_stride=(1, 2),
        pool1_stride=(1, 1),
        inflate=(1, 1, 1),
        spatial_strides=(2, 2, 2),
        temporal_strides=(1, 2, 2),
    ),
    cls_head=dict(type='I3DHead', in_channels=128, num_classes=6, dropout=0.2, loss_emb=None),
    test_cfg=dict(average_clips='prob'),
)

bones = dict(type='BoneVectors', layout='natops8', zoom=3.75)
heatmap = dict(type='GeneratePoseTarget', with_kp=True, with_limb=False, sigma=0.8)
train_pipeline = [
    dict(type='UniformSampleFrames', clip_len=16),
    dict(type='PoseDecode'),
    dict(type='RandomResizedCrop', area_range=(0.8, 1.0), aspect_ratio_range=(0.9, 1.1)),
    dict(type='Resize', scale=(24, 24), keep_ratio=False),
    bones,
    heatmap,
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label']),
    dict(type='ToTensor', keys=['imgs', 'label']),
]
test_pipeline = [
    dict(type='UniformSampleFrames', clip_len=16, num_clips=4),
    dict(type='PoseDecode'),
    dict(type='CenterCrop', crop_size=570),
    dict(type='Resize', scale=(24, 24), keep_ratio=False),
    bones,
    heatmap,
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label']),
    dict(type='ToTensor', keys=['imgs']),
]
ann_file = 'data/natops/natops_xy.pkl'
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=0,
    train=dict(type='PoseDataset', ann_file=ann_file, split='train', pipeline=train_pipeline),
    test=dict(type='PoseDataset', ann_file=ann_file, split='test', pipeline=test_pipeline),
)

optimizer = dict(type='AdamW', lr=0.004, weight_decay=0.01)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))  # ours
lr_config = dict(
    policy='CosineAnnealing',
    by_epoch=False,
    min_lr=0,
    warmup='linear',
    warmup_iters=30,
    warmup_ratio=0.1,
)
auto_scale_lr = dict(base_batch_size=16)
total_epochs = 80
checkpoint_config = dict(interval=-1)
log_config = dict(interval=20, hooks=[dict(type='TextLoggerHook')])
work_dir = './work_dirs/natops/joint_bone_xy'
