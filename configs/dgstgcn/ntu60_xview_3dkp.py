"""DG-STGCN. NTU60, another camera in the test; Kinect's 3D joints."""

_base_ = ['../_base_/dgstgcn.py', '../_base_/ntu_3dkp_turned.py', '../_base_/schedule_150.py']

prepare = [dict(type='PreNormalize3D'), _base_.prepare[1]]
turned = [prepare[0], dict(type='RandomRot'), prepare[1]]
data = dict(
    train=dict(split='xview_train', pipeline=[*turned, *_base_.train_pipeline[3:]]),
    val=dict(split='xview_val', pipeline=[*prepare, *_base_.val_pipeline[2:]]),
    test=dict(split='xview_val', pipeline=[*prepare, *_base_.test_pipeline[2:]]),
)
work_dir = './work_dirs/dgstgcn/ntu60_xview_3dkp/{stream}'
