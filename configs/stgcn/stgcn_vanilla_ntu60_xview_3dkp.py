"""ST-GCN as first published. NTU60, another camera in the test."""

_base_ = ['stgcn_vanilla_ntu60_xsub_3dkp.py']

data = dict(
    train=dict(dataset=dict(split='xview_train')),
    val=dict(split='xview_val'),
    test=dict(split='xview_val'),
)
work_dir = './work_dirs/stgcn/stgcn_vanilla_ntu60_xview_3dkp/{stream}'
