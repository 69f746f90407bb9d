"""What the recipe was chosen by, never the test split: python tools/sweep.py configs/natops/choose.py --work-dir work_dirs/natops_choose

Every row is trained on two thirds of train and judged on the other third, three times, one row a fold. A row differs from joint_bone_xy.py
in what its name says.
"""
from pathlib import Path

from pyskl.recipe import load_config

HERE = Path(__file__).parent
config = load_config(HERE / 'joint_bone_xy.py')
BONES = 4                                       # the place of BoneVectors in both pipelines
STEPS = [step['type'] for step in config.data.train.pipeline]
assert STEPS[BONES] == 'BoneVectors' and [step['type'] for step in config.data.test.pipeline][BONES] == 'BoneVectors'


def both(place, **changes):
    """Options that change a step of the training and the test pipeline."""
    return {f'data.{split}.pipeline.{place}.{key}': value for split in ('train', 'test') for key, value in changes.items()}


def pipelines(change):
    """Options that put changed lists of steps in place of the pipelines."""
    return {f'data.{split}.pipeline': change([step.to_dict() for step in config.data[split].pipeline]) for split in ('train', 'test')}


def compact(steps):
    return [*steps[:2], dict(type='PoseCompact', hw_ratio=1.), dict(type='Resize', scale=(600, 600), keep_ratio=False), *steps[2:]]


def flipped(steps):
    return [*steps[:BONES], dict(type='Flip', layout='natops8'), *steps[BONES:]] if steps[0].get('num_clips', 1) == 1 else steps


rows = {
    'joint_bone_xy': ('joint_bone_xy', {}),
    'joint_xy': ('joint_xy', {}),
    'bone_xy': ('bone_xy', {}),
    'joint_bone_zy': ('joint_bone_zy', {}),
    'joint_bone_xz': ('joint_bone_xz', {}),
    'bones not enlarged': ('joint_bone_xy', both(BONES, zoom=1.0)),
    'first stage frame by frame': ('joint_bone_xy', {'model.backbone.inflate': (0, 1, 1)}),
    'half the epochs': ('joint_bone_xy', {'total_epochs': 40}),
    'PoseCompact': ('joint_bone_xy', pipelines(compact)),
    'flips': ('joint_bone_xy', pipelines(flipped)),
    'joint motion': ('joint_xy', both(BONES, motion=True)),
    '24 frames': ('joint_bone_xy', both(0, clip_len=24)),
    'label smoothing': ('joint_bone_xy', {'model.cls_head.label_smooth_eps': 0.1}),
    'mixup': ('joint_bone_xy', {'model.train_cfg': dict(mixup=0.2)}),
    'EMA': ('joint_bone_xy', {'ema': dict(decay=0.98)}),
}
runs = [dict(name=f'{name}, fold {n + 1}', config=str(HERE / f'{stream}.py'),
             options={'data.train.split': f'fit{fold}', 'data.test.split': f'val{fold}', **options})
        for name, (stream, options) in rows.items() for n, fold in enumerate(('', '2', '3'))]
