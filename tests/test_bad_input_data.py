"""Wrong data files given to the scripts: annotations, raw arrays, csv, label vectors, scores, ids.
Each is one message.
"""

from __future__ import annotations

import pickle
import shutil
import zipfile

import numpy as np
import pytest
from bad_input import (
    IDS,
    Row,
    array,
    as_folder,
    as_loop,
    call,
    clip,
    config,
    cut,
    npz,
    pickled,
    put,
    rows,
    text,
    world,  # noqa: F401 (a fixture)
)

NAN, INF = float('nan'), float('inf')
LONG = 300 * 'n' + '.pkl'  # longer than a file system takes


def raw_label(names=('0001_0', '0001_1', '0002_0'), labels=(3, 5, 31)):
    return pickled('raw/train_label.pkl', (names, labels))


def raw_data(value):
    return array('raw/train_data.npy', value)


def split(*names):
    """A config that trains on the split 'other', which has these clips."""

    def spoil(folder):
        config("data['train']['split'] = 'other'")(folder)
        data = pickle.loads((folder / 'train.pkl').read_bytes())
        (folder / 'train.pkl').write_bytes(pickle.dumps({**data, 'split': {'other': names}}, 4))

    return spoil


def in_place_of(name, other):
    return lambda folder: shutil.copy(folder / other, folder / name)


def scores(values=None, ids=IDS, name='b.npz'):
    values = np.ones((13, 4)) if values is None else values
    return npz(name, ids=np.array(ids), scores=values)


def bare(*rows):
    return pickled('a.pkl', [np.array(row, np.float32) for row in rows])


