"""ProtoGCN, bones; otherwise as j.py."""

_base_ = ['j.py']

stream = 'b'
model = dict(backbone=dict(num_prototype=100), cls_head=dict(weight=0.3))
data = dict(train=dict(pipeline=_base_.mirrored))
