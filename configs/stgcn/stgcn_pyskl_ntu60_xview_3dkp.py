"""ST-GCN. NTU60, another camera in the test; Kinect's 3D joints."""

_base_ = ['../_base_/stgcn.py', '../_base_/ntu_3dkp.py', '../_base_/schedule_16x5.py']

data = dict(
    train=dict(dataset=dict(split='xview_train')),
    val=dict(split='xview_val'),
    test=dict(split='xview_val'),
)
work_dir = './work_dirs/stgcn/stgcn_pyskl_ntu60_xview_3dkp/{stream}'
