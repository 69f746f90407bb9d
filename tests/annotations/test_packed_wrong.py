"""Packed folders from strangers: opened and read, or one DataError says what is wrong."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_packed import CLIPS, SPLIT

from pyskl.annotations import packed
from pyskl.annotations.opening import open_annotations
from pyskl.annotations.packing import write_packed
from pyskl.errors import DataError

ARRAYS = (*packed.ARRAYS, 'split_0', 'extra_0')


@pytest.fixture(scope='module')
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp('good') / 'x.packed'
    write_packed(path, CLIPS, SPLIT)
    return path


@pytest.fixture
def folder(good, tmp_path):
    return shutil.copytree(good, tmp_path / 'x.packed')


def change(folder, name, edit):
    array = np.load(folder / f'{name}.npy')
    changed = edit(array)
    np.save(folder / f'{name}.npy', array if changed is None else changed)


def put(index, value):
    def edit(array):
        array[index] = value

    return edit


@pytest.mark.parametrize(
    'name, edit, message',
    [
        ('keypoint', lambda a: a[:-1], r'keypoint_score\.npy has shape|offset'),
        ('keypoint', lambda a: a.astype('f8'), 'float64'),
        ('keypoint', lambda a: np.asfortranarray(a), 'Fortran'),
        ('keypoint', lambda a: a[..., :1], r'Expected \(rows, joints, 2 or 3\)'),
        ('keypoint_score', lambda a: a[:, :2], r'keypoint_score\.npy has shape \(32, 2\)'),
        ('label', lambda a: a[:3], r'has shape .* label\.npy has 3 clips'),
        ('label', lambda a: a[:0], 'holds no clips'),
        ('label', put(2, -2), r'label\.npy is wrong for clip 2'),
        ('label', lambda a: a[None], 'Expected int64 with 1 axes'),
        ('offset', put(1, 99), r'offset\.npy is wrong for clip 1'),
        ('offset', put(4, 31), 'runs from 0 to 31. Expected 0 to 32'),
        ('offset', put(0, -5), 'runs from -5'),
        ('people', put(3, 2), 'people times frames'),
        ('people', put(0, 0), r'people\.npy is wrong for clip 0'),
        ('frames', put(0, -5), r'frames\.npy is wrong for clip 0'),
        (
            'total_frames',
            put(1, 8),
            r'total_frames\.npy is wrong for clip 1. Expected numbers from 1 to frames',
        ),
        ('img_shape', put((1, 0), 0), r'img_shape\.npy is wrong for clip 1. Expected both'),
        ('original_shape', put((3, 1), -1), r'original_shape\.npy is wrong for clip 3'),
        ('name_end', put(1, 3), r'names\.npy is wrong for clip 0. Expected a newline'),
        ('name_end', put(2, 1000), r'name_end\.npy is wrong for clip 2'),
        ('names', put(0, 27), 'empty name or one that is no printable UTF-8 text'),
        ('names', put(0, 10), 'empty name or'),
        ('names', put(2, 255), r'empty name or .* \(clips 0 to 3\)'),
        ('split_0', put(1, 4), r'split_0\.npy \(train\) holds rows that are not there'),
        ('split_0', lambda a: a[::-1], 'ascending order'),
        ('extra_0', lambda a: a[:2], r'extra_0\.npy has 2 numbers'),
        ('extra_0', put(0, np.inf), 'Expected 4 finite ones'),
    ],
)
def test_wrong_arrays_are_named(folder, name, edit, message):
    change(folder, name, edit)
    with pytest.raises(DataError, match=message) as error:
        open_annotations(folder)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize(
    'edit, message',
    [
        ({'version': 2}, r'has version 2 .* this program reads 1\. Pack it again'),
        ({'version': '1'}, "has version '1'"),
        ({'format': 'x'}, 'another kind of folder'),
        ({'splits': {'a': 1}}, 'unexpected types'),
        ({'splits': ['train', 'train', 'none']}, 'unexpected types'),
        ({'extras': [{'name': 'keypoint', 'kind': 'int'}]}, 'unexpected types'),
        ({'extras': [{'name': 'a', 'kind': 'eval'}]}, 'unexpected types'),
        ({'sources': [{'name': 3}]}, 'unexpected types'),
        ({'id': None}, 'unexpected types'),
        ({'splits': ['train', 'all', 'none', 'more']}, r'split_3\.npy: no such file'),
    ],
)
def test_a_wrong_description_is_named(folder, edit, message):
    meta = json.loads((folder / 'meta.json').read_text())
    (folder / 'meta.json').write_text(json.dumps({**meta, **edit}))
    with pytest.raises(DataError, match=message):
        open_annotations(folder)


@pytest.mark.parametrize(
    'text', ['', '{', 'null', '[1]', '[' * 100000, '\x00', '{"format": ' + '9' * 5000 + '}']
)
def test_a_broken_description_is_named(folder, text):
    (folder / 'meta.json').write_text(text)
    with pytest.raises(DataError, match=r'meta\.json'):
        open_annotations(folder)


def test_a_folder_of_something_else_is_named(tmp_path):
    with pytest.raises(DataError, match=r'without meta\.json'):
        open_annotations(tmp_path)
    (tmp_path / 'meta.json').mkdir()
    with pytest.raises(DataError, match='is a folder, expected a file'):
        open_annotations(tmp_path)


def test_numbers_that_are_none_are_found_when_the_clip_is_read(folder):
    change(folder, 'keypoint', put((6, 0, 0), np.nan))
    clips = open_annotations(folder)
    assert clips[0]['frame_dir'] == 'a'
    with pytest.raises(DataError, match=r'clip b_ü \(row 1\) holds NaN or inf'):
        clips[1]


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=True
)
@given(st.sampled_from([*(f'{name}.npy' for name in ARRAYS), 'meta.json']), st.data())
def test_spoilt_files_are_read_or_refused(good, tmp_path, name, data):
    folder = shutil.copytree(good, tmp_path / 'x.packed', dirs_exist_ok=True)
    raw = bytearray((folder / name).read_bytes())
    place = st.integers(0, len(raw) - 1)
    kind = data.draw(st.sampled_from(['cut', 'bytes', 'number', 'gone']))
    if kind == 'cut':
        del raw[data.draw(place) :]
    elif kind == 'bytes':
        for _ in range(data.draw(st.integers(1, 4))):
            raw[data.draw(place)] = data.draw(st.integers(0, 255))
    elif kind == 'number':
        value = data.draw(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 40))
        start = data.draw(st.integers(0, max(0, len(raw) - 8)))
        raw[start : start + 8] = value.to_bytes(8, 'little', signed=True)
    (folder / name).write_bytes(raw)
    if kind == 'gone':
        (folder / name).unlink()
    try:
        clips = open_annotations(folder)
        names, fingerprint = list(clips.ids), clips.fingerprint
        read = [clip['keypoint'].shape[:3] == clip['keypoint_score'].shape for clip in clips]
    except DataError:
        return
    assert all(read) and len(names) == len(read) == len(clips.labels) and len(fingerprint) == 64
    assert len(clips.split('train')) <= len(clips)
