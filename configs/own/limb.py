"""Your own skeletons: the limb stream, one heatmap for each bone of the layout in joint.py."""

_base_ = ['joint.py']

model = dict(backbone=dict(in_channels=_base_.num_limbs))
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
work_dir = _base_.work_dir.replace('joint', 'limb')
