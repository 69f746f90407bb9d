"""Files that are no annotation files are named, with the command that takes them in."""

from __future__ import annotations

import gzip
import json
import pickle
import zipfile

import numpy as np
import pytest
import torch

from pyskl.annotations import open_annotations
from pyskl.annotations.file_formats import FILE_FORMATS, detect_format
from pyskl.annotations.joining import read_source
from pyskl.errors import DataError

POINTS = [1, 2, 0.5] * 17
CLIP = {'frame_dir': 'a', 'keypoint': [[[[1, 2]]]]}
JSON = {
    'openpose': {'version': 1.3, 'people': [{'pose_keypoints_2d': POINTS}]},
    'mmpose': {'meta_info': {}, 'instance_info': [{'frame_id': 1, 'instances': []}]},
    'alphapose': [{'image_id': '0.jpg', 'category_id': 1, 'keypoints': POINTS, 'score': 2.1}],
    'halpe': {'images': [], 'annotations': [{'keypoints': [1, 2, 0.5] * 136}]},
    'kinetics': {'data': [{'frame_index': 1, 'skeleton': []}], 'label': 'x', 'label_index': 3},
    'coco': {'images': [], 'annotations': [{'keypoints': POINTS}], 'categories': []},
    'ultralytics': [{'name': 'person', 'box': {}, 'keypoints': {'x': [1], 'y': [2]}}],
    'h2o': {'file_name': 'a', 'skeletons': [], 'left_hand': [], 'right_hand': []},
    'labels': {'a': 0, 'b': 1},
    'annotation JSON': {'split': {}, 'annotations': [CLIP]},
    'json': {'x': [1.5]},
}
TEXT = {
    'ntu': ('S001.skeleton', '1\n1\n7 0 1 1 0 0 0 0.1 0.2 2\n25\n'),
    'natops': ('N.ts', '@problemName NATOPS\n@data\n1,2:3,4:1\n'),
    'imigue csv': ('0001_light_hand.csv', ','.join(['0'] * 106)),
    'smg': ('s.csv', ','.join(['0'] * 275)),
    'mediapipe': ('m.csv', 'frame,landmark_0_x,landmark_0_y,a\n0,1,2,3\n'),
    'labels': ('l.txt', 'a 0\nb 1\n'),
    'csv': ('t.csv', '1,2,3,4\n'),
}
PICKLES = {
    'labels': [(['a', 'b'], [0, 1]), (['a', 'b'], None), [{'file_name': 'a', 'label': 0}]],
    'scores': [[np.zeros(3, np.float32)] * 2],
    'alphapose': [JSON['alphapose']],
}
BYTES = {
    'video': [b'\0\0\0\x20ftypisom' + bytes(99), b'RIFF\0\0\0\0AVI LIST', b'\x1aE\xdf\xa3\x01'],
    'gzip': [gzip.compress(b'x', mtime=0)],
    'joblib': [b'\x80\x04\x95\0\x8c\x13joblib.numpy_pickle\x94.'],
    'pandas': [b'\x80\x04\x95\0\x8c\x11pandas.core.frame\x94.'],
    'hdf5': [b'\x89HDF\r\n\x1a\n\0\0'],
    'packed': [b'7z\xbc\xaf\x27\x1c', bytes(257) + b'ustar\0'],
    'picture': [b'\x89PNG\r\n\x1a\n'],
}


def said(path) -> str:
    """Return the way in, after seeing that both readers give it."""
    form = detect_format(path)
    for read in (open_annotations, read_source):
        if read is read_source and form in (
            FILE_FORMATS['labels'],
            FILE_FORMATS['annotation JSON'],
        ):
            continue
        with pytest.raises(DataError) as error:
            read(path)
        assert f'is {form.what}. Expected an annotation file' in str(error.value)
    return form.message(path)


@pytest.mark.parametrize('name', JSON)
def test_json_is_known_by_its_keys(tmp_path, name):
    path = tmp_path / 'my file.json'
    path.write_text(json.dumps(JSON[name]), encoding='utf-8-sig')
    assert detect_format(path) is FILE_FORMATS[name]
    words = {'labels': '--labels', 'annotation JSON': 'tools/join.py', 'json': 'make_annotation'}
    wanted = words.get(name, f'tools/convert.py {"coco_wholebody" if name == "coco" else name} ')
    assert wanted in said(path)


