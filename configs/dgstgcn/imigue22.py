"""DG-STGCN on iMiGUE's 22 joints, with a semantic embedding of the labels."""

_base_ = ['../_base_/dgstgcn.py', '../_base_/imigue22.py', '../_base_/schedule_16x5_clipped.py']

model = dict(
    backbone=dict(
        graph_cfg=dict(
            _delete_=True,
            layout=_base_.layout,
            mode='random',
            num_filter=8,
            init_off=0.04,
            init_std=0.02,
        )
    ),
    cls_head=dict(num_classes=32),
)
work_dir = './work_dirs/dgstgcn/imigue22/{stream}'
