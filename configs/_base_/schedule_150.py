"""The recipe of DG-STGCN and ProtoGCN.

150 epochs, clips not repeated, lr 0.1 for 64 clips per step.
"""

_base_ = ['schedule_16x5.py']

auto_scale_lr = dict(base_batch_size=64)
total_epochs = 150
