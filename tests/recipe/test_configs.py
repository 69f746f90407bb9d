"""The shipped configs of heatmap networks: published values, corrected joints, small children."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from config_files import CONFIGS, HEATMAP_CONFIGS
from goldens import GOLDEN, needs_golden
from pipelines_as_published import PIPELINES_AS_PUBLISHED
from tiny import script

import pyskl.datasets  # noqa: F401 (fills the registries)
from pyskl.datasets import Compose
from pyskl.inputs.heatmaps import HeatmapSpec
from pyskl.models import build_model
from pyskl.recipe import LrConfig, differences, load_config, read_recipe
from pyskl.skeletons import get_layout, imigue22, layout_of

PUBLISHED = CONFIGS / 'posec3d' / 'slowonly_r50_imigue_2dkp_emb20'
CORRECTED = CONFIGS / 'posec3d' / 'slowonly_r50_imigue22'
DEMO, ABLATION = CONFIGS / 'demo', CONFIGS / 'ablation'
SPLITS = ('train', 'val', 'test')
STREAMS = ('joint', 'limb', 'joint_motion', 'limb_motion')

streams = pytest.mark.parametrize('stream', ['joint', 'limb'])
all_streams = pytest.mark.parametrize('stream', STREAMS)
shipped = pytest.mark.parametrize(
    'path', HEATMAP_CONFIGS, ids=lambda p: f'{p.parent.name}/{p.stem}'
)


def recipe(folder: Path, stream: str):
    return read_recipe(load_config(folder / f'{stream}.py'))


def stage(pipeline: list[dict], kind: str) -> dict:
    return next(step for step in pipeline if step['type'] == kind)


def spec_of(target: dict) -> HeatmapSpec:
    return Compose([target]).steps[0].spec


# -- all of them -----------------------------------------------------------------------------------


@pytest.mark.parametrize('folder', [CORRECTED, ABLATION, DEMO], ids=lambda p: p.name)
def test_four_streams_are_shipped(folder):
    assert {path.stem for path in HEATMAP_CONFIGS if path.parent == folder} == {*STREAMS}


@shipped
def test_the_channels_are_as_many_as_the_model_takes(path):
    found = read_recipe(load_config(path))
    for split in SPLITS:
        target = stage(getattr(found.data, split)['pipeline'], 'GeneratePoseTarget')
        spec, num_joints = spec_of(target), layout_of(target.get('layout', 'imigue22')).num_joints
        channels = found.model['backbone']['in_channels']
        assert spec.num_channels(num_joints) == channels
        assert not spec.double or len(spec.flip_order(num_joints)) == channels


# -- as published ----------------------------------------------------------------------------------


@streams
@pytest.mark.parametrize('split', SPLITS)
def test_published_pipelines_have_the_published_stages_and_arguments(stream, split):
    ours = Compose(getattr(recipe(PUBLISHED, stream).data, split)['pipeline'])
    published = Compose(PIPELINES_AS_PUBLISHED[stream][split])
    assert list(map(repr, ours.steps)) == list(map(repr, published.steps))


@streams
def test_published_training_settings(stream):
    found = recipe(PUBLISHED, stream)
    assert found.optimizer == dict(type='SGD', lr=0.4 / 6, momentum=0.9, weight_decay=3e-4)
    assert found.optimizer_config.grad_clip is None
    assert found.lr_config == LrConfig('CosineAnnealing', by_epoch=False, min_lr=0)
    assert (found.total_epochs, found.data.videos_per_gpu) == (100, 16)
    assert found.auto_scale_lr.base_batch_size == 32
    sections = (found.checkpoint_config, found.evaluation, found.log_config)
    assert [section.interval for section in sections] == [1, 1, 20]
    assert found.evaluation.metric_names == ('top1_acc', 'top5_acc', 'mean_class_accuracy')


@streams
def test_published_models_have_the_published_size(stream):
    model = build_model(recipe(PUBLISHED, stream).model)
    assert sum(p.numel() for p in model.parameters()) == 2_172_236
    assert len(model.state_dict()) == 262
    assert model.test_cfg.average_clips == 'prob' and model.cls_head.loss_emb.loss_weight == 20.0


@needs_golden
@streams
def test_published_models_have_the_published_state_dict(stream):
    published = json.loads((GOLDEN / 'model' / 'state_dict.json').read_text())['state_dict']
    ours = build_model(recipe(PUBLISHED, stream).model).state_dict()
    assert [[key, list(value.shape), str(value.dtype)] for key, value in ours.items()] == published


def test_the_published_faults_are_kept():
    pipeline = recipe(PUBLISHED, 'limb').data.test['pipeline']
    target = stage(pipeline, 'GeneratePoseTarget')
    mirror = {frozenset(pair) for pair in get_layout('imigue22').mirror}
    assert not mirror & {frozenset(pair) for pair in zip(target['left_kp'], target['right_kp'])}
    bones = {frozenset(bone) for bone in get_layout('imigue22').bones}
    assert sum(frozenset(limb) in bones for limb in target['skeletons']) == 6
    assert (target['left_limb'], target['right_limb']) == (target['left_kp'], target['right_kp'])


# -- corrected -------------------------------------------------------------------------------------


@pytest.mark.parametrize('folder', [CORRECTED, ABLATION, DEMO], ids=lambda p: p.name)
@all_streams
def test_corrected_configs_take_joints_and_limbs_from_the_layout(folder, stream):
    found = recipe(folder, stream)
    for split in SPLITS:
        pipeline = getattr(found.data, split)['pipeline']
        target = stage(pipeline, 'GeneratePoseTarget')
        assert stage(pipeline, 'UniformSampleFrames')['real_frames'] is True
        assert target['layout'] == 'imigue22'
        assert split != 'train' or stage(pipeline, 'Flip')['layout'] == 'imigue22'
        limbs, motion = stream.startswith('limb'), stream.endswith('motion')
        assert spec_of(target) == HeatmapSpec.of(
            get_layout('imigue22'),
            with_kp=not limbs,
            with_limb=limbs,
            double=split == 'test',
            motion=motion,
        )


@pytest.mark.parametrize('first_hand', ['left', 'right'])
def test_the_limbs_and_mirror_pairs_keep_their_values(first_hand):
    """Checkpoints were trained with these; a layout that changed would make nonsense of them."""
    hands = [tuple(range(12, 17)), tuple(range(17, 22))]
    left, right = hands if first_hand == 'left' else hands[::-1]
    spec = HeatmapSpec.of(imigue22(first_hand), with_kp=False, with_limb=True)
    assert (spec.left_kp, spec.right_kp) == ((5, 6, 7, 9, 11, *left), (2, 3, 4, 8, 10, *right))
    body = zip((0, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11), (1, 1, 2, 3, 1, 5, 6, 0, 8, 0, 9))
    fingers = [(joint, 7 if joint in left else 4) for joint in range(12, 22)]
    assert spec.skeletons == (*body, *fingers)
    assert spec.left_limb == (4, 5, 6, 9, 10, *(joint - 1 for joint in left))
    assert spec.right_limb == (1, 2, 3, 7, 8, *(joint - 1 for joint in right))


def test_mirrored_test_clips_show_the_limbs_of_mirrored_training_clips():
    spec = spec_of(stage(recipe(CORRECTED, 'limb').data.test['pipeline'], 'GeneratePoseTarget'))
    joints = spec.joint_order(22)
    for limb, mirrored in enumerate(spec.limb_order()):
        assert {joints[j] for j in spec.skeletons[limb]} == set(spec.skeletons[mirrored])


@streams
def test_corrected_configs_differ_from_the_published_ones_in_the_faults_and_the_gradient_clip_alone(
    stream,
):
    lines = differences(recipe(PUBLISHED, stream).results(), recipe(CORRECTED, stream).results())
    places = {re.split('[:[]', line)[0] for line in lines}
    channels = {'model.backbone.in_channels'} if stream == 'limb' else set()
    assert places == {'data.train.pipeline', 'optimizer_config.grad_clip'} | channels


# -- the ablations and the demo --------------------------------------------------------------------


@all_streams
def test_the_ablations_configs_are_small_children_of_the_corrected_ones(stream):
    child, parent = recipe(ABLATION, stream), recipe(CORRECTED, stream)
    assert '_base_' in (ABLATION / f'{stream}.py').read_text()
    small = {'base_channels': 8, 'stage_blocks': (1, 1, 1)}
    assert child.model['backbone'] == {**parent.model['backbone'], **small}
    small = {'in_channels': 128, 'dropout': 0.2}
    assert child.model['cls_head'] == {**parent.model['cls_head'], **small}
    build_model(child.model)
    for split in SPLITS:
        ours, theirs = (getattr(found.data, split)['pipeline'] for found in (child, parent))
        assert [step['type'] for step in ours] == [step['type'] for step in theirs]
        assert stage(ours, 'UniformSampleFrames')['clip_len'] == 16
        assert [step for step in ours if step['type'] == 'Resize'][-1]['scale'] == (32, 32)


@all_streams
def test_a_demo_stream_changes_the_ablations_network_its_length_and_the_limbs_loss_alone(stream):
    lines = differences(recipe(ABLATION, stream).results(), recipe(DEMO, stream).results())
    limbs = stream.startswith('limb')
    loss = "model.cls_head.loss_cls: not given -> {'type': 'LogitAdjustedLoss', 'tau': 1.0}"
    assert {*lines} == {
        'model.backbone.conv1_kernel: not given -> [1, 3, 3]',
        'model.backbone.conv1_stride[1]: 1 -> 2',
        'model.backbone.inflate[0]: 0 -> 1',
        'model.backbone.temporal_strides[1]: 1 -> 2',
        f'total_epochs: 4 -> {10 if limbs else 9}',
        *([loss] if limbs else []),
    }
    build_model(recipe(DEMO, stream).model)


@pytest.mark.parametrize('folder', [ABLATION, DEMO], ids=lambda p: p.name)
@all_streams
def test_made_up_data_lie_apart(folder, stream):
    assert recipe(folder, stream).data.train['ann_file'] == 'data/demo/imigue_train.pkl'


def test_print_config_names_what_nothing_needs_any_more(capsys):
    script('print_config').main([str(Path(__file__).parents[1] / 'inputs' / 'user_copy.py')])
    assert '# user_copy.py: memcached is not needed any more' in capsys.readouterr().out
