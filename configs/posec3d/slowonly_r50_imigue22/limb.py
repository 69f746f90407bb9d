"""The limb stream of arXiv:2307.10624 with the published config's faults corrected.

joint.py with one channel for each of the 21 bones of its layout. Bones have their own mirror pairs,
so that mirrored test clips look like mirrored training clips. The published stream
(../slowonly_r50_imigue_2dkp_emb20/limb.py) has other limbs and mirrors them differently.
"""

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

work_dir = './work_dirs/posec3d/slowonly_r50_imigue22/limb'
