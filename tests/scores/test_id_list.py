"""Lists of clip ids in many forms, and streams whose names differ by a suffix."""

import json

import numpy as np
import pytest

from pyskl.annotations import make_annotation, write_annotations
from pyskl.errors import DataError
from pyskl.scores.align import align
from pyskl.scores.id_list import read_ids
from pyskl.scores.score_file import Scores

IDS = ('0054_0', '0054_1', '0061_10')
TEXTS = {
    'lines': '0054_0\n0054_1\n0061_10\n',
    'one line with commas, as published': '0054_0,0054_1,0061_10',
    'commas and blanks': '0054_0, 0054_1, 0061_10,\n',
    'lines with commas': '0054_0,\n0054_1,\n0061_10,\n',
    'blank lines': '\n0054_0 \n\n  \n\t0054_1\n0061_10',
    'one line with blanks': '0054_0 0054_1 0061_10\n',
    'tabs and semicolons': '0054_0;0054_1\t0061_10',
    'some in a line': '0054_0,0054_1\r\n0061_10\r\n',
    'a byte-order mark': '\ufeff0054_0,0054_1,0061_10',
    'names with labels': '0054_0 0\n0054_1 31\n0061_10 4\n',
    'videos with labels': '0054_0.mp4 0\n0054_1.mp4 31\n0061_10.MP4 4\n',
    'videos with lengths and labels': '0054_0.avi 90 0\n0054_1.avi 91 31\n0061_10.avi 9 4\n',
    'a submission': '0054_0,2\n0054_1,31\n0061_10,4\n',
    "a submission of Kaggle's": 'Id,Target\n0054_0,2\n0054_1,31\n0061_10,4\n',
    'JSON': json.dumps(IDS),
    'JSON over lines': json.dumps(IDS, indent=1),
    'JSON of splits': json.dumps({'val': ['a'], 'test': IDS}),
}


@pytest.mark.parametrize('form', TEXTS)
def test_every_form_gives_the_same_ids(tmp_path, form):
    part = ':test' if form == 'JSON of splits' else ''
    for encoding in ('utf-8', 'utf-16'):
        (tmp_path / 'test_id.txt').write_bytes(TEXTS[form].removeprefix('\ufeff').encode(encoding))
        assert read_ids(f'{tmp_path}/test_id.txt{part}') == IDS
    (tmp_path / 'test_id.txt').write_bytes(TEXTS[form].encode())
    assert read_ids(f'{tmp_path}/test_id.txt{part}') == IDS


@pytest.mark.parametrize(
    ('text', 'ids'),
    [
        ('0054_0,2', ('0054_0',)),
        ('12,13,14', ('12', '13', '14')),
        ('12\n13\n', ('12', '13')),
        ('7 8\n9 10\n', ('7', '8', '9', '10')),
        ('a.mp4\nb.mp4\n', ('a.mp4', 'b.mp4')),
        ('S001C001P001 S001C001P002', ('S001C001P001', 'S001C001P002')),
    ],
)
def test_numbers_are_labels_only_behind_names(tmp_path, text, ids):
    (tmp_path / 'ids.txt').write_text(text)
    assert read_ids(tmp_path / 'ids.txt') == ids


def test_a_list_cut_short_keeps_all_its_rows_and_names_the_one_that_is_there_twice(tmp_path):
    ids = [f'0453_{n}' for n in range(36)]
    (tmp_path / 'test_id.txt').write_text(','.join(ids)[:-1])
    read = read_ids(tmp_path / 'test_id.txt')
    assert read == (*ids[:-1], '0453_3')
    stream = Scores(None, np.ones((36, 2), np.float32), 'result.pkl')
    assert align([stream], read).warnings == ['id 0453_3 appears twice, rows 3 and 35']


def clips(path, splits):
    names = dict.fromkeys(name for split in splits.values() for name in split) or ['x']
    poses = np.ones((1, 2, 22, 2))
    whole = [make_annotation(name, poses, label=0, img_shape=(9, 9)) for name in names]
    write_annotations(path, splits, whole)


def test_an_annotation_file_gives_the_clips_of_a_split_in_their_order(tmp_path):
    both = tmp_path / 'both.pkl'
    clips(both, {'val': ['c', 'a'], 'test': ['b', 'd', 'e']})
    assert read_ids(f'{both}:test') == ('b', 'd', 'e')
    with pytest.raises(DataError, match=r'both.pkl:val \(2 clips\), .*both.pkl:test \(3 clips\)'):
        read_ids(both)
    with pytest.raises(DataError, match='no split'):
        read_ids(f'{both}:dev')
    clips(tmp_path / 'one.pkl', {'test': ['b', 'a']})
    clips(tmp_path / 'none.pkl', {})
    assert read_ids(tmp_path / 'one.pkl') == ('b', 'a')
    assert read_ids(tmp_path / 'none.pkl') == ('x',)
    with pytest.raises(DataError, match='gone.txt: cannot be read'):
        read_ids(tmp_path / 'gone.txt')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'\n \n', 'holds no ids'),
        (b'a\xff\x00', 'no UTF-8 text'),
        (b'\xff\xfea', 'no UTF-8 text'),
        (b'a\x00b\n', 'id 0 is'),
        (b'[1, 2]', 'not a list of strings'),
        (b'["a", "b"', 'no whole JSON'),
        (b'{"val": ["a"]}', 'Name the list'),
        (b'"' * 40_000, 'id 0 is'),
        (b'0054_0|' * 5000, None),
        (b'[' * 40_000, 'no whole JSON'),
        (b'a "b', 'id 1 is'),
        (b'[]', 'holds no ids'),
    ],
)
def test_what_is_no_list_is_said_briefly(tmp_path, content, message):
    path = tmp_path / 'ids.txt'
    path.write_bytes(content)
    if message is None:  # one strange name; the streams say that it is not theirs
        with pytest.raises(DataError) as error:
            align([Scores(('a',), np.ones((1, 2), np.float32), 'x')], read_ids(path), str(path))
    else:
        with pytest.raises(DataError, match=message) as error:
            read_ids(path)
    assert str(path) in str(error.value) and len(str(error.value)) < len(str(path)) + 400


def test_names_that_differ_by_a_videos_suffix_alone_are_the_same_clips():
    scores = np.arange(4, dtype=np.float32).reshape(2, 2)
    one, two = Scores(('a.mp4', 'b.mp4'), scores, 'x'), Scores(('b', 'a'), scores, 'y')
    aligned = align([one, two])
    assert aligned.ids == ('a.mp4', 'b.mp4')
    np.testing.assert_array_equal(aligned.scores[1], scores[::-1])
    assert align([one, two], ('b', 'a')).ids == ('b', 'a')
    with pytest.raises(DataError, match='y: no row for 2 ids'):
        align([one, Scores(('a', 'c'), scores, 'y')])
