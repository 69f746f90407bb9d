"""Demand a margin for rare classes in training.

Logit adjustment, Menon et al. 2021, arXiv:2007.07314.
"""

_base_ = ['../ablation/joint.py']
model = dict(cls_head=dict(loss_cls=dict(type='LogitAdjustedLoss', tau=1.0)))
work_dir = './work_dirs/longtail/logit_adjustment'
