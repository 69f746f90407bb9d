"""Weight classes by the inverse of their effective number of clips.

Class-Balanced Loss, Cui et al. 2019, arXiv:1901.05555.
"""

_base_ = ['../ablation/joint.py']
model = dict(
    cls_head=dict(loss_cls=dict(type='CrossEntropyLoss', class_weight='effective', beta=0.999))
)
work_dir = './work_dirs/longtail/effective_weights'
