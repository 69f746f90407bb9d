"""Validate, save and test a moving average of the weights.

Mean teacher, Tarvainen and Valpola 2017, arXiv:1703.01780.

A decay of 0.98 averages over about 50 of the ablation's 376 iterations; use 0.999 for runs of tens
of thousands.
"""

_base_ = ['../ablation/joint.py']
ema = dict(decay=0.98)
work_dir = './work_dirs/longtail/ema'
