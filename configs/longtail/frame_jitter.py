"""Take each sampled frame up to one frame earlier or later.

Temporal jittering as in C3D, Tran et al. 2015, arXiv:1412.0767.
"""

_base_ = ['../ablation/joint.py']
steps = _base_.train_pipeline  # before PoseDecode
data = dict(train=dict(pipeline=[steps[0], dict(type='FrameJitter'), *steps[1:]]))
work_dir = './work_dirs/longtail/frame_jitter'
