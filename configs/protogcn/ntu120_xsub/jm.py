"""ProtoGCN, motion of joints; otherwise as j.py."""
_base_ = ['j.py']

stream = 'jm'
data = dict(train=dict(pipeline=[*_base_.turned[:2], dict(type='Spatial_Flip', dataset='nturgb+d', p=0.5), *_base_.train_pipeline[2:]]))
