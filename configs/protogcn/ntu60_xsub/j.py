"""ProtoGCN, joints. NTU60, other people in the test; Kinect's 3D joints."""

_base_ = [
    '../../_base_/protogcn.py',
    '../../_base_/ntu_3dkp_turned.py',
    '../../_base_/schedule_150.py',
]

optimizer = dict(lr=0.025)
auto_scale_lr = dict(base_batch_size=16)
work_dir = './work_dirs/protogcn/ntu60_xsub/{stream}'
