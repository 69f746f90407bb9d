"""ST-GCN. NTU60, other people in the test; Kinect's 3D joints."""

_base_ = ['../_base_/stgcn.py', '../_base_/ntu_3dkp.py', '../_base_/schedule_16x5.py']

work_dir = './work_dirs/stgcn/stgcn_pyskl_ntu60_xsub_3dkp/{stream}'
