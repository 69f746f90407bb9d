"""What PYSKL's three configs of RGBPose-Conv3D share: SGD, an evaluation after each epoch."""

optimizer = dict(type='SGD', lr=0.2, momentum=0.9, weight_decay=0.0003)
auto_scale_lr = dict(base_batch_size=128)
optimizer_config = dict(grad_clip=dict(max_norm=40, norm_type=2))
lr_config = dict(policy='CosineAnnealing', by_epoch=False, min_lr=0)
total_epochs = 18
checkpoint_config = dict(interval=1)
evaluation = dict(interval=1, metrics=['top_k_accuracy', 'mean_class_accuracy'], topk=(1, 5))
log_config = dict(interval=20, hooks=[dict(type='TextLoggerHook')])
log_level = 'INFO'
