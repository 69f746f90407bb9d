"""Your own skeletons: the joint stream. Copy the folder, fill in the block, train.

`python tools/new_config.py data/mine.pkl` does this for your file.

A small network, which learns a few hundred clips in minutes on two CPU cores. All its stages see
neighbouring frames, to distinguish sitting down from standing up. limb.py and graph.py use the same
block, and ensemble/ensemble.py blends the three.
"""

# --- your data -------------------------------------------------------------------------------
ann_file = 'data/mine.pkl'  # docs/own_skeletons.md makes this one
train_split, val_split, test_split = 'train', 'val', 'test'
num_classes = 3
layout = dict(
    name='mine',
    joints=['head', 'neck', 'left hand', 'right hand', 'hip'],
    bones=[('head', 'neck'), ('left hand', 'neck'), ('right hand', 'neck'), ('hip', 'neck')],
    mirror=[('left hand', 'right hand')],  # left and right joint of each pair
    centre='neck',
)
num_joints, num_limbs = 5, 4  # of the layout
num_people = 1
in_space = False  # True: keypoint holds x, y, z
flips = True  # False: where left and right are different classes
clip_len = 16  # frames that the network sees of a clip
total_epochs = 30
work_dir = './work_dirs/mine/joint'
# --- end of your data ------------------------------------------------------------------------

model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowOnly',
        depth=50,
        in_channels=num_joints,
        base_channels=8,
        num_stages=3,
        out_indices=(2,),
        stage_blocks=(1, 1, 1),
        conv1_kernel=(1, 3, 3),
        conv1_stride=(1, 2),
        pool1_stride=(1, 1),
        inflate=(1, 1, 1),
        spatial_strides=(1, 2, 2),
        temporal_strides=(1, 2, 2),
    ),
    cls_head=dict(
        type='I3DHead', in_channels=128, num_classes=num_classes, dropout=0.2, loss_emb=None
    ),
    test_cfg=dict(average_clips='prob'),
)

# Key points in space are projected, from a different side in every epoch (axes: see Project3D).
camera = [dict(type='Project3D', axes=('-x', '-y', 'z'), turn=(-30, 30))] if in_space else []
heatmap = dict(type='GeneratePoseTarget', layout=layout, with_kp=True, with_limb=False)
finish = [
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs', 'label']),
]
train_pipeline = [
    *camera,
    dict(type='UniformSampleFrames', clip_len=clip_len),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(-1, 36)),
    dict(type='RandomResizedCrop', area_range=(0.85, 1.0)),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5 if flips else 0.0, layout=layout),
    heatmap,
    *finish,
]
look = [
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
]
val_pipeline = [
    *camera,
    dict(type='UniformSampleFrames', clip_len=clip_len, num_clips=1),
    *look,
    heatmap,
    *finish,
]
test_pipeline = [
    *camera,
    dict(type='UniformSampleFrames', clip_len=clip_len, num_clips=4),
    *look,
    dict(heatmap, double=flips),
    *finish,
]
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=0,
    test_dataloader=dict(videos_per_gpu=16),
    train=dict(type='PoseDataset', ann_file=ann_file, split=train_split, pipeline=train_pipeline),
    val=dict(type='PoseDataset', ann_file=ann_file, split=val_split, pipeline=val_pipeline),
    test=dict(type='PoseDataset', ann_file=ann_file, split=test_split, pipeline=test_pipeline),
)

optimizer = dict(type='AdamW', lr=0.004, weight_decay=0.01)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))
lr_config = dict(
    policy='CosineAnnealing',
    by_epoch=False,
    min_lr=0,
    warmup='linear',
    warmup_iters=30,
    warmup_ratio=0.1,
)
auto_scale_lr = dict(base_batch_size=16)
checkpoint_config = dict(interval=1, max_keep_ckpts=3)
evaluation = dict(interval=5, metrics=['top_k_accuracy', 'mean_class_accuracy'], topk=(1,))
log_config = dict(interval=20, hooks=[dict(type='TextLoggerHook')])
