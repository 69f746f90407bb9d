"""Hide joints, in all frames or in some.

SpecAugment (Park et al. 2019, arXiv:1904.08779) hides channels and times.
"""

_base_ = ['../ablation/joint.py']
steps = _base_.train_pipeline  # after PoseDecode
data = dict(train=dict(pipeline=[*steps[:2], dict(type='JointDropout'), *steps[2:]]))
work_dir = './work_dirs/longtail/joint_dropout'
