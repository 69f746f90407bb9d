"""Wrong data files given to the scripts: annotations, raw arrays, csv, label vectors, scores, ids. Each is one message."""
from __future__ import annotations

import pickle
import shutil
import zipfile

import numpy as np
import pytest
from bad_input import IDS, Row, array, as_folder, as_loop, call, clip, config, cut, npz, pickled, put, text, world  # noqa: F401 (a fixture)

NAN, INF = float('nan'), float('inf')
LONG = 300 * 'n' + '.pkl'        # longer than a file system takes


def spoilt(field: str, fault: str, *says: str, **fields) -> Row:
    """test.py with one clip of test.pkl spoilt."""
    return Row('test', f'test.pkl {field}', fault, 'tiny.py', ('test.pkl', 'test_4', *(says or (field,))), clip(**fields))


def raw_label(names=('0001_0', '0001_1', '0002_0'), labels=(3, 5, 31)):
    return pickled('raw/train_label.pkl', (names, labels))


def bare(*rows):
    return pickled('a.pkl', [np.array(row, np.float32) for row in rows])


ANNOTATIONS = [
    Row('test', 'data.test.ann_file', 'missing', 'bad.py --work-dir run', ('tset.pkl', 'no such file', 'test.pkl'),
        config("data['test']['ann_file'] = 'tset.pkl'")),
    Row('test', 'data.test.ann_file', 'a name too long', ['tiny.py', '--cfg-options', f'data.test.ann_file={LONG}'],
        ('nnn', 'too long')),
    Row('test', 'data.test.ann_file', 'a folder', 'tiny.py', ('test.pkl', 'folder'), as_folder('test.pkl')),
    Row('test', 'data.test.ann_file', 'a link to itself', 'tiny.py', ('test.pkl', 'cannot be opened'), as_loop('test.pkl')),
    Row('test', 'data.test.ann_file', 'empty', 'tiny.py', ('test.pkl', 'empty'), text('test.pkl', '')),
    Row('test', 'data.test.ann_file', 'cut short', 'tiny.py', ('test.pkl', 'cannot be read as a pickle'), cut('test.pkl')),
    Row('test', 'data.test.ann_file', 'text', 'tiny.py', ('test.pkl', 'JSON'), text('test.pkl', '{"split": {}}')),
    Row('test', 'data.test.ann_file', 'an .npz file', 'tiny.py', ('test.pkl', '.npz archive'),
        lambda folder: shutil.copy(folder / 'a.npz', folder / 'test.pkl')),
    Row('test', 'data.test.ann_file', 'a checkpoint', 'tiny.py', ('test.pkl', 'PyTorch file'),
        lambda folder: shutil.copy(folder / 'trained.pth', folder / 'test.pkl')),
    Row('test', 'test.pkl', 'no annotations', 'tiny.py', ('test.pkl', 'no annotations'),
        pickled('test.pkl', {'split': {}, 'annotations': []})),
    Row('test', 'test.pkl', 'another kind of dict', 'tiny.py', ('test.pkl', "'annotations'"), pickled('test.pkl', {'data': [1]})),
    Row('test', 'test.pkl', 'a number', 'tiny.py', ('test.pkl',), pickled('test.pkl', 5)),
    Row('test', 'test.pkl split', 'a list', 'tiny.py', ('test.pkl', "'split'"), pickled('test.pkl', {'split': [1], 'annotations': [{}]})),
    Row('train', 'train.pkl split', 'empty', 'bad.py --work-dir new', ('train.pkl', "'other'"),
        lambda folder: [config("data['train']['split'] = 'other'")(folder), spoil_split(folder, other=[])]),
    Row('train', 'train.pkl split', 'of other clips', 'bad.py --work-dir new', ('train.pkl', "'other'"),
        lambda folder: [config("data['train']['split'] = 'other'")(folder), spoil_split(folder, other=['nobody'])]),
    Row('test', 'test.pkl frame_dir', 'twice the same', 'tiny.py', ('test.pkl', 'test_4', 'more than once'),
        clip(row=5, frame_dir='test_4')),
    Row('test', 'test.pkl frame_dir', 'missing', 'tiny.py', ('test.pkl', 'annotations[4]', 'frame_dir'), clip(frame_dir=None)),
    Row('test', 'test.pkl frame_dir', 'a number', 'tiny.py', ('test.pkl', 'annotations[4]', 'frame_dir'), clip(frame_dir=7)),
    spoilt('keypoint', 'missing', keypoint=None),
    spoilt('keypoint', 'NaN', 'keypoint', 'NaN', keypoint=put(0, 3, 1, 0, NAN)),
    spoilt('keypoint', 'infinite', 'keypoint', 'inf', keypoint=put(0, 3, 1, 0, -INF)),
    spoilt('keypoint', 'text', 'keypoint', 'dtype', keypoint=lambda old: old.astype(str)),
    spoilt('keypoint', 'objects', 'keypoint', 'object', keypoint=lambda old: np.array([{}, 1], object)),
    spoilt('keypoint', 'a list', 'keypoint', 'list', keypoint=lambda old: [[1, 2], [3]]),
    spoilt('keypoint', 'without the axis of people', 'keypoint', '(20, 5, 2)', keypoint=lambda old: old[0]),
    spoilt('keypoint', 'four coordinates', 'keypoint', '(1, 20, 5, 4)', keypoint=lambda old: np.repeat(old, 2, -1)),
    spoilt('keypoint', 'no frames', 'keypoint', 'no frames', keypoint=lambda old: old[:, :0], keypoint_score=lambda old: old[:, :0]),
    spoilt('keypoint', 'other joints than the rest', 'keypoint', 'same joints', keypoint=lambda old: old[:, :, :4],
              keypoint_score=lambda old: old[:, :, :4]),
    spoilt('keypoint_score', 'another shape', 'keypoint_score', '(1, 20, 4)', keypoint_score=lambda old: old[..., :4]),
    spoilt('keypoint_score', 'NaN', 'keypoint_score', 'NaN', keypoint_score=put(0, 0, 0, NAN)),
    spoilt('label', 'a text', 'label', "'wave'", label='wave'),
    spoilt('label', 'half of one', label=1.5),
    spoilt('label', 'negative', 'label', '-5', label=-5),
    spoilt('label', '3 of 3 classes', 'label', '3', label=3),
    spoilt('img_shape', 'zero height', img_shape=(0, 320)),
    spoilt('img_shape', 'negative width', img_shape=(240, -320)),
    spoilt('img_shape', 'one number', img_shape=(240,)),
    spoilt('total_frames', 'zero', total_frames=0),
    Row('train', 'train.pkl label', 'missing', 'tiny.py --work-dir new', ('train.pkl', 'train_2', 'label'),
        clip('train.pkl', 2, label=None)),
    Row('train', 'train.pkl label', '3 of 3 classes', 'tiny.py --work-dir new', ('train.pkl', 'train_2', 'label 3'),
        clip('train.pkl', 2, label=3)),
    Row('train', 'val.pkl', 'cut short', 'tiny.py --work-dir new', ('val.pkl',), cut('val.pkl')),
    Row('train', 'val.pkl keypoint', 'NaN', 'tiny.py --work-dir new', ('val.pkl', 'val_2', 'keypoint'),
        clip('val.pkl', 2, keypoint=put(0, NAN))),
    Row('train', 'label_embeddings', 'missing', 'bad.py --work-dir new', ('none.npy',),
        config("data['train']['label_embeddings'] = 'none.npy'")),
    Row('train', 'label_embeddings', 'NaN', 'tiny.py --work-dir new', ('labels.npy', 'class 1'), array('labels.npy', put(1, 2, NAN))),
    Row('train', 'label_embeddings', 'a row too few', 'tiny.py --work-dir new', ('train.pkl', 'label 2'),
        array('labels.npy', lambda old: old[:2])),
    Row('train', 'label_embeddings', 'one axis', 'tiny.py --work-dir new', ('labels.npy', '(3,)'), array('labels.npy', np.ones(3))),
    Row('train', 'label_embeddings', 'objects', 'tiny.py --work-dir new', ('labels.npy', 'objects'),
        array('labels.npy', np.array([['a', None]]))),
    Row('train', 'label_embeddings', 'text', 'tiny.py --work-dir new', ('labels.npy',), array('labels.npy', np.full((3, 6), 'a'))),
    Row('train', 'label_embeddings', 'cut short', 'tiny.py --work-dir new', ('labels.npy', 'cut short'), cut('labels.npy', 0.9)),
    Row('train', 'label_embeddings', 'a text file', 'tiny.py --work-dir new', ('labels.npy',), text('labels.npy', 'wave 0.1 0.2\n')),
    Row('check_data', 'file', 'missing', 'tset.pkl', ('tset.pkl', 'no such file')),
    Row('check_data', 'file', 'a folder', 'raw', ('raw', 'folder')),
    Row('check_data', 'file', 'another kind of pickle', 'ids.txt', ('ids.txt', 'dict'), pickled('ids.txt', {'a': [1]})),
    Row('check_data', 'file', 'none given', [], ('file',)),
    Row('check_data', '--num-classes', 'zero', 'test.pkl --num-classes 0', ('--num-classes 0',)),
    Row('check_data', '--layout', 'unknown', 'test.pkl --layout coco18', ('coco18', 'imigue22')),
]


