"""The ablation of docs/results.md, on made-up data; `python tools/demo.py` makes that, then

    python tools/sweep.py configs/sweeps/demo.py --work-dir work_dirs/sweep_demo

Single streams and ensembles, as published and corrected; then the corrected joint stream with one
item of configs/longtail each. All are equally short (12 frames, 24x24 maps, two epochs) and differ
only in what a row's name says.
"""

from pathlib import Path

from pyskl.recipe import load_config

CONFIGS = Path(__file__).parents[1]
ABLATION = CONFIGS / 'ablation'
PUBLISHED = CONFIGS / 'posec3d' / 'slowonly_r50_imigue_2dkp_emb20'
SPLITS = ('train', 'val', 'test')
NUM_FRAMES, SIZE = 12, 24
# The embedding; as published, MseLoss trains it and only the class scores predict.
SEMANTICS = {
    'cosine embedding loss': {'model.cls_head.loss_emb': {'type': 'CosineLoss'}},
    'contrastive embedding loss': {'model.cls_head.loss_emb': {'type': 'ContrastiveLoss'}},
    'contrastive, half predicted by names': {
        'model.cls_head.loss_emb': {'type': 'ContrastiveLoss'},
        'model.test_cfg.semantic_weight': 0.5,
    },
    'no embedding': {'model.cls_head.loss_emb': None},
}


def steps(config, split, kind):
    """[(place in the pipeline, step)] of the steps of a kind."""
    return [(n, step) for n, step in enumerate(config.data[split].pipeline) if step['type'] == kind]


def short(config):
    """Options that shorten a config of the ablations."""
    options = {}
    for split in SPLITS:
        path = f'data.{split}.pipeline'
        options.update(
            {
                f'{path}.{n}.clip_len': NUM_FRAMES
                for n, _ in steps(config, split, 'UniformSampleFrames')
            }
        )
        resizes = [n for n, _ in steps(config, split, 'Resize')]
        options[f'{path}.{resizes[-1]}.scale'] = (SIZE, SIZE)
        if len(resizes) > 1:  # in training, before the crop
            options[f'{path}.{resizes[0]}.scale'] = (-1, SIZE + 4)
    return options


def faulty(config, old):
    """The published faults: mirror pairs, limbs and their pairs, and sampled padding frames."""
    options = {'model.backbone.in_channels': old.model.backbone.in_channels}
    for split in SPLITS:
        path = f'data.{split}.pipeline'
        options.update(
            {
                f'{path}.{n}.real_frames': False
                for n, _ in steps(config, split, 'UniformSampleFrames')
            }
        )
        for kind in ('Flip', 'GeneratePoseTarget'):
            for (n, _), (_, step) in zip(steps(config, split, kind), steps(old, split, kind)):
                options[f'{path}.{n}'] = {'_delete_': True, **step.to_dict()}
    return options


def run(name, path, published=None, options=None):
    config = load_config(path)
    faults = {} if published is None else faulty(config, load_config(published))
    return dict(name=name, config=str(path), options={**short(config), **faults, **(options or {})})


seeds = [0, 1, 2]
options = {'total_epochs': 2, 'evaluation.interval': 2}
runs = [
    run('published joint', ABLATION / 'joint.py', PUBLISHED / 'joint.py'),
    run('published limb', ABLATION / 'limb.py', PUBLISHED / 'limb.py'),
    *(
        run(name.replace('_', ' '), ABLATION / f'{name}.py')
        for name in ('joint', 'limb', 'joint_motion', 'limb_motion')
    ),
    *(
        run(f'joint + {path.stem.replace("_", " ")}', path)
        for path in sorted((CONFIGS / 'longtail').glob('*.py'))
    ),
    *(
        run(f'joint + {name}', ABLATION / 'joint.py', options=options)
        for name, options in SEMANTICS.items()
    ),
]
fit_on = 'val'
ensembles = {
    'published joint + limb': ['published joint', 'published limb'],
    'joint + limb': ['joint', 'limb'],
    'four streams': ['joint', 'limb', 'joint motion', 'limb motion'],
}
