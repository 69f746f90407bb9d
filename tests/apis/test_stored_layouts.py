"""Checkpoints store their layouts and are used with them, whatever a config says later."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from run_files import assert_same_checkpoint
from tiny import write_config, write_data

from pyskl.annotations import open_annotations
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
    return test(config, TestOptions(str(checkpoint), out=str(folder / 'x.pkl'))).scores


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
    saved = read_checkpoint(checkpoint)
    del saved['meta']['layouts']
    write_checkpoint(tmp_path / 'bare.pth', saved)
    assert not np.array_equal(scores_of(other, tmp_path / 'bare.pth', tmp_path), expected)
    assert 'skeleton' not in capsys.readouterr().out


def test_single_clips_use_the_layout_of_the_checkpoint(trained, capfd):
    folder, *configs = trained
    clip, drawn = open_annotations(folder / 'test.pkl')[0], []
    for config in configs:
        model = init_recognizer(config, folder / 'run' / 'latest.pth', 'cpu')
        drawn.append(test_sample(model, clip)['imgs'].draw())
    assert torch.equal(*drawn)
    assert capfd.readouterr().err.count('was trained on the skeleton five') == 1


def test_going_on_uses_the_layout_of_the_checkpoint_and_stores_it_again(trained, tmp_path, capfd):
    folder, *configs = trained
    latest = f'{folder}/run/latest.pth'
    for number, config in enumerate(configs):
        options = TrainOptions(work_dir=f'{tmp_path}/{number}', resume=latest, validate=False)
        capfd.readouterr()
        train(config, options, ['total_epochs=2'])
        assert capfd.readouterr().err.count('was trained on the skeleton five') == number
        stored = read_checkpoint(f'{tmp_path}/{number}/latest.pth')['meta']['layouts']
        assert stored == [layout_of(FIVE).config()]
    assert_same_checkpoint(f'{tmp_path}/0/latest.pth', f'{tmp_path}/1/latest.pth')


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
    data = dict(test=dict(type='PoseDataset', ann_file='x.pkl', pipeline=steps))
    return read_recipe(dict(data=data), whole=False)


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