ANNOTATIONS = [
    Row(
        'test bad.py --work-dir run',
        'ann_file: missing',
        'tset.pkl | no such file | test.pkl',
        config("data['test']['ann_file'] = 'tset.pkl'"),
    ),
    Row(
        f'test tiny.py --cfg-options data.test.ann_file={LONG}',
        'ann_file: a name too long',
        'nnn | too long',
    ),
    *rows(
        'test tiny.py',
        ('ann_file: a folder', 'test.pkl | folder', as_folder('test.pkl')),
        (
            'ann_file: a link to itself',
            'test.pkl | cannot be opened',
            as_loop('test.pkl'),
        ),
        ('ann_file: empty', 'test.pkl | empty', text('test.pkl', '')),
        ('ann_file: cut short', 'test.pkl | cannot be read as a pickle', cut('test.pkl')),
        ('ann_file: text', 'test.pkl | JSON', text('test.pkl', '{"split": {}}')),
        (
            'ann_file: an .npz file',
            'test.pkl | .npz archive',
            in_place_of('test.pkl', 'a.npz'),
        ),
        (
            'ann_file: a checkpoint',
            'test.pkl | PyTorch file',
            in_place_of('test.pkl', 'trained.pth'),
        ),
        (
            'test.pkl: no annotations',
            'test.pkl | no annotations',
            pickled('test.pkl', {'split': {}, 'annotations': []}),
        ),
        (
            'test.pkl: another kind of dict',
            "test.pkl | 'annotations'",
            pickled('test.pkl', {'data': [1]}),
        ),
        ('test.pkl: a number', 'test.pkl', pickled('test.pkl', 5)),
        (
            'test.pkl split: a list',
            "test.pkl | 'split'",
            pickled('test.pkl', {'split': [1], 'annotations': [{}]}),
        ),
        (
            'test.pkl frame_dir: twice the same',
            'test.pkl | test_4 | more than once',
            clip(row=5, frame_dir='test_4'),
        ),
        (
            'test.pkl frame_dir: missing',
            'test.pkl | annotations[4] | frame_dir',
            clip(frame_dir=None),
        ),
        (
            'test.pkl frame_dir: a number',
            'test.pkl | annotations[4] | frame_dir',
            clip(frame_dir=7),
        ),
        ('keypoint: missing', 'test_4 | keypoint', clip(keypoint=None)),
        ('keypoint: NaN', 'test_4 | keypoint | NaN', clip(keypoint=put(0, 3, 1, 0, NAN))),
        ('keypoint: infinite', 'test_4 | keypoint | inf', clip(keypoint=put(0, 3, 1, 0, -INF))),
        ('keypoint: text', 'test_4 | keypoint | dtype', clip(keypoint=lambda old: old.astype(str))),
        (
            'keypoint: objects',
            'test_4 | keypoint | object',
            clip(keypoint=lambda old: np.array([{}, 1], object)),
        ),
        ('keypoint: a list', 'test_4 | keypoint | list', clip(keypoint=lambda old: [[1, 2], [3]])),
        (
            'keypoint: without the axis of people',
            'test_4 | keypoint | (20, 5, 2)',
            clip(keypoint=lambda old: old[0]),
        ),
        (
            'keypoint: four coordinates',
            'test_4 | keypoint | (1, 20, 5, 4)',
            clip(keypoint=lambda old: np.repeat(old, 2, -1)),
        ),
        (
            'keypoint: no frames',
            'test_4 | keypoint | no frames',
            clip(keypoint=lambda old: old[:, :0], keypoint_score=lambda old: old[:, :0]),
        ),
        (
            'keypoint: other joints than the rest',
            'test_4 | keypoint | same joints',
            clip(keypoint=lambda old: old[:, :, :4], keypoint_score=lambda old: old[:, :, :4]),
        ),
        (
            'keypoint_score: another shape',
            'test_4 | keypoint_score | (1, 20, 4)',
            clip(keypoint_score=lambda old: old[..., :4]),
        ),
        (
            'keypoint_score: NaN',
            'test_4 | keypoint_score | NaN',
            clip(keypoint_score=put(0, 0, 0, NAN)),
        ),
        ('label: a text', "test_4 | label | 'wave'", clip(label='wave')),
        ('label: half of one', 'test_4 | label', clip(label=1.5)),
        ('label: negative', 'test_4 | label | -5', clip(label=-5)),
        ('label: 3 of 3 classes', 'test_4 | label | 3', clip(label=3)),
        ('img_shape: zero height', 'test_4 | img_shape', clip(img_shape=(0, 320))),
        ('img_shape: negative width', 'test_4 | img_shape', clip(img_shape=(240, -320))),
        ('img_shape: one number', 'test_4 | img_shape', clip(img_shape=(240,))),
        ('total_frames: zero', 'test_4 | total_frames', clip(total_frames=0)),
    ),
    *rows(
        'train bad.py --work-dir new',
        (
            'train.pkl split: empty',
            "train.pkl | 'other'",
            split(),
        ),
        (
            'train.pkl split: of other clips',
            "train.pkl | 'other'",
            split('nobody'),
        ),
        (
            'label_embeddings: missing',
            'none.npy',
            config("data['train']['label_embeddings'] = 'none.npy'"),
        ),
    ),
    *rows(
        'train tiny.py --work-dir new',
        (
            'train.pkl label: missing',
            'train.pkl | train_2 | label',
            clip('train.pkl', 2, label=None),
        ),
        (
            'train.pkl label: 3 of 3 classes',
            'train.pkl | train_2 | label 3',
            clip('train.pkl', 2, label=3),
        ),
        ('data.train.ann_file: a folder', 'train.pkl', as_folder('train.pkl')),
        ('val.pkl: cut short', 'val.pkl', cut('val.pkl')),
        (
            'val.pkl keypoint: NaN',
            'val.pkl | val_2 | keypoint',
            clip('val.pkl', 2, keypoint=put(0, NAN)),
        ),
        ('label_embeddings: NaN', 'labels.npy | class 1', array('labels.npy', put(1, 2, NAN))),
        (
            'label_embeddings: a row too few',
            'train.pkl | label 2',
            array('labels.npy', lambda old: old[:2]),
        ),
        ('label_embeddings: one axis', 'labels.npy | (3,)', array('labels.npy', np.ones(3))),
        (
            'label_embeddings: objects',
            'labels.npy | objects',
            array('labels.npy', np.array([['a', None]])),
        ),
        ('label_embeddings: text', 'labels.npy', array('labels.npy', np.full((3, 6), 'a'))),
        ('label_embeddings: cut short', 'labels.npy | cut short', cut('labels.npy', 0.9)),
        ('label_embeddings: a text file', 'labels.npy', text('labels.npy', 'wave 0.1 0.2\n')),
    ),
    Row('check_data tset.pkl', 'file: missing', 'tset.pkl | no such file'),
    Row('check_data raw', 'file: a folder', 'raw | folder'),
    Row(
        'check_data ids.txt',
        'file: another kind of pickle',
        'ids.txt | dict',
        pickled('ids.txt', {'a': [1]}),
    ),
    Row('check_data', 'file: none given', 'file'),
    Row('check_data test.pkl --num-classes 0', '--num-classes: zero', '--num-classes 0'),
    Row('check_data test.pkl --layout coco18', '--layout: unknown', 'coco18 | imigue22'),
]


