"""Long-tailed classes: how often each is seen in an epoch, and clips of some classes alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_clips import made_clip

from pyskl.annotations import write_annotations
from pyskl.datasets import ConcatDataset, PoseDataset, RepeatDataset, TrainBatches, build_dataset
from pyskl.datasets.balance import repeats
from pyskl.errors import ConfigError, DataError

COUNTS = (90, 30, 5, 1)
class_sizes = st.lists(st.integers(0, 300), min_size=1, max_size=8).filter(any)


def labels_of(counts) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


def seen(labels: np.ndarray, class_prob: np.ndarray) -> np.ndarray:
    batches = TrainBatches(len(labels), 16, labels=labels, class_prob=class_prob)
    return np.bincount(
        labels[[i for batch in batches for _, i in batch]], minlength=labels.max() + 1
    )


@given(class_sizes, st.sampled_from(['balanced', 'sqrt']))
def test_an_epoch_keeps_its_number_of_clips(counts, rule):
    labels = labels_of(counts)
    classes = np.count_nonzero(counts)
    assert abs(seen(labels, repeats(labels, rule)).sum() - len(labels)) <= classes


@given(class_sizes)
def test_balanced_classes_are_seen_equally_often(counts):
    labels = labels_of(counts)
    times = seen(labels, repeats(labels, 'balanced'))
    there = np.bincount(labels) > 0
    assert np.ptp(times[there]) <= 1 and not times[~there].any()


def test_sqrt_classes_are_seen_as_the_root_of_their_number():
    labels = labels_of((10000, 400, 100))
    times = seen(labels, repeats(labels, 'sqrt'))
    np.testing.assert_allclose(times / times.sum(), np.array([100, 20, 10]) / 130, atol=1e-3)
    np.testing.assert_allclose(repeats(np.array([0, 0, 0, 1]), 'balanced'), [2 / 3, 2])


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    """A pickle of 126 clips of four classes, 90 : 30 : 5 : 1."""
    folder = tmp_path_factory.mktemp('tail')
    annotations = [
        made_clip(1, 6, 5, missing=0, seed=i, frame_dir=f'c{i}', label=int(k))
        for i, k in enumerate(labels_of(COUNTS))
    ]
    write_annotations(
        folder / 'all.pkl', {'train': [a['frame_dir'] for a in annotations]}, annotations
    )
    return folder / 'all.pkl'


PIPELINE = [
    dict(type='UniformSampleFrames', clip_len=4),
    dict(type='PoseDecode'),
    dict(type='Collect', keys=['keypoint', 'label']),
]


def dataset(file, **more) -> PoseDataset:
    return build_dataset(
        dict(type='PoseDataset', ann_file=str(file), pipeline=PIPELINE, split='train', **more)
    )


def test_a_dataset_takes_the_rule_by_its_name(file):
    assert seen(labels_of(COUNTS), dataset(file, class_prob='balanced').class_prob).tolist() == [
        31,
        31,
        31,
        31,
    ]
    assert np.diff(seen(labels_of(COUNTS), dataset(file, class_prob='sqrt').class_prob)).max() < 0


def test_datasets_in_a_row_are_balanced_together(file):
    both = ConcatDataset(
        [
            dataset(file, class_prob='balanced', only_classes=[0, 2]),
            dataset(file, class_prob='balanced', without_classes=[0, 2]),
        ]
    )
    np.testing.assert_allclose(np.bincount(both.labels) * both.class_prob, 126 / 4)
    twice = RepeatDataset(dataset(file, class_prob='balanced'), times=2)
    assert np.ptp(seen(twice.labels, twice.class_prob)) <= 1
    with pytest.raises(ConfigError, match='disagree about class_prob'):
        ConcatDataset([dataset(file, class_prob='balanced'), dataset(file)])
    with pytest.raises(ConfigError, match='disagree about class_prob'):
        ConcatDataset([dataset(file, class_prob='balanced'), dataset(file, class_prob='sqrt')])


def test_clips_of_some_classes_keep_their_labels(file):
    only, without = dataset(file, only_classes=[2, 1]), dataset(file, without_classes=[1, 2])
    assert (
        set(only.labels) == {1, 2}
        and set(without.labels) == {0, 3}
        and len(only) + len(without) == 126
    )
    assert (
        sorted([*only.ids, *without.ids]) == sorted(dataset(file).ids)
        and len({only.fingerprint, without.fingerprint}) == 2
    )
    assert only[0]['label'] == 1 and without.sample(90)['label'] == 3
    assert len(dataset(file, without_classes=[])) == 126


@pytest.mark.parametrize(
    'setting, error, words',
    [
        (
            dict(class_prob='balancd'),
            ConfigError,
            "'balancd' is unknown. Known: balanced, sqrt. Did you mean balanced?",
        ),
        (
            dict(only_classes=[0], without_classes=[1]),
            ConfigError,
            'only_classes and without_classes are both given',
        ),
        (
            dict(only_classes=[-1]),
            ConfigError,
            'only_classes = [-1]: there is no class -1; expected numbers from 0.',
        ),
        (
            dict(without_classes=[4], num_classes=4),
            ConfigError,
            'there is no class 4; expected numbers from 0 to 3.',
        ),
        (dict(only_classes=2), ConfigError, 'only_classes = 2: expected a list'),
        (dict(only_classes=[9]), DataError, "no clips in split 'train' of the classes [9]"),
        (
            dict(without_classes=[0, 1, 2, 3]),
            DataError,
            "no clips in split 'train' but of the classes [0, 1, 2, 3]",
        ),
    ],
)
def test_classes_that_cannot_be_meant_are_named(file, setting, error, words):
    with pytest.raises(error) as raised:
        dataset(file, **setting)
    assert words in str(raised.value)
