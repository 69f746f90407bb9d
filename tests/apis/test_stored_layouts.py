"""Checkpoints store their layouts and are used with them, whatever a config says later."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from tiny import write_config, write_data

from pyskl.apis import TestOptions, TrainOptions, init_recognizer, test, train
from pyskl.apis.inference import test_sample
from pyskl.apis.layouts import layouts_of, stored_layout, with_stored_layouts
from pyskl.engine.checkpoint import read_checkpoint, write_checkpoint
from pyskl.recipe import read_recipe
from pyskl.skeletons import get_layout, imigue22, layout_of

FIVE = dict(
    name='five', joints=['head', 'chest', 'hip', 'left hand', 'right hand'],
    bones=[(0, 1), (2, 1), (3, 1), (4, 1)], mirror=[(3, 4)], centre='chest')  # fmt: skip

# The tiny network of limbs, its mirror pairs and limbs from a layout.
LIMBS = """
heatmap = dict(type='GeneratePoseTarget', with_kp=False, with_limb=True, layout={layout})
for steps in (train_pipeline, test_pipeline):
    drawing = [step['type'] for step in steps].index('GeneratePoseTarget')
    steps[drawing] = dict(heatmap, double=steps is test_pipeline)
model['backbone']['in_channels'] = 4
"""


def config_of(folder, layout, name):
    return write_config(folder, name, extra=LIMBS.format(layout=repr(layout)))


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A limb network trained on FIVE, and the same config with the bones in another order."""
    folder = tmp_path_factory.mktemp('run')
    write_data(folder, 16, 6)
    config = config_of(folder, FIVE, 'five.py')
    train(config, TrainOptions(validate=False), ['total_epochs=1'])
    other = dict(FIVE, bones=[(4, 1), (3, 1), (2, 1), (0, 1)])
    return folder, config, config_of(folder, other, 'other.py')


def scores_of(config, checkpoint, folder):
    options = TestOptions(checkpoint=str(checkpoint), out=str(folder / 'x.pkl'), device='cpu')
    return test(config, options).scores


def without_layouts(checkpoint, path):
    saved = read_checkpoint(checkpoint)
    del saved['meta']['layouts']
    write_checkpoint(path, saved)
    return path


def test_a_checkpoint_of_a_heatmap_network_stores_its_layout(trained):
    folder, _, _ = trained
    meta = read_checkpoint(folder / 'run' / 'latest.pth')['meta']
    assert meta['layouts'] == [layout_of(FIVE).config()]
    assert stored_layout(meta, 5) == layout_of(FIVE) and stored_layout(meta, 6) is None


def test_a_test_uses_the_layout_of_the_checkpoint_and_says_so_once(trained, tmp_path, capsys):
    folder, config, other = trained
    checkpoint = folder / 'run' / 'latest.pth'
    expected = scores_of(config, checkpoint, tmp_path)
    assert 'skeleton' not in capsys.readouterr().out
    np.testing.assert_array_equal(scores_of(other, checkpoint, tmp_path), expected)
    assert capsys.readouterr().out.count('was trained on the skeleton five') == 1

    # Without what the checkpoint stores the limbs change places, and the scores with them.
    bare = without_layouts(checkpoint, tmp_path / 'bare.pth')
    assert not np.array_equal(scores_of(other, bare, tmp_path), expected)
    assert 'skeleton' not in capsys.readouterr().out


def test_single_clips_use_the_layout_of_the_checkpoint(trained, monkeypatch):
    said = []
    logger = logging.getLogger('pyskl')
    monkeypatch.setattr(logger, 'warning', lambda text, *values: said.append(text % values))
    folder, config, other = trained
    clip = dict(
        frame_dir='a', label=0, img_shape=(240, 320), original_shape=(240, 320), total_frames=20,
        keypoint=np.random.default_rng(0).uniform(20, 200, (1, 20, 5, 2)).astype(np.float32),
        keypoint_score=np.ones((1, 20, 5), np.float32))  # fmt: skip
    drawn = []
    for own in (config, other):
        model = init_recognizer(own, folder / 'run' / 'latest.pth', 'cpu')
        drawn.append(np.asarray(test_sample(model, clip)['imgs']))
    np.testing.assert_array_equal(*drawn)
    assert len(said) == 1 and 'was trained on the skeleton five' in said[0]


