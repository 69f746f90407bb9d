"""Classes weigh one over the square root of their number of clips; as weights, what Mahajan et al. 2018 (arXiv:1805.00932) sample by."""

_base_ = ['../ablation/joint.py']
model = dict(cls_head=dict(loss_cls=dict(type='CrossEntropyLoss', class_weight='sqrt')))
work_dir = './work_dirs/longtail/sqrt_weights'
