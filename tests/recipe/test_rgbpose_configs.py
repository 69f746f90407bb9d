"""The configs of RGBPose-Conv3D: PYSKL's pipelines and recipes, iMiGUE's, and small ones."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from config_files import (
    CONFIGS,
    RGBPOSE_CONFIGS,
    family_of,
    name_of,
    published_stages,
    recipe,
    splits_of,
    stages_of,
)
from tiny import script

from pyskl.datasets.pipelines import MMUniformSampleFrames
from pyskl.models import build_model
from pyskl.recipe import load_config
from pyskl.registry import RECOGNIZERS
from pyskl.scores.score_file import load_scores
from pyskl.sources.synthetic import write_video_data

FOLDER = CONFIGS / 'rgbpose_conv3d'
every_config = pytest.mark.parametrize('path', RGBPOSE_CONFIGS, ids=name_of)
PUBLISHED = published_stages('pipelines_rgbpose.json')


@cache
def model_of(path):
    return build_model(recipe(path).model_config()[0])


@every_config
def test_pipelines_give_what_the_model_takes(path):
    takes = RECOGNIZERS.get(recipe(path).model['type']).takes
    for split, dataset in splits_of(recipe(path)).items():
        (collect,) = (step for step in dataset['pipeline'] if step['type'] == 'Collect')
        assert {*takes, 'label'} <= {*collect['keys']}, split


@pytest.mark.parametrize('use', sorted(PUBLISHED))
def test_the_pipelines_are_pyskls_stage_by_stage(use):
    name, _, split = use.partition('/')[2].partition(':')
    assert stages_of(FOLDER / f'{name}.py')[split] == PUBLISHED[use]


def test_both_are_trained_as_pictures_alone_are_and_tested_as_published():
    """The training of both has no copy: pictures' augmentation, then what testing does."""
    ours = stages_of(FOLDER / 'rgbpose_conv3d.py')['train']
    pictures = PUBLISHED['rgbpose_conv3d/rgb_only:train']
    tested = PUBLISHED['rgbpose_conv3d/rgbpose_conv3d:val']
    assert ours[0] == tested[0]
    assert [kind for kind, _ in ours[:7]] == [kind for kind, _ in pictures[:7]]
    assert ours[1:6] == pictures[1:6]
    assert ours[7:] == tested[4:]


@pytest.mark.parametrize(
    ('name', 'lr', 'clips', 'decay', 'epochs', 'times', 'batch'),
    [
        ('pose_only', 0.2, 128, 3e-4, 18, 10, 16),
        ('rgb_only', 0.15, 96, 1e-4, 18, 10, 12),
        ('rgbpose_conv3d', 0.0075, 48, 1e-4, 20, 1, 6),
    ],
)
def test_the_recipe_is_pyskls(name, lr, clips, decay, epochs, times, batch):
    found = recipe(FOLDER / f'{name}.py')
    sgd = dict(type='SGD', lr=lr, momentum=0.9, weight_decay=decay)
    assert {key: found.optimizer[key] for key in sgd} == sgd
    assert not found.optimizer.get('nesterov')
    assert found.auto_scale_lr.base_batch_size == clips
    assert found.total_epochs == epochs and found.data.train.get('times', 1) == times
    assert found.data.videos_per_gpu == batch
    assert vars(found.optimizer_config.grad_clip) == dict(max_norm=40, norm_type=2)
    policy, steps = ('step', [12, 16]) if name == 'rgbpose_conv3d' else ('CosineAnnealing', None)
    assert (found.lr_config.policy, found.lr_config.step) == (policy, steps)


@pytest.mark.parametrize(('stream', 'channels'), [('joint', 22), ('limb', 21)])
def test_imigues_draw_as_many_maps_as_the_network_takes_and_embed_poses_alone(stream, channels):
    model = recipe(FOLDER / f'imigue22_{stream}.py').model
    assert model['backbone']['pose_pathway']['in_channels'] == channels
    assert model['cls_head']['num_classes'] == 32
    assert model['cls_head']['emb_components'] == ['pose']
    for stages in stages_of(FOLDER / f'imigue22_{stream}.py').values():
        target = dict(stages)['GeneratePoseTarget']
        assert (target['with_kp'], target['with_limb']) == (stream == 'joint', stream == 'limb')


