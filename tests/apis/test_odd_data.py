"""What is said, once and before it costs anything, of odd clips, labels and rates."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tiny_graph
from tiny import problem

from pyskl.annotations import read_annotations, write_annotations
from pyskl.annotations.about import About
from pyskl.apis import TrainOptions, test, train
from pyskl.apis.learning_rate import with_scaled_rate
from pyskl.apis.odd_data import (
    check_class_counts,
    check_training_clips,
    expected_of,
    issues_of_dataset,
    pose_datasets,
    same_label_warning,
)
from pyskl.apis.setup import build_split, read_run
from pyskl.datasets import Compose
from pyskl.errors import ConfigError, DataError
from pyskl.evaluation import one_sided
from pyskl.skeletons import get_layout


def rewrite(path, change, about=None):
    """Change every clip of a file."""
    data = read_annotations(path)
    clips = [{**clip, **change(clip)} for clip in data['annotations']]
    write_annotations(path, data['split'], clips, about=about)


def in_unit(clip):
    return {'keypoint': clip['keypoint'] / (320, 240)}


def too_sure(clip):
    return {'keypoint_score': clip['keypoint_score'] * 90}


@pytest.fixture
def config(tmp_path):
    return problem(tmp_path, 'total_epochs = 1\n', num_train=8, num_test=12)


# Clips
# -----------------------------------------------------------------------------------------------


def test_a_training_on_what_cannot_be_right_is_refused_unless_it_is_wanted(config, tmp_path, capfd):
    rewrite(tmp_path / 'train.pkl', in_unit)
    for dry_run in (False, True):
        with pytest.raises(DataError, match=r'data\.train.*train\.pkl(.|\n)*train_0(.|\n)*--allow'):
            train(config, TrainOptions(dry_run=dry_run))
    assert not (tmp_path / 'run').exists()
    for option, changes in ((True, []), (False, ['allow_odd_data=True'])):
        capfd.readouterr()
        train(config, TrainOptions(allow_odd_data=option, dry_run=True), changes)
        assert capfd.readouterr().err.count('look normalised') == 1


def test_nothing_is_said_of_good_clips(config, tmp_path):
    tiny_graph.write_space(tmp_path, 8, 4)
    space = tiny_graph.write_config(tmp_path, in_space=True)
    for good in (config, tiny_graph.write_config(tmp_path, 'flat.py'), space):
        recipe = read_run(good).recipe
        splits = [build_split(recipe, split) for split in ('train', 'val')]
        assert [o for data in splits for o in issues_of_dataset(data, 'data')] == []
        assert check_training_clips(recipe, *splits, allowed=False) == []


def test_what_is_odd_in_train_is_not_told_again_of_val(config, tmp_path):
    rewrite(tmp_path / 'train.pkl', too_sure)
    rewrite(tmp_path / 'val.pkl', lambda clip: {**too_sure(clip), 'img_shape': (24, 32)})
    train(config)
    (log,) = (tmp_path / 'run').glob('*.log')
    said = [line for line in log.read_text().splitlines() if ' - WARNING - data.' in line]
    assert ['data.train' in line for line in said] == [True, False]
    assert 'outside 0..1 in 8 clips' in said[0] and 'outside the picture' in said[1]


def test_a_test_says_it_too(config, tmp_path, capsys):
    train(config)
    rewrite(tmp_path / 'test.pkl', in_unit)
    capsys.readouterr()
    test(config)
    said = capsys.readouterr().out
    assert said.count('look normalised') == 1
    assert 'warning: data.test' in said and 'test.pkl, 12 clips)' in said


def test_what_looks_odd_is_told_where_the_pipeline_refuses_the_clips(config, tmp_path, capfd):
    def turned(clip):
        long = np.concatenate([clip['keypoint']] * 2, 1).swapaxes(1, 2)[:, :4]
        return {'keypoint': long, 'keypoint_score': None, 'total_frames': None}

    rewrite(tmp_path / 'train.pkl', turned)
    with pytest.raises((DataError, ConfigError)):
        train(config)
    assert 'Axes 1 and 2' in capfd.readouterr().err


def test_a_layout_that_the_data_contradict_is_told(config, tmp_path, capfd):
    names = ['head', 'chest', 'hip', 'left hand', 'right hand']
    rest = dict(bones=[(0, 1), (1, 2), (3, 1), (4, 1)], mirror=[(3, 4)], centre=1)
    said = dict(name='mine', joints=[*names[:3], *names[:2:-1]], **rest)
    rewrite(tmp_path / 'train.pkl', lambda clip: {}, About(layout=said))
    layout = dict(name='five', joints=names, **rest)
    flip = f'data["train"]["pipeline"][6] = dict(type="Flip", flip_ratio=0.5, layout={layout})\n'
    config.write_text(config.read_text() + flip)
    train(config, TrainOptions(dry_run=True))
    assert "joint 3 is 'right hand' there and 'left hand' here" in capfd.readouterr().err


HEATMAP = dict(type='GeneratePoseTarget', with_kp=True, with_limb=False)
COCO, NTU = get_layout('coco17'), get_layout('ntu25')


def own_step(results):
    return results


@pytest.mark.parametrize(
    ('steps', 'in_pixels', 'by', 'layout'),
    [
        ([dict(type='PoseCompact'), HEATMAP], True, 'GeneratePoseTarget', None),
        ([dict(HEATMAP, layout='coco17')], True, 'GeneratePoseTarget', COCO),
        ([dict(type='Flip', layout='coco17'), dict(type='PreNormalize2D')], True, 'Flip', COCO),
        ([dict(type='PreNormalize2D'), dict(type='GenSkeFeat', dataset='coco17')], True,
            'PreNormalize2D', COCO),
        ([dict(type='PreNormalize2D', mode='auto')], False, None, None),
        ([dict(type='PreNormalize3D'), dict(type='GenSkeFeat', dataset='ntu25')], False, None, NTU),
        ([own_step, dict(HEATMAP, layout='coco17')], False, None, None),
        ([dict(type='BoneVectors', layout='coco17'), HEATMAP], True, 'GeneratePoseTarget', COCO),
    ],
)  # fmt: skip
def test_a_pipeline_tells_what_it_takes_its_clips_for(steps, in_pixels, by, layout):
    expected = expected_of(Compose(steps))
    assert expected.in_pixels is in_pixels and (by is None or expected.by == by)
    assert (expected.layout and expected.layout.joints) == (layout and layout.joints)


def test_all_files_of_joined_and_repeated_data_are_looked_at(config):
    inner = 'dict(type="RepeatDataset", times=2, dataset=data["train"])'
    joined = f'data["train"] = dict(type="ConcatDataset", datasets=[{inner}, data["val"]])\n'
    config.write_text(config.read_text() + joined)
    found = pose_datasets(build_split(read_run(config).recipe, 'train'))
    assert [data.ann_file.rsplit('/')[-1] for data in found] == ['train.pkl', 'val.pkl']
    assert list(pose_datasets([1, 2])) == []


# Classes
# ---------------------------------------------------------------------------------------------


def classes(counts, num_classes=3, val=None, multi_class=False):
    """The lines about a training set with so many clips of each class."""
    head = SimpleNamespace(num_classes=num_classes, multi_class=multi_class)
    train = SimpleNamespace(classes=SimpleNamespace(counts=np.array(counts)))
    val = None if val is None else SimpleNamespace(truth=np.array(val))
    return check_class_counts(SimpleNamespace(filename='c.py'), head, train, val)


def test_one_class_is_nothing_to_learn():
    with pytest.raises(ConfigError, match='num_classes = 1'):
        classes([9], 1)
    assert classes([9], 1, multi_class=True) == []
    (line,) = classes([0, 9])
    assert 'all 9 clips are of class 1, of 3 classes' in line
    assert classes([0, 9], multi_class=True) != [line]


def test_classes_without_clips_are_counted_where_most_are():
    assert classes([5, 1], 4) == classes([5, 1, 0], 3) == classes([5, 1, 1], 3) == []
    (line,) = classes([0, 4, 0, 1], 60)
    assert '58 of 60 classes have no clip' in line and 'class 1: 4 clips, class 3: 1 clip' in line


def test_labels_that_are_all_one_are_no_truth():
    assert '3 clips have the label 0' in same_label_warning(np.zeros(3, int), 3, 'data.test')
    for labels in ([0], [0, 1, 0], [-1, -1], [[0, 1], [0, 1]]):
        assert same_label_warning(np.array(labels), 3, 'data.test') is None
    (line,) = classes([1, 2, 1], val=[2, 2])
    assert line.startswith('data.val')


# Answers
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('answers', 'labels', 'said'),
    [
        ([1] * 20, [0, 1] * 10, True),
        ([1] * 19 + [0], [0, 1] * 10, False),  # 95 %
        ([1] * 39 + [0], [0, 1] * 20, True),
        ([1] * 20, [1] * 20, False),
        ([1] * 20, [1] * 19 + [0], True),  # as much as 95 % is not over it
        ([1] * 9, [0] * 9, False),
    ],
)
def test_one_class_that_takes_nearly_all_answers_is_told(answers, labels, said):
    scores = np.eye(3)[answers]
    line = one_sided(scores, np.array(labels))
    assert (line is not None) is said
    if said:
        assert f'class 1 gets {answers.count(1)} of {len(answers)} answers' in line
    assert one_sided(scores, np.eye(3, dtype=int)[labels]) is None


def test_clips_that_nothing_tells_apart_are_told_once_a_run_and_in_the_test(tmp_path, capsys):
    config = problem(tmp_path, num_train=8, num_test=12)
    one = read_annotations(tmp_path / 'val.pkl')['annotations'][0]['keypoint']
    for name in ('val', 'test'):
        label = {'label': 0} if name == 'test' else {}
        rewrite(tmp_path / f'{name}.pkl', lambda clip, label=label: {'keypoint': one, **label})
    train(config)  # two epochs, both judged
    (log,) = (tmp_path / 'run').glob('*.log')
    assert log.read_text().count(' gets 12 of 12 answers, but 4 of the labels') == 1
    test(config)
    assert 'warning: data.test: all 12 clips have the label 0' in capsys.readouterr().out


# Rates
# -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('world', 'changes', 'said'),
    [
        (1, {}, 'clips need 0.00375'),
        (4, {}, 'clips need 0.015'),
        (8, {}, None),
        (1, {'optimizer': dict(_delete_=True, type='AdamW', lr=0.03)}, None),
        (1, {'auto_scale_lr': dict(base_batch_size=8)}, None),
    ],
)
def test_a_rate_for_eight_gpus_is_told_for_fewer(config, world, changes, said):
    run = read_run(config, {'auto_scale_lr': None, **changes})
    recipe, (first, *more) = with_scaled_rate(run.recipe, False, world)
    assert recipe.optimizer['lr'] == 0.03 and f'Total batch: {8 * world} clips' in first[1]
    assert len(more) == (said is not None) and all(said in line for _, line in more)


# --dry-run
# -------------------------------------------------------------------------------------------


def test_a_dry_run_shows_what_coordinates_and_heatmaps_reach(config, tmp_path, capsys):
    rewrite(tmp_path / 'train.pkl', lambda clip: {'keypoint': clip['keypoint'] * 0 + 50})
    train(config, TrainOptions(dry_run=True))
    said = capsys.readouterr().out
    assert 'train.pkl, 8 clips: x and y 50 to 50, scores 0.9 to 0.9, 100% of the joints' in said
    assert 'img_shape (240, 320)' in said and 'imgs 0 to 0.' in said and 'label 0 to 2' in said
