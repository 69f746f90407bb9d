"""Recordings of every form are read whole, with what their label files say; what is odd is told."""

from pathlib import Path

import imigue_release
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from raw_forms import made_up, smg

from pyskl.annotations import make_annotation, write_annotations
from pyskl.annotations.segments import Segment
from pyskl.errors import DataError, UserError
from pyskl.sources.imigue.labels import class_of
from pyskl.sources.recordings import find_recordings, id_of_class
from pyskl.sources.synthetic.recordings import write_recordings


def read(*paths: Path, **how):
    return [file.read() for file in find_recordings(paths, **how)]


def spans(recording) -> list[tuple[int, int, int]]:
    return [(s.start, s.end, s.label) for s in recording.segments]


def test_a_video_of_the_csv_release_is_read_whole(tmp_path):
    imigue_release.video(tmp_path / 'imigue_skeleton_train' / '0187', num_frames=12)
    (found,) = read(tmp_path)
    assert (found.name, found.num_frames, found.first) == ('0187', 12, 0)
    assert found.keypoint.shape == (1, 12, 22, 2) and found.score.shape == (1, 12, 22)
    assert found.keypoint[0, :, 0, 0].tolist() == [960.0 + t for t in range(12)]
    assert spans(found) == [(1, 4, 2), (5, 9, 31)] and found.notes == ()


def test_frames_are_counted_as_the_file_does(tmp_path):
    table = imigue_release.rows(imigue_release.points(12), first=1)
    imigue_release.video(tmp_path, labels=((3, 1, 4),), table=table)
    (found,) = read(tmp_path)
    assert found.first == 1 and spans(found) == [(1, 4, 2)]
    assert found.cut(0, 3)['frame_dir'] == '0187@1'


@pytest.mark.parametrize(
    'labels, kept, notes',
    [
        (((3, 1, 4), (4, 10, 50), (5, 60, 70), (6, 8, 7)), [(1, 4, 2), (10, 11, 3)], 3),
        (((3, 1, 6), (4, 4, 9), (3, 1, 6)), [(1, 6, 2), (1, 6, 2), (4, 9, 3)], 0),  # overlapping
        (((3, 0, 0),), [(0, 0, 2)], 0),
    ],
)
def test_labels_beyond_the_end_are_cut_and_told(labels, kept, notes, tmp_path):
    imigue_release.video(tmp_path, labels=labels)
    (found,) = read(tmp_path)
    assert spans(found) == kept and len(found.notes) == notes
    assert all('0187_label.csv' in note for note in found.notes)


def test_frames_that_a_file_lacks_show_nobody_and_nan_is_a_missing_joint(tmp_path):
    table = imigue_release.rows(imigue_release.points(12))
    table[3][1] = 'nan'
    del table[5:7]
    imigue_release.video(tmp_path, table=table)
    (found,) = read(tmp_path)
    assert found.num_frames == 12 and np.flatnonzero(~found.shown()).tolist() == [5, 6]
    assert not found.keypoint[0, 3, 0].any() and found.score[0, 3, 0] == 0
    assert len(found.notes) == 1


def test_a_frame_number_far_away_is_no_reason_to_fill_the_memory(tmp_path):
    table = imigue_release.rows(imigue_release.points(12))
    table[-1][0] = '999999999'
    imigue_release.video(tmp_path / '0187', table=table)
    with pytest.raises(DataError, match='999999999'):
        read(tmp_path)


def test_a_recording_without_labels_has_no_truth(tmp_path):
    imigue_release.video(tmp_path / 'imigue_skeleton_test' / '0187', labels=None)
    imigue_release.video(tmp_path / 'imigue_skeleton_test' / '0188', '0188', labels=((0, 1, 4),))
    first, second = read(tmp_path, split='test')
    assert first.segments is None and second.segments is None and len(second.notes) == 1


