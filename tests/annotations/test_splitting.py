"""Splits by rule and by list, and labels from files of their own."""

from __future__ import annotations

import json
import pickle
from collections import Counter

import pytest

from pyskl.annotations.clip_names import ClipNames
from pyskl.annotations.label_files import read_label_file
from pyskl.annotations.splitting import split_clips
from pyskl.errors import UserError

NAMES = [f'{video:04d}_{k}' for video in range(1, 11) for k in range(10)]


def test_random_takes_the_shares_of_every_class():
    label_of = {name: k % 5 for k, name in enumerate(NAMES)}

    def split(seed: int) -> dict[str, list[str]]:
        how = 'random:train=0.6,val=0.2,test=20%'
        return split_clips(how, NAMES, list(label_of.values()), seed)

    for name, each in (('train', 12), ('val', 4), ('test', 4)):
        assert Counter(label_of[n] for n in split(3)[name]) == dict.fromkeys(range(5), each)
    assert sorted(sum(split(3).values(), [])) == NAMES
    assert split(3) == split(3) != split(4)


def test_videos_and_groups_stay_whole():
    split = split_clips('video', NAMES)
    videos = [{name[:4] for name in members} for members in split.values()]
    assert [len(v) for v in videos] == [8, 2] and not videos[0] & videos[1]
    people = [f'S{s:03d}P{p:03d}' for s in range(3) for p in range(5)]
    split = split_clips(r'regex:P(\d+):test=000+004,train=*', people)
    assert {n[4:] for n in split['test']} == {'P000', 'P004'}
    assert {n[4:] for n in split['train']} == {'P001', 'P002', 'P003'}
    assert split_clips(r'regex:(?:S\d+)P(\d+)', people)['val'] in (
        [f'S{s:03d}P{p:03d}' for s in range(3)] for p in range(5)
    )


@pytest.mark.parametrize(
    'how',
    [
        *('none', 'regex', 'regex:(', 'regex:X(.)', r'regex:(X)?\d', 'list', 'video:train'),
        *('video:train=0.8,val=0.8', 'video:a=0001,b=0.5', 'video:val=0099,train=*'),
        *('video:val=0001,test=0001,train=*', 'video:a=*,b=*', 'random:train=0.999,val=0.001'),
        'video:train=1.0,val=0.0',
    ],
)
def test_rules_that_cannot_hold_are_refused(how):
    with pytest.raises(UserError):
        split_clips(how, NAMES)


def test_names_without_a_videos_name_are_not_dealt_out_by_video():
    with pytest.raises(UserError, match='regex'):
        split_clips('video', ['S001P001', 'S001P002'])
    assert split_clips('video:a=0.5,b=0.5', ['x', '1_0', '1_1'])  # one of them has no video


@pytest.mark.parametrize(
    'name, text',
    [
        ('a.csv', 'name,split\n0001_0.mp4,val\n0002_1,train\nunknown,train\n'),
        ('a.txt', 'videos/0001_0.mp4 val\n\n0002_1 train\n'),
        ('a.json', json.dumps({'train': ['0002_1'], 'val': ['0001_0.avi']})),
        ('a.json', json.dumps({'split': {'train': ['0002_1'], 'val': ['0001_0']}})),
    ],
)
def test_splits_from_a_list(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert split_clips(f'list:{tmp_path / name}', NAMES) == {'val': ['0001_0'], 'train': ['0002_1']}


def test_lists_that_name_no_clip_are_refused(tmp_path):
    (tmp_path / 'a.txt').write_text('x train\n')
    with pytest.raises(UserError, match='0001_0'):
        split_clips(f'list:{tmp_path / "a.txt"}', NAMES)


@pytest.mark.parametrize(
    'names, wanted, found',
    [
        (['v_1'], 'v_1.mp4', 'v_1'),
        (['v_1.mp4'], 'v_1', 'v_1.mp4'),
        (['v_1'], './videos\\v_1.MP4', 'v_1'),
        (['a/v_1', 'b/v_1'], 'a/v_1.mp4', 'a/v_1'),
        (['a/v_1', 'b/v_1'], 'v_1', None),
        (['a/v_1'], 'b/v_1', None),
        (['a/v_1'], 'x/a/v_1.mp4', 'a/v_1'),
        (['v.1'], 'v.1', 'v.1'),
        (['v.1'], 'v', None),
        (['v_1', 'v_1.mp4'], 'v_1.avi', None),
    ],
)
def test_names_are_found_without_endings_and_folders(names, wanted, found):
    assert ClipNames(names).find(wanted) == found


NUMBERS = {'0001_0': 3, '0002_0': 1}
MMN = [{'file_name': '0001_0', 'label': 3}, {'file_name': '0002_0', 'label': 1}]


@pytest.mark.parametrize(
    'name, content',
    [
        ('a.csv', 'name,label\n0001_0,3\n0002_0,1\n'),
        ('a.csv', '0001_0,3\n0002_0,1.0\n'),
        ('a.csv', 'start;Label;Video\n0;3;0001_0\n5;1;0002_0\n'),
        ('a.tsv', '0001_0\t3\n0002_0\t1\n'),
        ('a.txt', '\ufeff0001_0 3\n\n0002_0 1\n'),
        ('a.json', json.dumps(NUMBERS)),
        ('a.json', json.dumps([['0001_0', 3], ['0002_0', '1']])),
        ('a.json', json.dumps({'0001_0': {'label': 3}, '0002_0': {'label': 1}})),
        ('a.pkl', MMN),
        ('a.pkl', (['0001_0', '0002_0'], [3, 1])),
        ('a.pkl', {'annotations': [{'frame_dir': n, 'label': k} for n, k in NUMBERS.items()]}),
    ],
)
def test_labels_in_every_form(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else pickle.dumps(content))
    labels = read_label_file(path)
    assert (labels.labels, labels.label_names) == (NUMBERS, None)


def test_labels_that_are_names(tmp_path):
    path = tmp_path / 'a.csv'
    path.write_text('0001_0.mp4,wave\nx/0002_0,clap  hands\n')
    labels = read_label_file(path)
    assert labels.label_names == ('clap hands', 'wave')
    assert labels.of(['0001_0', '0002_0', '0003_0']) == [1, 0, None]
    given = read_label_file(path, ['wave', 'nod', 'clap hands'])
    assert given.of(['0001_0', '0002_0']) == [0, 2]
    with pytest.raises(UserError, match='clap hands'):
        read_label_file(path, ['wave', 'clap'])
    with pytest.raises(UserError, match='0009_0'):
        labels.of(['0009_0'])


@pytest.mark.parametrize(
    'name, content',
    [
        ('a.csv', '0001_0,3\n0001_0,4\n'),
        ('a.csv', '0001_0,3\n0002_0\n'),
        ('a.csv', '0001_0,3\n0002_0,wave\n'),
        ('a.csv', '0001_0,-4\n'),
        ('a.csv', '0001_0,\n'),
        ('a.csv', 'a,b,c\n0001_0,3,4\n'),
        ('a.txt', ''),
        ('a.json', '[1, 2]'),
        ('a.json', '{'),
        ('a.json', '3'),
        ('a.pkl', 7),
    ],
)
def test_files_without_labels_are_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else pickle.dumps(content))
    with pytest.raises(UserError, match=name):
        read_label_file(path)