def test_going_on_uses_the_layout_of_the_checkpoint_and_stores_it_again(trained, tmp_path, capfd):
    folder, config, other = trained
    checkpoint = str(folder / 'run' / 'latest.pth')
    weights = []
    for own in (config, other):
        where = tmp_path / own.stem
        options = TrainOptions(work_dir=str(where), resume=checkpoint, validate=False)
        capfd.readouterr()
        train(own, options, ['total_epochs=2'])
        said = capfd.readouterr().err.count('was trained on the skeleton five')
        assert said == (own == other)
        saved = read_checkpoint(where / 'latest.pth')
        assert saved['meta']['layouts'] == [layout_of(FIVE).config()]
        weights.append(saved['state_dict'])
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_a_start_from_other_weights_keeps_the_configs_layout_and_says_so(trained, tmp_path, capfd):
    folder, _, other = trained
    start = [f'load_from={folder}/run/latest.pth', 'total_epochs=1']
    train(other, TrainOptions(work_dir=str(tmp_path / 'new'), validate=False), start)
    said = capfd.readouterr().err
    assert said.count('was trained on the skeleton five') == 1 and "The config's is used" in said
    stored = read_checkpoint(tmp_path / 'new' / 'latest.pth')['meta']['layouts']
    assert [tuple(bone) for bone in stored[0]['bones']] == [(4, 1), (3, 1), (2, 1), (0, 1)]


# -- which layout corresponds to which -------------------------------------------------------------


def recipe(*layouts):
    """A recipe whose test pipeline names these layouts."""
    steps = [dict(type='GenSkeFeat', dataset=layout) for layout in layouts]
    return read_recipe(
        dict(data=dict(test=dict(type='PoseDataset', ann_file='x.pkl', pipeline=steps))),
        whole=False,
    )


def meant(found):
    return [layout_of(step['dataset']) for step in found.data.test['pipeline']]


OLD = dict(name='imigue22', first_hand='right')


@pytest.mark.parametrize(
    ('said', 'expected', 'notes'),
    [
        ('imigue22', imigue22('right'), 1),
        (dict(name='imigue22'), imigue22('right'), 1),
        (dict(name='imigue22', keep=[1, 4, 7]), layout_of(dict(OLD, keep=[1, 4, 7])), 1),
        (OLD, imigue22('right'), 0),
        (dict(name='imigue22', first_hand='left'), imigue22('left'), 0),
        ('coco17', get_layout('coco17'), 0),
    ],
)
@pytest.mark.parametrize('meta', [{}, {'layouts': None}, {'layouts': 3}, {'layouts': [{'x': 1}]}])
def test_a_checkpoint_without_layouts_means_the_hands_of_its_time(said, expected, notes, meta):
    found, lines = with_stored_layouts(recipe(said, said), meta, 'a.pth')
    assert meant(found) == [expected] * 2 and len(lines) == notes


@pytest.mark.parametrize(
    ('stored', 'said', 'expected'),
    [
        (['imigue22'], OLD, 'imigue22'),
        ([OLD], 'imigue22', OLD),
        ([OLD, 'coco17'], 'imigue22', OLD),
        (['ntu25'], 'openpose25', 'ntu25'),  # another name: the only one of as many joints
        (['ntu25', 'openpose25'], 'openpose25', 'openpose25'),
        (['coco17'], 'ntu25', 'ntu25'),  # no counterpart
    ],
)
def test_a_stored_layout_stands_for_that_of_its_name_or_number_of_joints(stored, said, expected):
    meta = {'layouts': [layout_of(layout).config() for layout in stored]}
    found, lines = with_stored_layouts(recipe(said), meta, 'a.pth')
    assert meant(found) == [layout_of(expected)]
    assert len(lines) == (layout_of(said) != layout_of(expected))


def test_published_tables_stay_and_are_not_stored():
    own = recipe('coco', 'nturgb+d', 'coco17')
    assert layouts_of(own) == [get_layout('coco17').config()]
    found, lines = with_stored_layouts(own, {'layouts': [get_layout('ntu25').config()]}, 'a.pth')
    assert found == own and lines == []


def test_where_joints_are_drawn_and_what_they_are_called_is_no_difference():
    stored = dict(imigue22().config(), pose=[[0.5, 0.5]] * 22, joints=[f'{j}' for j in range(22)])
    found, lines = with_stored_layouts(recipe('imigue22'), {'layouts': [stored]}, 'a.pth')
    assert lines == [] and meant(found) == [imigue22()]
