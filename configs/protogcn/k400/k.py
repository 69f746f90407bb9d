"""ProtoGCN, bones of bones; otherwise as j.py."""

_base_ = ['j.py']

stream = 'k'
model = dict(backbone=dict(num_prototype=100), cls_head=dict(weight=0.1))
