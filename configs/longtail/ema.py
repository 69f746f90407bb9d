"""An average of the weights is validated, saved and tested. Mean teacher, Tarvainen and Valpola 2017, arXiv:1703.01780.

decay 0.98 looks back over some 50 of the ablation's 376 iterations; a run of tens of thousands takes 0.999.
"""

_base_ = ['../ablation/joint.py']
ema = dict(decay=0.98)
work_dir = './work_dirs/longtail/ema'
