"""Made-up clips of pictures and key points (tools/make_demo_data.py data/demo_video --video).

With schedules for small networks.

Per clip 4 pictures of 48 x 48 and 16 heatmaps of 24 x 24, cropped to the person.
"""

layout = 'imigue22'
img_norm = dict(
    type='Normalize', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_bgr=False
)
heatmaps = dict(
    type='GeneratePoseTarget', layout=layout, sigma=0.7, with_kp=True, with_limb=False, scaling=0.5
)
compact = dict(type='MMCompact', hw_ratio=1.0, allow_imgpad=True)
train_shape = [
    compact,
    dict(type='Resize', scale=(54, 54), keep_ratio=False),
    dict(type='RandomResizedCrop', area_range=(0.8, 1.0)),
    dict(type='Resize', scale=(48, 48), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, layout=layout),
]
test_shape = [compact, dict(type='Resize', scale=(48, 48), keep_ratio=False)]

files = dict(
    type='PoseDataset',
    ann_file='data/demo_video/annotations.pkl',
    data_prefix='data/demo_video/videos',
)
data = dict(
    videos_per_gpu=16,
    workers_per_gpu=0,
    test_dataloader=dict(videos_per_gpu=16),
    train=dict(**files, split='train'),
    val=dict(**files, split='val'),
    test=dict(**files, split='test'),
)

optimizer = dict(type='AdamW', lr=0.003, weight_decay=0.01)
auto_scale_lr = dict(base_batch_size=16)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
total_epochs = 12
checkpoint_config = dict(interval=1, max_keep_ckpts=3)
evaluation = dict(interval=4, metrics=['top_k_accuracy', 'mean_class_accuracy'], topk=(1, 5))
log_config = dict(interval=10, hooks=[dict(type='TextLoggerHook')])
