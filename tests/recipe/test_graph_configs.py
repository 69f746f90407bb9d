"""The shipped configs of graph networks: PYSKL's and ProtoGCN's settings, iMiGUE and NATOPS."""

from __future__ import annotations

import json
import re
import shutil
from functools import cache
from pathlib import Path

import pytest
from config_files import (
    CONFIGS,
    GRAPH_CONFIGS,
    GRAPH_FAMILIES,
    SPLITS,
    composed,
    config,
    family_of,
    name_of,
    recipe,
    splits_of,
    steps,
)

from pyskl.models import build_model
from pyskl.recipe import LrConfig, Recipe, load_config, read_recipe
from pyskl.recipe.stream import fill_in_stream

NTU = ('ntu60_xsub', 'ntu60_xview', 'ntu120_xsub', 'ntu120_xset')
PROTOGCN_SETS = (*NTU, 'k400', 'finegym')
PROTOGCN_STREAMS = ('b', 'bm', 'j', 'jm', 'k', 'km')

every_config = pytest.mark.parametrize('path', GRAPH_CONFIGS, ids=name_of)


# -- all of them -----------------------------------------------------------------------------------


def test_the_files_are_pyskls_and_protogcns_folders_and_ours():
    prefixes = {
        **{f: [f'{f}_pyskl_{{}}'] for f in ('stgcn', 'aagcn', 'ctrgcn', 'msg3d')},
        'stgcn++': ['stgcn++_{}'],
        **dict.fromkeys(('strong_aug', 'dgstgcn', 'sgn'), ['{}']),
    }
    expected = set()
    for family, (form,) in prefixes.items():
        kinds = ('3dkp',) if form == '{}' else ('3dkp', 'hrnet')
        expected |= {f'{family}/{form.format(f"{s}_{kind}")}' for s in NTU for kind in kinds}
    expected |= {f'stgcn/stgcn_vanilla_{s}_{k}' for s in NTU[:2] for k in ('3dkp', 'hrnet')}
    expected |= {f'protogcn/{s}/{stream}' for s in PROTOGCN_SETS for stream in PROTOGCN_STREAMS}
    ours = {*prefixes, 'protogcn'} - {'strong_aug'}
    expected |= {f'{family}/{name}' for family in ours for name in ('imigue22', 'natops')}
    shipped = [path for path in GRAPH_CONFIGS if family_of(path) in GRAPH_FAMILIES]
    assert {name_of(path).removesuffix('.py') for path in shipped} == expected


FEATURES = r'"feats": \[[^]]*\]'


@every_config
def test_every_stream_changes_the_features_and_the_folder_alone(path):
    settings = dict(config(path).to_dict())
    for stream in PROTOGCN_STREAMS:
        filled = fill_in_stream({**settings, 'stream': stream}, path.name)
        assert filled['work_dir'] == settings['work_dir'].replace('{stream}', stream)
        text, changed = json.dumps(settings['data']), json.dumps(filled['data'])
        assert changed.count(f'"feats": ["{stream}"]') == changed.count('GenSkeFeat') > 0
        assert re.sub(FEATURES, '', changed) == re.sub(FEATURES, '', text)


def test_a_stream_is_chosen_on_the_command_line():
    found = read_recipe(load_config(CONFIGS / 'sgn' / 'ntu120_xsub_3dkp.py', ['stream=jm']))
    assert found.notes == () and found.work_dir.endswith('/jm')
    for dataset in splits_of(found).values():
        assert any("'jm'" in step for step in composed(dataset['pipeline']))


IMIGUE = [path for path in GRAPH_CONFIGS if path.stem == 'imigue22' or path.parent.name == 'demo']


@pytest.mark.parametrize('path', IMIGUE, ids=name_of)
def test_the_order_of_the_hands_is_said_in_one_place(path, tmp_path):
    """Mirror pairs, bones and graph follow a changed layout of the base."""
    for folder in ('_base_', path.parent.name):
        shutil.copytree(CONFIGS / folder, tmp_path / folder)
    base = tmp_path / '_base_' / 'imigue22.py'
    other = "dict(name='imigue22', first_hand='right')"
    base.write_text(base.read_text().replace("\nlayout = 'imigue22'", f'\nlayout = {other}'))
    found = recipe(tmp_path / path.parent.name / path.name)
    assert found.notes == ()
    said = json.dumps([found.model, found.data.train, found.data.val, found.data.test])
    assert said.count('"first_hand": "right"') == said.count('"imigue22"') > 0


# -- the published ones ----------------------------------------------------------------------------


