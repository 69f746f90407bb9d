"""PYSKL's recipe for networks on heatmaps.

24 epochs of clips repeated ten times, lr 0.4 for 256 clips per step.
"""

optimizer = dict(type='SGD', lr=0.4, momentum=0.9, weight_decay=0.0003)
auto_scale_lr = dict(base_batch_size=256)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
total_epochs = 24
checkpoint_config = dict(interval=1)
evaluation = dict(interval=1, metrics=['top_k_accuracy', 'mean_class_accuracy'], topk=(1, 5))
log_config = dict(interval=20, hooks=[dict(type='TextLoggerHook')])
log_level = 'INFO'
