"""The limb stream of the demo.

joint.py with one channel for each bone, and with a margin for rare classes.

Two streams that are trained in the same way make the same errors: both take rare gestures for
frequent ones, and so does their blend. This one learns with logit adjustment (Menon et al. 2021,
arXiv:2007.07314), which favours rare classes as much as the joint stream's cross-entropy favours
frequent ones.
"""

_base_ = ['joint.py']

model = dict(
    backbone=dict(in_channels=21),  # one per limb
    cls_head=dict(loss_cls=dict(type='LogitAdjustedLoss', tau=1.0)),
)
data = {
    split: dict(
        pipeline=[
            dict(step, with_kp=False, with_limb=True)
            if step['type'] == 'GeneratePoseTarget'
            else step
            for step in _base_.data[split]['pipeline']
        ]
    )
    for split in ('train', 'val', 'test')
}

total_epochs = 10  # its steps are cheaper
evaluation = dict(interval=5)
work_dir = './work_dirs/demo/limb'
