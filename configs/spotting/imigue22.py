"""Spotting iMiGUE, track 2.

ST-GCN++ on windows of one person's 22 joints, joints and bones side by side; class 32 is
background.

data/imigue contains the unpacked csv release (imigue_skeleton_train, _validate, _test). The
published validation set is ten videos of the training release: select them with --cfg-options, or
use the release's own.
"""

_base_ = ['demo.py']

windows = dict(recordings='data/imigue', lengths=[32, 64, 128], stride=8, fps=25)
model = dict(
    backbone=dict(base_channels=64, num_stages=10, inflate_stages=[5, 8], down_stages=[5, 8]),
    cls_head=dict(in_channels=256, dropout=0.3),
)
data = dict(
    videos_per_gpu=32,
    workers_per_gpu=2,
    train=dict(windows, class_prob='sqrt', jitter=0.15),
    val=windows,
    test=windows,
)

total_epochs = 24
evaluation = dict(interval=4)
work_dir = './work_dirs/spotting/imigue22'
