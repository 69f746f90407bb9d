"""The limb stream of the ablations: joint.py with one channel for each bone."""

_base_ = ['joint.py']

model = dict(backbone=dict(in_channels=21))  # one per limb
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

work_dir = './work_dirs/ablation/limb'
