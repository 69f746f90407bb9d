"""The recipe of DG-STGCN and ProtoGCN: 150 epochs, clips not repeated."""
_base_ = ['schedule_16x5.py']

total_epochs = 150
