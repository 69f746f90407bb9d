"""PYSKL's recipe at its rate for 16 clips per step, with gradients clipped.

Label vectors make the first losses large.
"""

_base_ = ['schedule_16x5.py']

optimizer = dict(lr=0.0125)
auto_scale_lr = dict(base_batch_size=16)
optimizer_config = dict(_delete_=True, grad_clip=dict(max_norm=40, norm_type=2))