def test_heatmaps_have_a_frame_for_each_that_the_network_expects():
    for path in RGBPOSE_CONFIGS:
        backbone = recipe(path).model['backbone']
        if backbone['type'] != 'RGBPoseConv3D':
            continue
        for dataset in splits_of(recipe(path)).values():
            (sample,) = (s for s in dataset['pipeline'] if s['type'] == 'MMUniformSampleFrames')
            lengths = sample['clip_len']
            assert lengths['Pose'] == backbone['speed_ratio'] * lengths['RGB']


def test_the_small_network_of_both_is_the_two_others_side_by_side():
    both, rgb, pose = (model_of(FOLDER / 'demo' / f'{n}.py') for n in ('rgbpose', 'rgb', 'pose'))
    for path, alone in ((both.backbone.rgb_path, rgb), (both.backbone.pose_path, pose)):
        shapes = {
            name: value.shape for name, value in path.state_dict().items() if 'lateral' not in name
        }
        own = {name: value.shape for name, value in alone.backbone.state_dict().items()}
        assert shapes.keys() == own.keys()
        wider = [name for name in own if shapes[name] != own[name]]
        # where the other pathway's features come in
        assert all('.0.conv1.conv.' in name or '.0.downsample.conv.' in name for name in wider)


def test_each_small_config_reads_no_more_than_it_needs():
    names = {}
    for name in ('rgb', 'pose', 'rgbpose'):
        first = splits_of(recipe(FOLDER / 'demo' / f'{name}.py'))['train']['pipeline'][0]
        step = MMUniformSampleFrames(**{k: v for k, v in first.items() if k != 'type'})
        names[name] = step.reads_video
    assert names == dict(rgb=True, pose=False, rgbpose=True)


def test_every_config_of_the_folder_is_looked_at_here():
    assert {family_of(path) for path in RGBPOSE_CONFIGS} == {'rgbpose_conv3d'}
    assert len(RGBPOSE_CONFIGS) == len(list(FOLDER.rglob('*.py'))) == 8


# -- the road --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_pictures_and_key_points_go_the_whole_road(tmp_path, capsys):
    """Made, trained, gone on with, tested, blended, reported: all by the commands."""
    data, work = tmp_path / 'data', tmp_path / 'work'
    write_video_data(data, 16, 8, 8)
    config = tmp_path / 'both.py'
    config.write_text(
        f'_base_ = [{str(FOLDER / "demo" / "rgbpose.py")!r}]\n'
        f'files = dict(ann_file={str(data / "annotations.pkl")!r}, '
        f'data_prefix={str(data / "videos")!r})\n'
        'data = dict(videos_per_gpu=4, train=dict(**files), val=dict(**files), '
        'test=dict(**files))\n'
        'total_epochs = 2\nevaluation = dict(interval=1)\n'
    )
    train = script('train').main
    assert train([str(config), '--work-dir', str(work)]) in (None, 0)
    again = tmp_path / 'again'
    resume = ['--resume', str(work / 'epoch_1.pth')]
    assert train([str(config), '--work-dir', str(again), *resume]) in (None, 0)
    assert script('test').main([str(config), '--work-dir', str(work)]) in (None, 0)
    assert script('test').main([str(config), '--work-dir', str(again)]) in (None, 0)

    both = load_scores(work / 'scores.npz').scores
    assert both.shape == (8, 8) and np.allclose(both.sum(1), 1, atol=1e-5)
    assert np.array_equal(both, load_scores(again / 'scores.npz').scores)
    rgb, pose = (load_scores(f'{work / "scores.npz"}:{name}').scores for name in ('rgb', 'pose'))
    assert np.allclose(both, (rgb + pose) / 2, atol=1e-6)

    page = tmp_path / 'page.html'
    report = ['--pictures', '--occlusion', '--occlusion-clips', '1', '-o', str(page)]
    script('report').main([str(work), *report])
    text = page.read_text()
    assert text.count('/9j/') >= 8  # a JPEG a clip
    picture = tmp_path / 'heat.png'
    name = load_scores(work / 'scores.npz').ids[0]
    script('visualize').main(['heatmap', str(config), name, '-o', str(picture)])
    assert picture.stat().st_size > 0
    assert load_config(config) is not None
