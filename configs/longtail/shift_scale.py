"""Move and scale the person within the picture.

Random moving of ST-GCN, Yan et al. 2018, arXiv:1801.07455.
"""

_base_ = ['../ablation/joint.py']
steps = _base_.train_pipeline  # after PoseCompact, which would take a shift back
data = dict(train=dict(pipeline=[*steps[:3], dict(type='ShiftScale'), *steps[3:]]))
work_dir = './work_dirs/longtail/shift_scale'
