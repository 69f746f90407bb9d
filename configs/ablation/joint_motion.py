"""The joint-motion stream of the ablations.

joint.py with the change until the next sampled frame.
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

work_dir = './work_dirs/ablation/joint_motion'