def spoil_split(folder, **split):
    data = pickle.loads((folder / 'train.pkl').read_bytes())
    (folder / 'train.pkl').write_bytes(pickle.dumps({**data, 'split': split}, 4))


CONVERT = '--data-dir raw --out-dir out'
RAW = [
    Row('readlabel', '--data-dir', 'a name too long', f'--data-dir {LONG} --out-dir out', ('nnn', 'too long')),
    Row('readlabel', '--val-videos', 'a name too long', f'{CONVERT} --val-videos {LONG}', ('nnn', 'no clip')),
    Row('readlabel', '--data-dir', 'missing', '--data-dir none --out-dir out', ('none', 'train_data.npy')),
    Row('readlabel', '--data-dir', 'empty', '--data-dir out --out-dir out', ('out', 'train_data.npy')),
    Row('readlabel', '--splits', 'unknown', f'{CONVERT} --splits all', ('--splits', 'all')),
    Row('readlabel', '--splits', 'not there', f'{CONVERT} --splits val', ('val_data.npy',)),
    Row('readlabel', '--img-shape', 'zero', f'{CONVERT} --img-shape 0 100', ('--img-shape 0 100',)),
    Row('readlabel', '--img-shape', 'one number', f'{CONVERT} --img-shape 100', ('--img-shape',)),
    Row('readlabel', '--out-dir', 'a file', '--data-dir raw --out-dir ids.txt', ('ids.txt',)),
    Row('readlabel', '--val-videos', 'no such video', f'{CONVERT} --val-videos 0009', ('0009', '0001')),
    Row('readlabel', '--val-videos', 'all of them', f'{CONVERT} --val-videos 0001 0002', ('train_data.npy', 'nothing is left')),
    Row('readlabel', 'train_data.npy', 'whole numbers', CONVERT, ('train_data.npy', 'int64'),
        array('raw/train_data.npy', lambda old: old.astype(int))),
    Row('readlabel', 'train_data.npy', 'objects', CONVERT, ('train_data.npy', 'objects'),
        array('raw/train_data.npy', lambda old: old.astype(object))),
    Row('readlabel', 'train_data.npy', 'an axis too few', CONVERT, ('train_data.npy', '(3, 3, 6, 22)'),
        array('raw/train_data.npy', lambda old: old[..., 0])),
    Row('readlabel', 'train_data.npy', 'two channels', CONVERT, ('train_data.npy', '(3, 2, 6, 22, 1)'),
        array('raw/train_data.npy', lambda old: old[:, :2])),
    Row('readlabel', 'train_data.npy', 'NaN', CONVERT, ('train_data.npy', '0001_1', 'keypoint', 'NaN'),
        array('raw/train_data.npy', put(1, 0, 2, 3, 0, NAN))),
    Row('readlabel', 'train_data.npy', 'an infinite score', CONVERT, ('train_data.npy', '0002_0', 'keypoint_score'),
        array('raw/train_data.npy', put(2, 2, 0, 0, 0, INF))),
    Row('readlabel', 'train_data.npy', 'cut short', CONVERT, ('train_data.npy', 'cut short'), cut('raw/train_data.npy')),
    Row('readlabel', 'train_data.npy', 'no .npy file', CONVERT, ('train_data.npy',), text('raw/train_data.npy', 'x,y\n1,2\n')),
    Row('readlabel', 'train_data.npy', 'a folder', CONVERT, ('train_data.npy', 'folder'), as_folder('raw/train_data.npy')),
    Row('readlabel', 'test_data.npy', 'wrong, when train was right', CONVERT, ('test_data.npy', '0001_0'),
        array('raw/test_data.npy', put(0, NAN))),
    Row('readlabel', 'train_label.pkl', 'too few labels', CONVERT, ('train_label.pkl', '2 labels for 3 clips'), raw_label(labels=[1, 2])),
    Row('readlabel', 'train_label.pkl', 'too many names', CONVERT, ('train_label.pkl', '4 names for 3 clips'),
        raw_label(names=list('abcd'))),
    Row('readlabel', 'train_label.pkl', 'names twice', CONVERT, ('0001_0', 'more than once'), raw_label(names=['0001_0', '0001_0', 'b'])),
    Row('readlabel', 'train_label.pkl', 'names that are numbers', CONVERT, ('train_label.pkl', 'names'), raw_label(names=[1, 2, 3])),
    Row('readlabel', 'train_label.pkl', 'labels that are texts', CONVERT, ('label',), raw_label(labels=['a', 'b', 'c'])),
    Row('readlabel', 'train_label.pkl', 'negative labels', CONVERT, ('label', '-2'), raw_label(labels=[0, -2, 1])),
    Row('readlabel', 'train_label.pkl', 'NaN for a label', CONVERT, ('label', 'nan'), raw_label(labels=[0, NAN, 1])),
    Row('readlabel', 'train_label.pkl', 'a list of three', CONVERT, ('train_label.pkl', '(names, labels)'),
        pickled('raw/train_label.pkl', [1, 2, 3])),
    Row('readlabel', 'train_label.pkl', 'empty', CONVERT, ('train_label.pkl', 'empty'), text('raw/train_label.pkl', '')),
    Row('readlabel', '--csv', 'missing', '--csv none --out-dir out', ('none', '_light_hand.csv')),
    Row('readlabel', '--csv', 'a file', '--csv ids.txt --out-dir out', ('ids.txt', '_light_hand.csv')),
    Row('readlabel', '--csv', 'two splits', '--csv csv --out-dir out --splits train val', ('--csv', 'one split')),
    Row('readlabel', '0005_light_hand.csv', 'a column too few', '--csv csv --out-dir out', ('0005_light_hand.csv', '106 columns'),
        text('csv/0005_light_hand.csv', ','.join(['1'] * 105) + '\n')),
    Row('readlabel', '0005_light_hand.csv', 'words', '--csv csv --out-dir out', ('0005_light_hand.csv',),
        text('csv/0005_light_hand.csv', (','.join(['1'] * 106) + '\n') + ','.join(['x'] * 106) + '\n')),
    Row('readlabel', '0005_light_hand.csv', 'empty', '--csv csv --out-dir out', ('0005_light_hand.csv',),
        text('csv/0005_light_hand.csv', '')),
    Row('readlabel', '0005_light_hand.csv', 'infinite', '--csv csv --out-dir out', ('0005_light_hand.csv', 'inf'),
        text('csv/0005_light_hand.csv', '0,' + ','.join(['inf'] * 105) + '\n')),
    Row('readlabel', '0005.csv', 'missing', '--csv csv --out-dir out', ('0005_light_hand.csv', '0005.csv'),
        lambda folder: (folder / 'csv/0005.csv').unlink()),
    Row('readlabel', '0005.csv', 'class 33', '--csv csv --out-dir out', ('0005.csv', '33'), text('csv/0005.csv', '33,0,3\n')),
    Row('readlabel', '0005.csv', 'frames that are not there', '--csv csv --out-dir out', ('0005.csv', '100'),
        text('csv/0005.csv', '3,100,120\n')),
    Row('readlabel', '0005.csv', 'binary', '--csv csv --out-dir out', ('0005.csv',), text('csv/0005.csv', bytes(range(256)))),
    Row('embed_labels', '--out', 'missing', '--glove glove.txt', ('--out',)),
    Row('embed_labels', '--glove', 'missing', '--glove none.txt --labels labels.txt --dim 6 --out out/t.npy', ('none.txt',)),
    Row('embed_labels', '--glove', 'a folder', '--glove raw --labels labels.txt --dim 6 --out out/t.npy', ('raw',)),
    Row('embed_labels', '--glove', 'NUL in its name', ['--glove', 'a\0b', '--labels', 'labels.txt', '--dim', '6', '--out', 'out/t.npy'],
        (r'a\x00b', 'null')),
    Row('embed_labels', '--glove', 'a zip', '--glove a.npz --labels labels.txt --dim 6 --out out/t.npy', ('a.npz', 'packed')),
    Row('embed_labels', '--glove', 'another length', '--glove glove.txt --labels labels.txt --dim 5 --out out/t.npy',
        ('glove.txt: line 1', '6 numbers', '--dim')),
    Row('embed_labels', '--glove', 'NaN', '--glove glove.txt --labels labels.txt --dim 6 --out out/t.npy', ('glove.txt: line 1',),
        text('glove.txt', 'wave nan 1 1 1 1 1\n')),
    Row('embed_labels', '--glove', 'words', '--glove glove.txt --labels labels.txt --dim 6 --out out/t.npy', ('glove.txt: line 1',),
        text('glove.txt', 'wave a b c d e f\n')),
    Row('embed_labels', '--glove', 'a word is missing', '--glove glove.txt --labels labels.txt --dim 6 --out out/t.npy',
        ('glove.txt', "'rest'", 'class 2'),
        cut('glove.txt', 0.7)),
    Row('embed_labels', '--labels', 'missing', '--glove glove.txt --labels none.txt --out out/t.npy', ('none.txt',)),
    Row('embed_labels', '--labels', 'empty', '--glove glove.txt --labels labels.txt --out out/t.npy', ('labels.txt', 'no labels'),
        text('labels.txt', '')),
    Row('embed_labels', '--labels', 'a blank line', '--glove glove.txt --labels labels.txt --out out/t.npy', ('labels.txt', 'line 2'),
        text('labels.txt', 'wave\n\nrest\n')),
    Row('embed_labels', '--labels', 'no text', '--glove glove.txt --labels labels.txt --out out/t.npy', ('labels.txt',),
        text('labels.txt', b'\xff\xfe\x00')),
    Row('embed_labels', '--dim', 'negative', '--glove glove.txt --labels labels.txt --dim -1 --out out/t.npy', ('--dim',)),
    Row('embed_labels', '--out', 'a folder', '--glove glove.txt --labels labels.txt --dim 6 --out out', ('out',)),
    Row('make_demo_data', '--num-train', 'negative', 'out/demo --num-train -1', ('-1',)),
    Row('make_demo_data', '--seed', 'negative', 'out/demo --num-train 4 --seed -1', ('--seed', '-1', '4294967295')),
    Row('make_demo_data', 'out_dir', 'a file', 'ids.txt --num-train 2 --num-val 2 --num-test 2', ('ids.txt',)),
    Row('demo', '--seed', 'no number', '--seed one', ('--seed', 'one')),
    Row('pack', 'file', 'missing', 'tset.pkl', ('tset.pkl',)),
    Row('pack', 'file', 'wrong keypoints', 'test.pkl', ('test.pkl', 'test_4', 'keypoint'), clip(keypoint=put(0, NAN))),
    Row('pack', '--img-shape', 'for a pickle', 'test.pkl --img-shape 100 100', ('--img-shape',)),
    Row('pack', '--out', 'a file', 'test.pkl --out ids.txt', ('ids.txt',)),
]

