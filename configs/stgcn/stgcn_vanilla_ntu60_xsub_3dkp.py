"""ST-GCN as first published: all frames up to 300, one clip in the test.

NTU60, other people in the test.
"""

_base_ = ['../_base_/stgcn.py', '../_base_/ntu_3dkp.py', '../_base_/schedule_16x5.py']

model = dict(backbone=dict(tcn_dropout=0.5))
pipeline = [*_base_.prepare, dict(type='PadTo', length=300, mode='zero'), *_base_.finish]
data = dict(
    train=dict(dataset=dict(pipeline=pipeline)),
    val=dict(pipeline=pipeline),
    test=dict(pipeline=pipeline),
)
optimizer = dict(weight_decay=0.0001, nesterov=False)
lr_config = dict(_delete_=True, policy='step', step=[2, 10])
work_dir = './work_dirs/stgcn/stgcn_vanilla_ntu60_xsub_3dkp/{stream}'
