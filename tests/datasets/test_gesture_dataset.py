"""GestureDataset takes the clips and frames that the published one takes, and scores them alike."""

from __future__ import annotations

import ast
import pickle

import numpy as np
import pytest
from goldens import below, small

from pyskl.datasets import DATASETS, GestureDataset, build_dataset
from pyskl.errors import ConfigError, DataError
from pyskl.labels import GESTURE_LABELS

GOLDEN = small('pipeline/gesture_dataset.npz')
KEYS = ['keypoint', 'label', 'total_frames', 'frame_dir']
PIPELINE = [dict(type='Collect', keys=KEYS)]


def annotations() -> list[dict]:
    clips = []
    for i in range(5):
        fields = below(GOLDEN, f'GestureDataset/input{i}')
        clips.append({k: v.item() if v.ndim == 0 else v for k, v in fields.items()})
    return clips


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp('gestures') / 'hands.pkl'
    split = dict(train=['c0', 'c1', 'c4'], val=['c2'], test=['h3', 'c2'])
    path.write_bytes(pickle.dumps({'split': split, 'annotations': annotations()}))
    return path


@pytest.mark.parametrize(
    'name, settings',
    [
        ('train', dict(split='train')),
        ('train,valid_frames_thr=4', dict(split='train', valid_frames_thr=4)),
        ('train+val', dict(split='train+val')),
        ('test', dict(split='test')),
        ('test,3D,squeeze=False', dict(split='test', mode='3D', squeeze=False)),
        ('train,subset=[3,19]', dict(split='train', subset=[3, 19])),
    ],
)
def test_clips_and_frames_are_the_published_ones(name, settings, file):
    golden = {k.rpartition('/')[2]: v for k, v in GOLDEN.items() if f'({name})/' in k}
    dataset = GestureDataset(file, PIPELINE, test_mode=True, **settings)
    assert list(dataset.ids) == golden['names'].tolist()
    items = [dataset[i] for i in range(len(dataset))]
    assert [item['total_frames'] for item in items] == golden['total_frames'].tolist()
    shapes = [ast.literal_eval(shape) for shape in golden['shapes'].tolist()]
    assert [item['keypoint'].shape for item in items] == shapes
    np.testing.assert_array_equal(items[0]['keypoint'], golden['first'])


def test_a_clip_holds_what_the_published_one_holds_and_no_score(file):
    seen = []
    dataset = GestureDataset(
        file, [lambda results: seen.append(dict(results)) or results], split='train', test_mode=True
    )
    dataset[0]
    keys = set(GOLDEN['GestureDataset/item/keys'].tolist())
    assert set(seen[0]) == keys | {'emb', 'filename', 'start_frame'}
    assert seen[0]['modality'] == 'Pose' and seen[0]['start_index'] == 0 and seen[0]['test_mode']
    kept = annotations()[0]['keypoint'][0, :, :, 2].max(1) > 0
    for name in ('hand_score', 'hand_lr'):
        np.testing.assert_array_equal(seen[0][name], annotations()[0][name][:, kept])


@pytest.mark.parametrize('threshold', [0, 1])
def test_accuracies_are_the_published_ones(threshold, file):
    dataset = GestureDataset(file, PIPELINE, split='train+val', valid_frames_thr=threshold)
    assert list(dataset.ids) == GOLDEN['GestureDataset/evaluate/order'].tolist()
    name = f'GestureDataset/evaluate{f"(valid_frames_thr={threshold})" if threshold else ""}'
    found = dataset.evaluate(GOLDEN['GestureDataset/scores/s'])
    assert set(found) == {'top1_acc', 'top5_acc'}
    for metric, value in found.items():
        assert value == pytest.approx(float(GOLDEN[f'{name}/{metric}']))


def test_a_score_that_the_file_has_stays_and_frames_go_from_it_too(tmp_path):
    clip = annotations()[0]
    clip['keypoint_score'] = np.random.default_rng(0).random((1, 6, 21))
    del clip['valid_frames']
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps([clip]))
    dataset = GestureDataset(tmp_path / 'x.pkl', [dict(type='PoseDecode')])
    assert dataset[0]['keypoint_score'].shape == (1, 5, 21)
    assert dataset[0]['valid_frames'] == 5


def test_a_clip_that_never_shows_a_hand_stays_whole(tmp_path):
    clip = annotations()[0]
    clip['keypoint'] = -np.abs(clip['keypoint'])
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps([clip]))
    assert GestureDataset(tmp_path / 'x.pkl', PIPELINE)[0]['keypoint'].shape == (1, 6, 21, 2)


def test_the_forty_names_are_the_published_ones_in_class_order():
    assert GOLDEN['GestureDataset/labels/names'].tolist() == list(GESTURE_LABELS)


def test_it_is_built_from_a_config_and_refuses_what_it_does_not_know(file):
    cfg = dict(type='GestureDataset', ann_file=str(file), pipeline=PIPELINE, split='test')
    assert len(build_dataset(cfg)) == 2
    for wrong in (dict(mode='4D'), dict(subset=[1], only_classes=[1]), dict(squeese=True)):
        with pytest.raises(ConfigError):
            DATASETS.build({**cfg, **wrong}, 'dataset')
    with pytest.raises(DataError, match="no split 'tset'.*Did you mean test"):
        GestureDataset(file, PIPELINE, split='train+tset')
    with pytest.raises(DataError, match='valid_frames_thr = 9'):
        GestureDataset(file, PIPELINE, valid_frames_thr=9).evaluate(np.zeros((5, 40)))


def test_a_wrong_clip_is_named(tmp_path):
    clip = annotations()[0]
    for change in (dict(keypoint=np.zeros((6, 21, 3))), dict(keypoint=None), dict(label='x')):
        (tmp_path / 'x.pkl').write_bytes(pickle.dumps([{**clip, **change}]))
        with pytest.raises(DataError, match='x.pkl: clip c0'):
            GestureDataset(tmp_path / 'x.pkl', PIPELINE)
