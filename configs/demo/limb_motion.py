"""The limb-motion stream of the demo: limb.py with the change until the next sampled frame."""

_base_ = ['limb.py']

data = {
    split: dict(
        pipeline=[
            dict(step, motion=True) if step['type'] == 'GeneratePoseTarget' else step
            for step in _base_.data[split]['pipeline']
        ]
    )
    for split in ('train', 'val', 'test')
}

work_dir = './work_dirs/demo/limb_motion'
