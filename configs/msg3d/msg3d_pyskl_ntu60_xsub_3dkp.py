"""MS-G3D. NTU60, other people in the test; Kinect's 3D joints."""

_base_ = ['../_base_/msg3d.py', '../_base_/ntu_3dkp.py', '../_base_/schedule_16x5.py']

work_dir = './work_dirs/msg3d/msg3d_pyskl_ntu60_xsub_3dkp/{stream}'