@pytest.mark.parametrize('name', TEXT)
def test_text_is_known_by_its_first_lines(tmp_path, name):
    file, text = TEXT[name]
    (tmp_path / file).write_text(text)
    assert detect_format(tmp_path / file) is FILE_FORMATS[name] and said(tmp_path / file)


@pytest.mark.parametrize('name, data', [(k, d) for k, several in PICKLES.items() for d in several])
def test_pickles_of_other_things_are_known_by_what_they_hold(tmp_path, name, data):
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(data))
    with pytest.raises(DataError) as error:
        open_annotations(tmp_path / 'a.pkl')
    assert FILE_FORMATS[name].message(tmp_path / 'a.pkl') in str(error.value)


@pytest.mark.parametrize('name, raw', [(k, raw) for k, several in BYTES.items() for raw in several])
def test_binary_files_are_known_by_their_first_bytes(tmp_path, name, raw):
    (tmp_path / 'a.pkl').write_bytes(raw)
    assert detect_format(tmp_path / 'a.pkl') is FILE_FORMATS[name] and said(tmp_path / 'a.pkl')


def test_archives_are_known_by_their_members(tmp_path):
    np.savez(tmp_path / 'ntu.npz', x_train=np.zeros(2), y_train=np.zeros(2))
    np.savez(tmp_path / 'own.npz', poses=np.zeros(2))
    torch.save({'annotations': [torch.zeros(2)]}, tmp_path / 'new.pkl')
    torch.save([torch.zeros(2)], tmp_path / 'old.pkl', _use_new_zipfile_serialization=False)
    for name, member in (('book.xlsx', 'xl/workbook.xml'), ('some.zip', 'a/b.txt')):
        with zipfile.ZipFile(tmp_path / name, 'w') as archive:
            archive.writestr(member, 'x')
    for file, name in (
        ('ntu.npz', 'ntu npz'),
        ('own.npz', 'npz'),
        ('new.pkl', 'torch'),
        ('old.pkl', 'torch'),
        ('book.xlsx', 'xlsx'),
        ('some.zip', 'packed'),
    ):
        assert detect_format(tmp_path / file) is FILE_FORMATS[name]
    assert 'tools/convert.py ntu ' in said(tmp_path / 'ntu.npz')
    assert 'tensor.cpu().numpy()' in said(tmp_path / 'new.pkl')


def test_arrays_are_known_by_their_axes(tmp_path):
    np.save(tmp_path / 'val_data.npy', np.zeros((2, 3, 4, 5, 1), np.float32))
    np.save(tmp_path / 'x.npy', np.zeros((2, 3)))
    assert f'tools/readlabel.py --data-dir {tmp_path}' in said(tmp_path / 'val_data.npy')
    assert 'make_annotation' in said(tmp_path / 'x.npy')


@pytest.mark.parametrize(
    'file, name',
    [
        ('f_000001_keypoints.json', 'openpose folder'),
        ('clip.json', 'json folder'),
        ('S001.skeleton', 'ntu folder'),
        ('0001/0001_light_hand.csv', 'imigue folder'),
        ('Sample0001/Sample0001_skeleton.csv', 'smg folder'),
        ('v_0.pkl', 'annotation folder'),
        ('a/v_0.pkl', 'annotation folder'),
        ('v.mp4', 'video folder'),
    ],
)
def test_folders_are_known_by_their_files(tmp_path, file, name):
    (tmp_path / 'in' / file).parent.mkdir(parents=True)
    (tmp_path / 'in' / file).touch()
    assert detect_format(tmp_path / 'in') is FILE_FORMATS[name]
    with pytest.raises(DataError) as error:
        open_annotations(tmp_path / 'in')
    assert FILE_FORMATS[name].message(tmp_path / 'in') in str(error.value)


def test_what_is_not_known_stays_unnamed(tmp_path):
    (tmp_path / 'noise').write_bytes(bytes(range(128, 256)))
    (tmp_path / 'text').write_text('hello\n')
    (tmp_path / 'empty').touch()
    (tmp_path / 'folder').mkdir()
    for file in ('noise', 'text', 'empty', 'folder', 'none'):
        assert detect_format(tmp_path / file) is None
    (tmp_path / 'deep.json').write_text('[' * 10**5)
    assert detect_format(tmp_path / 'deep.json') is FILE_FORMATS['json']