RAW = [
    Row(
        f'readlabel --data-dir {LONG} --out-dir out',
        '--data-dir: a name too long',
        'nnn | too long',
    ),
    Row(
        f'readlabel --data-dir raw --out-dir out --val-videos {LONG}',
        '--val-videos: a name too long',
        'nnn | no clip',
    ),
    Row('readlabel --data-dir none --out-dir out', '--data-dir: missing', 'none | train_data.npy'),
    Row('readlabel --data-dir out --out-dir out', '--data-dir: empty', 'out | train_data.npy'),
    Row(
        'readlabel --data-dir raw --out-dir out --splits all', '--splits: unknown', '--splits | all'
    ),
    Row(
        'readlabel --data-dir raw --out-dir out --splits val', '--splits: not there', 'val_data.npy'
    ),
    Row(
        'readlabel --data-dir raw --out-dir out --img-shape 0 100',
        '--img-shape: zero',
        '--img-shape 0 100',
    ),
    Row(
        'readlabel --data-dir raw --out-dir out --img-shape 100',
        '--img-shape: one number',
        '--img-shape',
    ),
    Row('readlabel --data-dir raw --out-dir ids.txt', '--out-dir: a file', 'ids.txt'),
    Row(
        'readlabel --data-dir raw --out-dir out --val-videos 0009',
        '--val-videos: no such video',
        '0009 | 0001',
    ),
    Row(
        'readlabel --data-dir raw --out-dir out --val-videos 0001 0002',
        '--val-videos: all of them',
        'train_data.npy | nothing is left',
    ),
    *rows(
        'readlabel --data-dir raw --out-dir out',
        (
            'train_data.npy: whole numbers',
            'train_data.npy | int64',
            raw_data(lambda old: old.astype(int)),
        ),
        (
            'train_data.npy: objects',
            'train_data.npy | objects',
            raw_data(lambda old: old.astype(object)),
        ),
        (
            'train_data.npy: an axis too few',
            'train_data.npy | (3, 3, 6, 22)',
            raw_data(lambda old: old[..., 0]),
        ),
        (
            'train_data.npy: two channels',
            'train_data.npy | (3, 2, 6, 22, 1)',
            raw_data(lambda old: old[:, :2]),
        ),
        (
            'train_data.npy: NaN',
            'train_data.npy | 0001_1 | keypoint | NaN',
            raw_data(put(1, 0, 2, 3, 0, NAN)),
        ),
        (
            'train_data.npy: an infinite score',
            'train_data.npy | 0002_0 | keypoint_score',
            raw_data(put(2, 2, 0, 0, 0, INF)),
        ),
        ('train_data.npy: cut short', 'train_data.npy | cut short', cut('raw/train_data.npy')),
        (
            'train_data.npy: no .npy file',
            'train_data.npy',
            text('raw/train_data.npy', 'x,y\n1,2\n'),
        ),
        ('train_data.npy: a folder', 'train_data.npy | folder', as_folder('raw/train_data.npy')),
        (
            'test_data.npy: wrong, when train was right',
            'test_data.npy | 0001_0',
            array('raw/test_data.npy', put(0, NAN)),
        ),
        (
            'train_label.pkl: too few labels',
            'train_label.pkl | 2 labels for 3 clips',
            raw_label(labels=[1, 2]),
        ),
        (
            'train_label.pkl: too many names',
            'train_label.pkl | 4 names for 3 clips',
            raw_label(names=list('abcd')),
        ),
        (
            'train_label.pkl: names twice',
            '0001_0 | more than once',
            raw_label(names=['0001_0', '0001_0', 'b']),
        ),
        (
            'train_label.pkl: names that are numbers',
            'train_label.pkl | names',
            raw_label(names=[1, 2, 3]),
        ),
        ('train_label.pkl: labels that are texts', 'label', raw_label(labels=['a', 'b', 'c'])),
        ('train_label.pkl: negative labels', 'label | -2', raw_label(labels=[0, -2, 1])),
        ('train_label.pkl: NaN for a label', 'label | nan', raw_label(labels=[0, NAN, 1])),
        (
            'train_label.pkl: a list of three',
            'train_label.pkl | (names, labels)',
            pickled('raw/train_label.pkl', [1, 2, 3]),
        ),
        ('train_label.pkl: empty', 'train_label.pkl | empty', text('raw/train_label.pkl', '')),
    ),
    Row('readlabel --csv none --out-dir out', '--csv: missing', 'none | _light_hand.csv'),
    Row('readlabel --csv ids.txt --out-dir out', '--csv: a file', 'ids.txt | _light_hand.csv'),
    Row(
        'readlabel --csv csv --out-dir out --splits train val',
        '--csv: two splits',
        '--csv | one split',
    ),
    *rows(
        'readlabel --csv csv --out-dir out',
        (
            '0005_light_hand.csv: a column too few',
            '0005_light_hand.csv | 106 columns',
            text('csv/0005_light_hand.csv', '1' + 104 * ',1'),
        ),
        (
            '0005_light_hand.csv: words',
            '0005_light_hand.csv',
            text(
                'csv/0005_light_hand.csv',
                '1' + 105 * ',1' + '\nx' + 105 * ',x',
            ),
        ),
        ('0005_light_hand.csv: empty', '0005_light_hand.csv', text('csv/0005_light_hand.csv', '')),
        (
            '0005_light_hand.csv: infinite',
            '0005_light_hand.csv | inf',
            text('csv/0005_light_hand.csv', '0' + 105 * ',inf'),
        ),
        (
            '0005.csv: missing',
            '0005_light_hand.csv | 0005.csv',
            lambda folder: (folder / 'csv/0005.csv').unlink(),
        ),
        ('0005.csv: class 33', '0005.csv | 33', text('csv/0005.csv', '33,0,3\n')),
        (
            '0005.csv: frames that are not there',
            '0005.csv | 100',
            text('csv/0005.csv', '3,100,120\n'),
        ),
        ('0005.csv: binary', '0005.csv', text('csv/0005.csv', bytes(range(256)))),
    ),
    Row('embed_labels --glove glove.txt', '--out: missing', '--out'),
    Row(
        'embed_labels --glove none.txt --labels labels.txt --dim 6 --out out/t.npy',
        '--glove: missing',
        'none.txt',
    ),
    Row(
        'embed_labels --glove raw --labels labels.txt --dim 6 --out out/t.npy',
        '--glove: a folder',
        'raw',
    ),
    Row(
        'embed_labels --glove a\0b --labels labels.txt --dim 6 --out out/t.npy',
        '--glove: NUL in its name',
        'a\\x00b | null',
    ),
    Row(
        'embed_labels --glove a.npz --labels labels.txt --dim 6 --out out/t.npy',
        '--glove: a zip',
        'a.npz | packed',
    ),
    Row(
        'embed_labels --glove glove.txt --labels labels.txt --dim 5 --out out/t.npy',
        '--glove: another length',
        'glove.txt: line 1 | 6 numbers | --dim',
    ),
    *rows(
        'embed_labels --glove glove.txt --labels labels.txt --dim 6 --out out/t.npy',
        ('--glove: NaN', 'glove.txt: line 1', text('glove.txt', 'wave nan 1 1 1 1 1\n')),
        ('--glove: words', 'glove.txt: line 1', text('glove.txt', 'wave a b c d e f\n')),
        ('--glove: a word is missing', "glove.txt | 'rest' | class 2", cut('glove.txt', 0.7)),
    ),
    Row(
        'embed_labels --glove glove.txt --labels none.txt --out out/t.npy',
        '--labels: missing',
        'none.txt',
    ),
    *rows(
        'embed_labels --glove glove.txt --labels labels.txt --out out/t.npy',
        ('--labels: empty', 'labels.txt | no labels', text('labels.txt', '')),
        ('--labels: a blank line', 'labels.txt | line 2', text('labels.txt', 'wave\n\nrest\n')),
        ('--labels: no text', 'labels.txt', text('labels.txt', b'\xff\xfe\x00')),
    ),
    Row(
        'embed_labels --glove glove.txt --labels labels.txt --dim -1 --out out/t.npy',
        '--dim: negative',
        '--dim',
    ),
    Row(
        'embed_labels --glove glove.txt --labels labels.txt --dim 6 --out out',
        '--out: a folder',
        'out',
    ),
    Row('make_demo_data out/demo --num-train -1', '--num-train: negative', '-1'),
    Row(
        'make_demo_data out/demo --num-train 4 --seed -1',
        '--seed: negative',
        '--seed | -1 | 4294967295',
    ),
    Row(
        'make_demo_data ids.txt --num-train 2 --num-val 2 --num-test 2',
        'out_dir: a file',
        'ids.txt',
    ),
    Row('demo --seed one', '--seed: no number', '--seed | one'),
    Row('pack tset.pkl', 'file: missing', 'tset.pkl'),
    Row(
        'pack test.pkl',
        'file: wrong keypoints',
        'test.pkl | test_4 | keypoint',
        clip(keypoint=put(0, NAN)),
    ),
    Row('pack test.pkl --img-shape 100 100', '--img-shape: for a pickle', '--img-shape'),
    Row('pack test.pkl --out ids.txt', '--out: a file', 'ids.txt'),
]

