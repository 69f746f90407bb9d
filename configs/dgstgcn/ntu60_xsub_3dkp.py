"""DG-STGCN. NTU60, other people in the test; Kinect's 3D joints. lr 0.1 goes with 64 clips a step."""
_base_ = ['model.py', '../_base_/ntu_3dkp_turned.py', '../_base_/schedule_150.py']

auto_scale_lr = dict(base_batch_size=64)
work_dir = './work_dirs/dgstgcn/ntu60_xsub_3dkp/{stream}'
