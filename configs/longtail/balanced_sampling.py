"""All classes equally often in an epoch.

Class-balanced sampling of Kang et al. 2020, Decoupling, arXiv:1910.09217, section 3.
"""

_base_ = ['../ablation/joint.py']
data = dict(train=dict(class_prob='balanced'))
work_dir = './work_dirs/longtail/balanced_sampling'
