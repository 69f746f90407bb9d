"""ProtoGCN, motion of bones of bones; otherwise as j.py."""
_base_ = ['j.py']

stream = 'km'
model = dict(backbone=dict(num_prototype=100), cls_head=dict(weight=0.1))
data = dict(train=dict(pipeline=[*_base_.turned[:2], dict(type='Part_Drop'), *_base_.train_pipeline[2:]]))
