"""Sample classes in proportion to the square root of their number of clips.

Mahajan et al. 2018, arXiv:1805.00932, section 2.2.
"""

_base_ = ['../ablation/joint.py']
data = dict(train=dict(class_prob='sqrt'))
work_dir = './work_dirs/longtail/sqrt_sampling'
