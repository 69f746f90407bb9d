"""Spread a tenth of each target evenly over the classes.

Szegedy et al. 2016, arXiv:1512.00567, section 7.
"""

_base_ = ['../ablation/joint.py']
model = dict(cls_head=dict(label_smooth_eps=0.1))
work_dir = './work_dirs/longtail/label_smoothing'