BLEND = '--out-dir out'
SCORES = [
    Row('ensemble', 'scores', 'missing', f'a.npz c.npz {BLEND}', ('c.npz', 'no such file')),
    Row('ensemble', 'scores', 'a folder', f'a.npz raw {BLEND}', ('raw', 'folder')),
    Row('ensemble', 'scores', 'empty', f'a.npz b.npz {BLEND}', ('b.npz', 'empty'), text('b.npz', '')),
    Row('ensemble', 'scores', 'cut short', f'a.npz b.npz {BLEND}', ('b.npz',), cut('b.npz')),
    Row('ensemble', 'scores', 'an annotation file', f'a.npz test.pkl {BLEND}', ('test.pkl', 'score')),
    Row('ensemble', 'scores', 'no array of that name', f'a.npz b.npz {BLEND}', ('b.npz', "'scores'", 'probabilities'),
        npz('b.npz', probabilities=np.ones((13, 4)), features=np.ones((13, 9)))),
    Row('ensemble', 'scores', 'NaN', f'a.npz b.npz {BLEND}', ('b.npz', 'row 0', 'NaN'),
        npz('b.npz', ids=np.array(IDS), scores=np.full((13, 4), NAN))),
    Row('ensemble', 'scores', 'texts', f'a.npz b.npz {BLEND}', ('b.npz', 'row 0'),
        npz('b.npz', ids=np.array(IDS), scores=np.full((13, 4), 'a'))),
    Row('ensemble', 'scores', 'objects', f'a.npz b.npz {BLEND}', ('b.npz', 'objects'),
        npz('b.npz', ids=np.array(IDS), scores=np.full((13, 4), None))),
    Row('ensemble', 'scores', 'no rows', f'a.npz b.npz {BLEND}', ('b.npz',),
        npz('b.npz', ids=np.array([], 'U1'), scores=np.zeros((0, 4)))),
    Row('ensemble', 'scores', 'three axes', f'a.npz b.npz {BLEND}', ('b.npz', 'row 0', '(2, 4)'),
        npz('b.npz', ids=np.array(IDS), scores=np.ones((13, 2, 4)))),
    Row('ensemble', 'scores', 'another number of classes', f'a.npz b.npz {BLEND}', ('b.npz', '5 classes', 'a.npz'),
        npz('b.npz', ids=np.array(IDS), scores=np.ones((13, 5)))),
    Row('ensemble', 'ids in b.npz', 'another number', f'a.npz b.npz {BLEND}', ('b.npz', 'ids', '13'),
        npz('b.npz', ids=np.array(IDS[:12]), scores=np.ones((13, 4)))),
    Row('ensemble', 'ids in b.npz', 'numbers', f'a.npz b.npz {BLEND}', ('b.npz', 'ids'),
        npz('b.npz', ids=np.arange(13), scores=np.ones((13, 4)))),
    Row('ensemble', 'ids in b.npz', 'of other clips', f'a.npz b.npz {BLEND}', ('b.npz', 'test_12', 'a.npz'),
        npz('b.npz', ids=np.array([*IDS[:12], 'x']), scores=np.ones((13, 4)))),
    Row('ensemble', 'ids in b.npz', 'twice the same', f'a.npz b.npz {BLEND}', ('b.npz', 'test_3 appears twice'),
        npz('b.npz', ids=np.array([*IDS[:12], 'test_3']), scores=np.ones((13, 4)))),
    Row('ensemble', 'ids in a.npz', 'one with a comma', f'a.npz {BLEND}', ('id 12', "'a,b'"),
        npz('a.npz', ids=np.array([*IDS[:12], 'a,b']), scores=np.ones((13, 4)))),
    Row('ensemble', 'b.npz', 'a folder in the archive', f'a.npz b.npz {BLEND}', ('b.npz', '../scores.npy'),
        lambda folder: zipfile.ZipFile(folder / 'b.npz', 'w').writestr('../scores.npy', b'x')),
    Row('ensemble', 'a.pkl', 'rows of different length', f'a.pkl --ids ids.txt {BLEND}', ('a.pkl', 'row 1'), bare([1, 2], [1, 2, 3])),
    Row('ensemble', 'a.pkl', 'a dict', f'a.pkl --ids ids.txt {BLEND}', ('a.pkl', 'dict'), pickled('a.pkl', {'a': 1})),
    Row('ensemble', 'a.pkl', 'an empty list', f'a.pkl --ids ids.txt {BLEND}', ('a.pkl',), pickled('a.pkl', [])),
    Row('ensemble', 'a.pkl', 'infinite', f'a.pkl --ids ids.txt {BLEND}', ('a.pkl', 'row 1', 'inf'), bare([1, 2], [INF, 0])),
    Row('ensemble', 'a.pkl', 'without ids', f'a.pkl {BLEND}', ('a.pkl', '--ids')),
    Row('ensemble', 'a.pkl', 'beside scores with ids', f'a.npz b.pkl {BLEND}', ('b.pkl', '--by-position')),
    Row('ensemble', '--ids', 'missing', f'a.pkl --ids none.txt {BLEND}', ('none.txt',)),
    Row('ensemble', '--ids', 'a folder', f'a.pkl --ids raw {BLEND}', ('raw',)),
    Row('ensemble', '--ids', 'empty', f'a.pkl --ids ids.txt {BLEND}', ('ids.txt', 'no ids'), text('ids.txt', '\n\n')),
    Row('ensemble', '--ids', 'no text', f'a.pkl --ids ids.txt {BLEND}', ('ids.txt', 'UTF-8'), text('ids.txt', b'\xff\x00')),
    Row('ensemble', '--ids', 'one too few', f'a.pkl --ids ids.txt {BLEND}', ('a.pkl', '13 rows', '12 ids', 'ids.txt'),
        text('ids.txt', '\n'.join(IDS[:12]))),
    Row('ensemble', '--ids', 'one with a quote', f'a.pkl --ids ids.txt {BLEND}', ('ids.txt', 'id 12'),
        text('ids.txt', '\n'.join([*IDS[:12], 'a"b']))),
    Row('ensemble', '--ids', 'of other clips', f'a.npz --ids ids.txt {BLEND}', ('a.npz', 'ids.txt', 'other'),
        text('ids.txt', '\n'.join([*IDS[:12], 'other']))),
    Row('ensemble', '--weights', 'one too few', f'a.npz b.npz --weights 1 {BLEND}', ('--weights', '2 streams')),
    Row('ensemble', '--weights', 'none for three', f'a.npz b.npz a.npz {BLEND}', ('--weights', '3 streams')),
    Row('ensemble', '--weights', 'no number', f'a.npz b.npz --weights one 2 {BLEND}', ('--weights', 'one')),
    Row('ensemble', '--weights', 'NaN', f'a.npz b.npz --weights nan 1 {BLEND}', ('--weights', 'nan')),
    Row('ensemble', '--weights', 'all zero', f'a.npz b.npz --weights 0 0 {BLEND}', ('--weights',)),
    Row('ensemble', '--weights', 'too large', f'a.npz b.npz --weights 1e39 1 {BLEND}', ('--weights',)),
    Row('ensemble', '--labels', 'missing', f'a.npz --labels none.pkl {BLEND}', ('none.pkl',)),
    Row('ensemble', '--labels', 'of other clips', f'a.npz --labels train.pkl {BLEND}', ('train.pkl', 'test_0')),
    Row('ensemble', '--labels', 'beyond the classes', f'a.npz --labels test.pkl {BLEND}', ('test.pkl', '7'), clip(label=7)),
    Row('ensemble', '--out-dir', 'a file', 'a.npz b.npz --out-dir ids.txt', ('ids.txt',)),
    Row('ensemble', '--out-dir', 'Submission.csv is a folder', f'a.npz b.npz {BLEND}', ('Submission.csv',),
        lambda folder: (folder / 'out/Submission.csv').mkdir()),
    Row('ensemble', '--save-scores', 'below a file', f'a.npz b.npz --save-scores ids.txt/s.npz {BLEND}', ('ids.txt',)),
]

ROWS = [*ANNOTATIONS, *RAW, *SCORES]


def test_no_row_stands_twice():
    assert len({str(row) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize('row', ROWS, ids=str)
def test_a_wrong_data_file_is_one_message(row, world, tmp_path, capfd, monkeypatch):  # noqa: F811
    call(row, shutil.copytree(world, tmp_path / 'w', symlinks=True), capfd, monkeypatch)
