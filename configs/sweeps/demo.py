"""The ablation of docs/results.md on made-up data: `python tools/demo.py` once for the data, then python tools/sweep.py configs/sweeps/demo.py

A row differs from the corrected joint stream (or, limb and motion streams, from the demo's config of that name) in what its name says.
All are made short alike: 12 frames and 24x24 maps, two rounds through the clips.
"""
from pathlib import Path

from pyskl.recipe import load_config

CONFIGS = Path(__file__).parents[1]
SPLITS = ('train', 'val', 'test')
NUM_FRAMES, SIZE = 12, 24


def steps(config, split, kind):
    """[(place in the pipeline, step)] of the steps of a kind."""
    pipeline = config.data[split].pipeline
    return [(n, step) for n, step in enumerate(pipeline) if step['type'] == kind]


def short(name):
    """Options that shorten a demo config."""
    config, options = load_config(CONFIGS / 'demo' / f'{name}.py'), {}
    for split in SPLITS:
        path = f'data.{split}.pipeline'
        options.update({f'{path}.{n}.clip_len': NUM_FRAMES for n, _ in steps(config, split, 'UniformSampleFrames')})
        resizes = [n for n, _ in steps(config, split, 'Resize')]
        options[f'{path}.{resizes[-1]}.scale'] = (SIZE, SIZE)
        if len(resizes) > 1:
            options[f'{path}.{resizes[0]}.scale'] = (-1, SIZE + 4)
    return options


def published(name):
    """The published config's three faults: its mirror pairs, its limbs and their pairs, frames of zeros sampled as if they were real."""
    config = load_config(CONFIGS / 'demo' / f'{name}.py')
    old = load_config(CONFIGS / 'posec3d' / 'slowonly_r50_imigue_2dkp_emb20' / f'{name}.py')
    options = {'model.backbone.in_channels': old.model.backbone.in_channels}
    for split in SPLITS:
        path = f'data.{split}.pipeline'
        options.update({f'{path}.{n}.real_frames': False for n, _ in steps(config, split, 'UniformSampleFrames')})
        for kind in ('Flip', 'GeneratePoseTarget'):
            for (n, _), (_, step) in zip(steps(config, split, kind), steps(old, split, kind)):
                options[f'{path}.{n}'] = {'_delete_': True, **step.to_dict()}
    return options


def entry(name, stream='joint', **changes):
    options = {**short(stream), **changes.pop('more', {})}
    return dict(name=name, config=str(CONFIGS / 'demo' / f'{stream}.py'), options={**options, **changes})


seeds = [0, 1, 2]
options = {'total_epochs': 2, 'evaluation.interval': 2}
LOSS = 'model.cls_head.loss_cls'
runs = [
    entry('published joint', more=published('joint')),
    entry('published limb', 'limb', more=published('limb')),
    entry('joint'),
    entry('limb', 'limb'),
    entry('joint motion', 'joint_motion'),
    entry('limb motion', 'limb_motion'),
    entry('+ square-root class weights', more={LOSS: dict(type='CrossEntropyLoss', class_weight='sqrt')}),
    entry('+ effective-number weights', more={LOSS: dict(type='CrossEntropyLoss', class_weight='effective')}),
    entry('+ focal loss', more={LOSS: dict(type='FocalLoss')}),
    entry('+ logit adjustment', more={LOSS: dict(type='LogitAdjustedLoss')}),
    entry('+ label smoothing', more={LOSS: dict(type='CrossEntropyLoss', label_smooth_eps=0.1)}),
    entry('+ mixup', more={'model.train_cfg': dict(mixup=0.2)}),
    entry('+ CutMix', more={'model.train_cfg': dict(cutmix=1.0)}),
    entry('+ EMA', ema=dict(decay=0.98)),
]
ensembles = {
    'published joint + limb': ['published joint', 'published limb'],
    'joint + limb': ['joint', 'limb'],
    'four streams': ['joint', 'limb', 'joint motion', 'limb motion'],
}
