"""The joint-motion stream.

joint.py with the change until the next sampled frame instead of the frames.

The third of the four streams (joint, bone, and the motion of both) of arXiv:1912.06971, as
differences of heatmaps.
"""

_base_ = ['joint.py']

data = {
    split: dict(
        pipeline=[
            dict(step, motion=True) if step['type'] == 'GeneratePoseTarget' else step
            for step in _base_.data[split]['pipeline']
        ]
    )
    for split in ('train', 'val', 'test')
}

work_dir = './work_dirs/posec3d/slowonly_r50_imigue22/joint_motion'
