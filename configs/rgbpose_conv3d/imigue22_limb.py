"""RGBPose-Conv3D on iMiGUE's videos and a heatmap for each of the 21 bones.

imigue22_joint.py with limbs.
"""

_base_ = ['imigue22_joint.py']

model = dict(backbone=dict(pose_pathway=dict(in_channels=21)))  # one per limb
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

work_dir = './work_dirs/rgbpose_conv3d/imigue22_limb'
