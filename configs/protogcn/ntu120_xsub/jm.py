"""ProtoGCN, motion of joints; otherwise as j.py."""

_base_ = ['j.py']

stream = 'jm'