SCORES = [
    Row('ensemble a.npz c.npz --out-dir out', 'scores: missing', 'c.npz | no such file'),
    Row('ensemble a.npz raw --out-dir out', 'scores: a folder', 'raw | folder'),
    *rows(
        'ensemble a.npz b.npz --out-dir out',
        ('scores: empty', 'b.npz | empty', text('b.npz', '')),
        ('scores: cut short', 'b.npz', cut('b.npz')),
        (
            'scores: no array of that name',
            "b.npz | 'scores' | probabilities",
            npz('b.npz', probabilities=np.ones((13, 4)), features=np.ones((13, 9))),
        ),
        (
            'scores: NaN',
            'b.npz | row 0 | NaN',
            scores(np.full((13, 4), NAN)),
        ),
        (
            'scores: texts',
            'b.npz | row 0',
            scores(np.full((13, 4), 'a')),
        ),
        (
            'scores: objects',
            'b.npz | objects',
            scores(np.full((13, 4), None)),
        ),
        ('scores: no rows', 'b.npz', scores(np.zeros((0, 4)), np.array([], 'U1'))),
        (
            'scores: three axes',
            'b.npz | row 0 | (2, 4)',
            scores(np.ones((13, 2, 4))),
        ),
        (
            'scores: another number of classes',
            'b.npz | 5 classes | a.npz',
            scores(np.ones((13, 5))),
        ),
        (
            'ids in b.npz: another number',
            'b.npz | ids | 13',
            scores(ids=IDS[:12]),
        ),
        (
            'ids in b.npz: numbers',
            'b.npz | ids',
            scores(ids=range(13)),
        ),
        (
            'ids in b.npz: of other clips',
            'b.npz | test_12 | a.npz',
            scores(ids=[*IDS[:12], 'x']),
        ),
        (
            'ids in b.npz: twice the same',
            'b.npz | test_3 appears twice',
            scores(ids=[*IDS[:12], 'test_3']),
        ),
        (
            'b.npz: a folder in the archive',
            'b.npz | ../scores.npy',
            lambda folder: zipfile.ZipFile(folder / 'b.npz', 'w').writestr('../scores.npy', b'x'),
        ),
        (
            '--out-dir: Submission.csv is a folder',
            'Submission.csv',
            lambda folder: (folder / 'out/Submission.csv').mkdir(),
        ),
    ),
    Row('ensemble a.npz test.pkl --out-dir out', 'scores: an annotation file', 'test.pkl | score'),
    Row(
        'ensemble a.npz --out-dir out',
        'ids in a.npz: one with a comma',
        "id 12 | 'a,b'",
        scores(ids=[*IDS[:12], 'a,b'], name='a.npz'),
    ),
    *rows(
        'ensemble a.pkl --ids ids.txt --out-dir out',
        ('a.pkl: rows of different length', 'a.pkl | row 1', bare([1, 2], [1, 2, 3])),
        ('a.pkl: a dict', 'a.pkl | dict', pickled('a.pkl', {'a': 1})),
        ('a.pkl: an empty list', 'a.pkl', pickled('a.pkl', [])),
        ('a.pkl: infinite', 'a.pkl | row 1 | inf', bare([1, 2], [INF, 0])),
        ('--ids: empty', 'ids.txt | no ids', text('ids.txt', '\n\n')),
        ('--ids: no text', 'ids.txt | UTF-8', text('ids.txt', b'\xff\x00')),
        (
            '--ids: one too few',
            'a.pkl | 13 rows | 12 ids | ids.txt',
            text('ids.txt', '\n'.join(IDS[:12])),
        ),
        (
            '--ids: one with a quote',
            'ids.txt | id 12',
            text('ids.txt', '\n'.join(IDS[:12]) + '\na"b'),
        ),
    ),
    Row('ensemble a.pkl --out-dir out', 'a.pkl: without ids', 'a.pkl | --ids'),
    Row(
        'ensemble a.npz b.pkl --out-dir out',
        'a.pkl: beside scores with ids',
        'b.pkl | --by-position',
    ),
    Row('ensemble a.pkl --ids none.txt --out-dir out', '--ids: missing', 'none.txt'),
    Row('ensemble a.pkl --ids raw --out-dir out', '--ids: a folder', 'raw'),
    Row(
        'ensemble a.npz --ids ids.txt --out-dir out',
        '--ids: of other clips',
        'a.npz | ids.txt | other',
        text('ids.txt', '\n'.join(IDS[:12]) + '\nother'),
    ),
    Row(
        'ensemble a.npz b.npz --weights 1 --out-dir out',
        '--weights: one too few',
        '--weights | 2 streams',
    ),
    Row(
        'ensemble a.npz b.npz a.npz --out-dir out',
        '--weights: none for three',
        '--weights | 3 streams',
    ),
    Row(
        'ensemble a.npz b.npz --weights one 2 --out-dir out',
        '--weights: no number',
        '--weights | one',
    ),
    Row('ensemble a.npz b.npz --weights nan 1 --out-dir out', '--weights: NaN', '--weights | nan'),
    Row('ensemble a.npz b.npz --weights 0 0 --out-dir out', '--weights: all zero', '--weights'),
    Row('ensemble a.npz b.npz --weights 1e39 1 --out-dir out', '--weights: too large', '--weights'),
    Row('ensemble a.npz --labels none.pkl --out-dir out', '--labels: missing', 'none.pkl'),
    Row(
        'ensemble a.npz --labels train.pkl --out-dir out',
        '--labels: of other clips',
        'train.pkl | test_0',
    ),
    Row(
        'ensemble a.npz --labels test.pkl --out-dir out',
        '--labels: beyond the classes',
        'test.pkl | 7',
        clip(label=7),
    ),
    Row('ensemble a.npz b.npz --out-dir ids.txt', '--out-dir: a file', 'ids.txt'),
    Row(
        'ensemble a.npz b.npz --save-scores ids.txt/s.npz --out-dir out',
        '--save-scores: below a file',
        'ids.txt',
    ),
]

ROWS = [*ANNOTATIONS, *RAW, *SCORES]


@pytest.mark.parametrize('row', ROWS, ids=str)
def test_a_wrong_data_file_is_one_message(row, world, capfd, monkeypatch):  # noqa: F811
    call(row, world, capfd, monkeypatch)
