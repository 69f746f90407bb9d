"""Blend the heatmaps of two clips, and their labels. mixup, Zhang et al. 2018, arXiv:1710.09412."""

_base_ = ['../ablation/joint.py']
model = dict(train_cfg=dict(mixup=0.2))
work_dir = './work_dirs/longtail/mixup'