@pytest.mark.parametrize('path', [p for p in GRAPH_CONFIGS if 'ntu' in name_of(p)], ids=name_of)
def test_a_config_for_ntu_has_the_data_and_classes_of_its_name(path):
    found = recipe(path)
    classes, split, kind = re.search(r'ntu(\d+)_(x[a-z]+)(_hrnet)?', name_of(path)).groups()
    pickle = f'data/nturgbd/ntu{classes}_{"hrnet" if kind else "3danno"}.pkl'
    read = {name: (part['ann_file'], part['split']) for name, part in splits_of(found).items()}
    parts = {'train': 'train', 'val': 'val', 'test': 'val'}
    assert read == {name: (pickle, f'{split}_{part}') for name, part in parts.items()}
    assert found.model['cls_head']['num_classes'] == int(classes)
    layout = 'coco' if kind else 'nturgb+d'
    graph = found.model['backbone'].get('graph_cfg', {'layout': layout})
    assert graph['layout'] == layout and not {'num_person'} & set(found.model['backbone'])
    prepare = 'PreNormalize2D' if kind else 'PreNormalize3D'
    for part in splits_of(found).values():
        assert part['pipeline'][0]['type'] == prepare
        assert f"'{layout}'" in next(s for s in composed(part['pipeline']) if 'GenSkeFeat' in s)


RECIPES = {
    # lr, clips a step, weight decay, epochs, repeated, dropout of the temporal part
    'vanilla': (0.1, 128, 1e-4, 16, 5, 0.5),
    'pyskl': (0.1, 128, 5e-4, 16, 5, 0),
    'strong_aug': (0.1, 128, 5e-4, 24, 5, 0),
    'dgstgcn': (0.1, 64, 5e-4, 150, 1, 0),
    'protogcn': (0.025, 16, 5e-4, 150, 1, 0),
    'k400': (0.1, 64, 5e-4, 150, 1, 0),
}


def published(path: Path) -> bool:
    ours = path.stem in ('imigue22', 'natops') or family_of(path) == 'sgn'
    return family_of(path) in GRAPH_FAMILIES and not ours


@pytest.mark.parametrize('path', [p for p in GRAPH_CONFIGS if published(p)], ids=name_of)
def test_a_published_recipe_is_kept(path):
    found, words = recipe(path), name_of(path)
    kind = next((k for k in ('vanilla', 'k400', *RECIPES) if k in words), 'pyskl')
    lr, clips, decay, epochs, times, dropout = RECIPES[kind]
    assert found.optimizer == dict(
        type='SGD', lr=lr, momentum=0.9, weight_decay=decay, nesterov=kind != 'vanilla'
    )
    assert found.optimizer_config.grad_clip is None
    schedule = found.lr_config
    if kind == 'vanilla':
        assert schedule == LrConfig('step', step=[2, 10])
    else:
        assert schedule == LrConfig('CosineAnnealing', by_epoch=False, min_lr=0)
    assert (found.total_epochs, found.auto_scale_lr.base_batch_size) == (epochs, clips)
    assert found.data.videos_per_gpu == (64 if kind == 'k400' else 16)
    assert found.data.loader('test').videos_per_gpu == 1
    assert found.data.train.get('times', 1) == times
    assert found.model['backbone'].get('tcn_dropout', 0) == dropout
    assert found.evaluation.metric_names == ('top1_acc', 'top5_acc')


SIZES = {
    # parameters of the backbone: NTU RGB+D's 25 joints, COCO's 17
    'stgcn': (3_083_412, 3_073_284),
    'stgcn++': (1_387_724, 1_377_596),
    'strong_aug': (1_387_724,),
    'aagcn': (3_766_248, 3_744_808),
    'ctrgcn': (1_431_252, 1_421_076),
    'msg3d': (3_171_495, 2_952_663),
    'dgstgcn': (1_685_752,),
    'sgn': (660_908,),
    'protogcn': (4_161_504,),
}


@cache
def _size(model: str) -> tuple[int, int]:
    built = build_model(json.loads(model))
    assert built.cls_head.in_channels == built.backbone.num_features
    return tuple(sum(p.numel() for p in part.parameters()) for part in (built.backbone, built))


def size(found: Recipe) -> tuple[int, int]:
    """Return the parameters of the backbone and of all; networks that differ in classes are built
    once.
    """
    model, _ = found.model_config()
    head = {k: v for k, v in model['cls_head'].items() if k != 'weight'}
    classes, width = head.pop('num_classes'), head['in_channels']
    backbone, whole = _size(json.dumps({**model, 'cls_head': {**head, 'num_classes': 1}}))
    return backbone, whole + (classes - 1) * (width + 1)


