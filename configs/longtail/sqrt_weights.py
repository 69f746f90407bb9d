"""Weight classes by the inverse square root of their number of clips.

Mahajan et al. 2018 (arXiv:1805.00932) sample by the square root.
"""

_base_ = ['../ablation/joint.py']
model = dict(cls_head=dict(loss_cls=dict(type='CrossEntropyLoss', class_weight='sqrt')))
work_dir = './work_dirs/longtail/sqrt_weights'
