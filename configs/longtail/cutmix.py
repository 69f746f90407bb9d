"""Replace a box of frames, rows and columns, and a share of the label, by those of another clip.

CutMix, Yun et al. 2019, arXiv:1905.04899.
"""

_base_ = ['../ablation/joint.py']
model = dict(train_cfg=dict(cutmix=1.0, prob=0.5))
work_dir = './work_dirs/longtail/cutmix'