@every_config
def test_every_model_can_be_built(path):
    backbone, whole = size(recipe(path))
    assert backbone < whole


@pytest.mark.parametrize('family', SIZES)
def test_the_backbones_have_the_published_number_of_parameters(family):
    found = set()
    for path in (p for p in GRAPH_CONFIGS if family_of(p) == family and 'ntu' in name_of(p)):
        if recipe(path).model['backbone'].get('num_prototype') != 100:
            found.add((17 if 'hrnet' in path.stem else 25, size(recipe(path))[0]))
    assert found == set(zip((25, 17), SIZES[family]))


FINISH = steps(
    ('FormatGCNInput', dict(num_person=2)),
    ('Collect', dict(keys=['keypoint', 'label'], meta_keys=[])),
    ('ToTensor', dict(keys=['keypoint'])),
)
FEATURE = ('GenSkeFeat', dict(dataset='nturgb+d', feats=['j']))
SPINE = ('PreNormalize3D', dict(align_spine=False))


@pytest.mark.parametrize(
    'name, prepare, train, sampling',
    [
        ('stgcn/stgcn_pyskl_ntu60_xsub_3dkp', ['PreNormalize3D'], [], 'UniformSample'),
        (
            'strong_aug/ntu120_xset_3dkp',
            ['PreNormalize3D'],
            [('RandomScale', dict(scale=0.1)), ('RandomRot', dict(theta=0.3))],
            'UniformSample',
        ),
        (
            'dgstgcn/ntu120_xset_3dkp',
            [SPINE],
            [('RandomRot', dict(theta=0.2))],
            'UniformSampleDecode',
        ),
        (
            'dgstgcn/ntu60_xview_3dkp',
            ['PreNormalize3D'],
            [('RandomRot', dict(theta=0.3))],
            'UniformSampleDecode',
        ),
        (
            'protogcn/ntu60_xview/j',
            [SPINE],
            [('RandomRot', dict(theta=0.2))],
            'UniformSampleDecode',
        ),
    ],
)
def test_the_pipelines_are_pyskls(name, prepare, train, sampling):
    decode = [] if sampling == 'UniformSampleDecode' else steps('PoseDecode')
    expected = {
        split: [
            *steps(*prepare, *(train if split == 'train' else []), FEATURE),
            *steps((sampling, dict(clip_len=100, num_clips=10 if split == 'test' else 1))),
            *decode,
            *FINISH,
        ]
        for split in SPLITS
    }
    for split, part in splits_of(recipe(CONFIGS / f'{name}.py')).items():
        assert composed(part['pipeline']) == composed(expected[split])


@pytest.mark.parametrize('kind', ['3dkp', 'hrnet'])
def test_the_first_stgcn_takes_all_frames_up_to_300(kind):
    prepare, layout = ('3D', 'nturgb+d') if kind == '3dkp' else ('2D', 'coco')
    expected = [
        *steps(
            f'PreNormalize{prepare}',
            ('GenSkeFeat', dict(dataset=layout, feats=['j'])),
            ('PadTo', dict(length=300, mode='zero')),
            'PoseDecode',
        ),
        *FINISH,
    ]
    found = recipe(CONFIGS / 'stgcn' / f'stgcn_vanilla_ntu60_xview_{kind}.py')
    for part in splits_of(found).values():
        assert composed(part['pipeline']) == composed(expected)


# -- ours ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'path', [p for p in GRAPH_CONFIGS if p.stem in ('imigue22', 'natops')], ids=name_of
)
def test_our_configs_are_of_one_person_and_their_layout(path):
    found = recipe(path)
    layout, joints, classes = {
        'imigue22': ('imigue22', 22, 32),
        'natops': ('natops8', 8, 6),
    }[path.stem]
    backbone, head = found.model['backbone'], found.model['cls_head']
    assert head['num_classes'] == classes
    if backbone['type'] == 'SGN':
        assert backbone['V'] == joints
    else:
        assert backbone['graph_cfg']['layout'] == layout
    for part in splits_of(found).values():
        names = composed(part['pipeline'])
        assert any('FormatGCNInput' in step and 'num_person=1' in step for step in names)
        sampled = next(s for s in part['pipeline'] if s['type'] == 'UniformSample')
        assert backbone.get('T', sampled['clip_len']) == sampled['clip_len']
        assert ('emb' in part['pipeline'][-1]['keys']) == (path.stem == 'imigue22')
