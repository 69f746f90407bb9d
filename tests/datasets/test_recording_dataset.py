"""Clips are cut out of recordings around what happens in their middle, and where nothing does."""

from __future__ import annotations

import numpy as np
import pytest

from pyskl.datasets import build_dataloader, build_dataset
from pyskl.errors import ConfigError, DataError
from pyskl.sources.synthetic.recordings import write_recordings

PIPELINE = [
    dict(type='BodyUnits2D', layout='imigue22'),
    dict(type='GenSkeFeat', dataset='imigue22', feats=['j']),
    dict(type='UniformSample', clip_len=8),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='Collect', keys=['keypoint', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['keypoint']),
]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    at = tmp_path_factory.mktemp('recordings')
    write_recordings(at, {'train': 2, 'val': 1}, 0.5, seed=1)
    return at


def made(folder, **settings):
    given = dict(lengths=[16, 48], background=32, num_classes=33, pipeline=PIPELINE)
    return build_dataset(
        {'type': 'RecordingDataset', 'recordings': str(folder), **given, **settings}
    )


def test_each_segment_is_a_clip_and_background_stands_beside(folder):
    found = made(folder, split='train', background_ratio=2.0)
    segments = [s.label for r in found.recordings for s in r.segments]
    assert found.labels[: len(segments)].tolist() == segments
    rest = found.labels[len(segments) :]
    assert (rest == 32).all() and abs(len(rest) - 2 * len(segments)) <= 1
    assert len(set(found.ids)) == len(found) and found.ids[0] == '0001_0'
    assert found.ids[-1].startswith('0002_nothing_')
    assert found.classes.names[32] == 'nothing' and found.classes.counts.sum() == len(found)


def test_the_middle_of_a_window_lies_in_what_it_is_named_after(folder):
    found = made(folder, jitter=0.0)
    np.random.seed(0)
    for index, (r, place) in enumerate(found._places):
        last = found.recordings[r].num_frames
        for _ in range(5):
            start, stop = found.window(index)
            assert 0 <= start < stop <= last
            if start and stop < last:
                assert stop - start in (16, 48)
                assert place.start <= start + (stop - start) // 2 <= place.end


def test_background_windows_have_no_gesture_in_their_middle(folder):
    found = made(folder, jitter=0.5)
    np.random.seed(1)
    for index in np.flatnonzero(found.labels == 32):
        recording = found.recordings[found._places[index][0]]
        for _ in range(5):
            start, stop = found.window(index)
            if start and stop < recording.num_frames:
                middle = start + (stop - start) // 2
                assert not any(s.start <= middle <= s.end for s in recording.segments)


def test_boundaries_jitter_by_the_share_that_was_asked_for(folder):
    found = made(folder, jitter=0.3, lengths=[16])
    np.random.seed(2)
    place = found._places[1][1]
    middles = [found.window(1)[0] + 8 for _ in range(400)]
    assert min(middles) >= place.start - 0.3 * place.num_frames - 1
    assert max(middles) <= place.end + 0.3 * place.num_frames + 1
    assert min(middles) < place.start and max(middles) > place.end


def test_test_mode_draws_nothing(folder):
    found = made(folder, test_mode=True)
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    windows = [found.window(0) for _ in range(3)]
    assert len(set(windows)) == 1 and np.array_equal(before, np.random.get_state()[1])


def test_samples_depend_on_seed_epoch_and_index_alone(folder):
    loaders = [build_dataloader(made(folder), 4, seed=7) for _ in range(2)]
    first, second = (next(loader.epoch(3)) for loader in loaders)
    assert first['keypoint'].shape == (4, 1, 1, 8, 22, 3)
    assert np.array_equal(first['keypoint'], second['keypoint'])
    assert np.array_equal(first['label'], second['label'])


def test_recordings_are_taken_and_left_out_by_name(folder):
    assert [r.name for r in made(folder, only=['0002']).recordings] == ['0002']
    assert [r.name for r in made(folder, without=['0002']).recordings] == ['0001', '0003']
    with pytest.raises(DataError):
        made(folder, only=['0009'])
    with pytest.raises(ConfigError):
        made(folder, only=['0001'], without=['0002'])


@pytest.mark.parametrize(
    'wrong',
    [
        dict(lengths=[]), dict(lengths=[1]), dict(stride=0), dict(background=40),
        dict(background_ratio=-1), dict(jitter=2), dict(fps=0),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(folder, wrong):
    with pytest.raises(ConfigError):
        made(folder, **wrong)


def test_a_class_that_the_network_lacks_is_named(folder):
    with pytest.raises(DataError):
        made(folder, num_classes=5, background=4)


def test_recordings_without_labels_cannot_be_trained_on(folder, tmp_path):
    at = tmp_path / '0001'
    at.mkdir()
    name = '0001_light_hand.csv'
    (at / name).write_bytes(next(folder.rglob(name)).read_bytes())
    with pytest.raises(DataError, match='NNNN_label.csv'):
        made(tmp_path)
