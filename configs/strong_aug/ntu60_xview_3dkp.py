"""ST-GCN++ with turned and stretched skeletons and 24 epochs. NTU60, another camera in the test.

Kinect's 3D joints.
"""

_base_ = ['ntu60_xsub_3dkp.py']

data = dict(
    train=dict(dataset=dict(split='xview_train')),
    val=dict(split='xview_val'),
    test=dict(split='xview_val'),
)
work_dir = './work_dirs/strong_aug/ntu60_xview_3dkp/{stream}'