@pytest.mark.parametrize('labels', [((33, 1, 4),), ((3, 1.5, 4),), 'a,b,c\nx,y,z\n'])
def test_a_label_file_that_says_nothing_is_named(tmp_path, labels):
    imigue_release.video(tmp_path / '0187', labels=labels)
    with pytest.raises(DataError, match='0187_label.csv'):
        read(tmp_path)


def test_splits_are_what_the_folders_say(tmp_path):
    for part, name in (('train', '0001'), ('validate', '0002'), ('test', '0003')):
        imigue_release.video(tmp_path / f'imigue_skeleton_{part}' / name, name)
    train = tmp_path / 'imigue_skeleton_train'
    assert [file.name for file in find_recordings([tmp_path])] == ['0001', '0002', '0003']
    assert [file.name for file in find_recordings([tmp_path], split='val')] == ['0002']
    for paths, split in (([train], 'val'), ([train, tmp_path], None), ([tmp_path / 'no'], None)):
        with pytest.raises(DataError):
            find_recordings(paths, split=split)


def test_smg_is_read_in_pixels_and_counts_frames_from_1(tmp_path):
    people = made_up(25)[:1]
    labels = smg(tmp_path, people) / 'Sample0036' / 'Sample0036_finelabels.csv'
    labels.write_text('1,1,3\n17,6,12\n')
    (found,) = read(tmp_path)
    assert (found.name, found.first, found.num_frames) == ('Sample0036', 1, 9)
    assert_array_equal(found.keypoint[:, 2:], people[..., :2])
    assert spans(found) == [(1, 3, 0), (6, 9, 16)] and len(found.notes) == 1
    assert np.flatnonzero(~found.shown()).tolist() == [0, 1, 5]
    for row in ('0,1,3', '1,1,1e300'):
        labels.write_text(row + '\n')
        with pytest.raises(DataError):
            read(tmp_path)


def test_the_clips_of_an_annotation_file_are_recordings(tmp_path):
    clip = make_annotation('long', np.full((2, 30, 5, 2), 50.0), img_shape=(100, 100))
    path = tmp_path / 'x.pkl'
    write_annotations(path, {}, [{**clip, 'segments': [[1, 5, 9]]}, {**clip, 'frame_dir': 'other'}])
    long, other = read(path)
    assert long.segments == (Segment(5, 9, 1),) and other.segments is None
    assert long.keypoint.shape == (2, 30, 5, 2) and long.img_shape == (100, 100)
    write_annotations(path, {}, [{**clip, 'segments': [[1, 5]]}])
    with pytest.raises(DataError, match='long'):
        read(path)


def test_ids_of_the_release_and_classes_are_each_others_inverse():
    assert [class_of(id_of_class(k, 'imigue'), '') for k in range(32)] == [*range(32)]
    assert (id_of_class(0, 'smg'), id_of_class(4, 'annotation')) == (1, 4)


# -- made-up ones ----------------------------------------------------------------------------------


def test_made_up_recordings_come_in_the_form_of_the_release(tmp_path):
    one, other = (
        write_recordings(tmp_path / name, {'train': 2, 'test': 1}, 0.5, seed=3) for name in 'ab'
    )
    assert [p.name for p in one['train']] == ['0001_light_hand.csv', '0002_light_hand.csv']
    assert one['test'][0].read_bytes() == other['test'][0].read_bytes()
    found = read(tmp_path / 'a')
    assert found[0].num_frames == 900 and found[0].score.mean() > 0.5
    for recording in found:
        segments = recording.segments
        assert len(segments) >= 3 and all(a.end < b.start for a, b in zip(segments, segments[1:]))
    test = imigue_release.convert(tmp_path / 'a')['test']
    assert list(imigue_release.labels(test).values()) == [s.label for s in found[2].segments]


@pytest.mark.parametrize(
    'wrong',
    [dict(minutes=0.01), dict(videos={'train': 0}), dict(num_classes=0), dict(num_classes=33)],
)
def test_made_up_recordings_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(UserError):
        write_recordings(tmp_path, **{'videos': {'train': 1}, **wrong})
