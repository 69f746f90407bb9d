"""DG-STGCN. NTU60, other people in the test; Kinect's 3D joints."""

_base_ = ['../_base_/dgstgcn.py', '../_base_/ntu_3dkp_turned.py', '../_base_/schedule_150.py']

work_dir = './work_dirs/dgstgcn/ntu60_xsub_3dkp/{stream}'
