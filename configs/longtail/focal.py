"""Give less weight to clips that are recognised already.

Focal loss, Lin et al. 2017, arXiv:1708.02002.
"""

_base_ = ['../ablation/joint.py']
model = dict(cls_head=dict(loss_cls=dict(type='FocalLoss', gamma=2.0)))
work_dir = './work_dirs/longtail/focal'
