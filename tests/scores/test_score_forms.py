"""Score files in many forms: each gives the same numbers, and the same ids where it has any."""

import io
import json
import pickle

import numpy as np
import pytest
import torch

from pyskl.errors import DataError
from pyskl.scores.score_file import load_scores

IDS = ('0054_0', '0054_1', '0061_0')
SCORES = np.random.default_rng(0).random((3, 5)).round(4).astype(np.float32)
OTHER = SCORES[:, ::-1].copy()
ROWS = [row.copy() for row in SCORES]
TENSOR = torch.from_numpy(SCORES)


def saved(value, **options):
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def csv(sep=',', header=None, ids=IDS):
    rows = [[name, *map(str, row.tolist())] for name, row in zip(ids, SCORES)]
    rows = [row if ids is IDS else row[1:] for row in rows]
    return '\n'.join(sep.join(row) for row in ([header] if header else []) + rows).encode()


COLUMNS = ['id', *(f'class {k}' for k in range(5))]
MMACTION = [
    {'pred_score': row, 'pred_label': row.argmax()[None], 'gt_label': torch.tensor([1])}
    for row in TENSOR
]
PARTS = [{'rgb': a, 'pose': b} for a, b in zip(OTHER, ROWS)]
PICKLED = {
    'a list of arrays': ROWS,
    'a tuple of arrays': tuple(ROWS),
    'one array': SCORES,
    'one view a clip': [row[None] for row in ROWS],
    'an array of one view a clip': SCORES[:, None],
    'an array of objects': np.array([*ROWS, None], object)[:3],
    'lists of lists': SCORES.tolist(),
    'lists of numpy numbers': [list(row) for row in ROWS],
    'tensors in a pickle': list(TENSOR),
    'tensors that want a gradient': [row.clone().requires_grad_() for row in TENSOR],
    'doubles': list(TENSOR.double()),
    'one tensor': TENSOR,
    'a tensor with strides': TENSOR.T.contiguous().T,
    'pred_score of MMAction2': MMACTION,
    'pred_scores of MMAction2 before 1.2': [{'pred_scores': {'item': row}} for row in TENSOR],
    'rows with one part': [{'score': row, 'label': 1} for row in ROWS],
}
POSE_OF = {
    'the pose of rows': PARTS,
    'the pose of tensors': [
        {name: torch.from_numpy(part) for name, part in row.items()} for row in PARTS
    ],
    'the pose of arrays': {'rgb': OTHER, 'pose': SCORES},
    'the pose of lists': {'rgb': list(OTHER), 'pose': ROWS},
}
BARE = {
    **{name: ('a.pkl', pickle.dumps(value)) for name, value in PICKLED.items()},
    **{name: ('a.pkl:pose', pickle.dumps(value)) for name, value in POSE_OF.items()},
    'a list by Python 2': ('a.pkl', pickle.dumps(SCORES.tolist(), 0)),
    'tensors by protocol 2': ('a.pkl', pickle.dumps(list(TENSOR), 2)),
    'npy': ('a.npy', npy(SCORES)),
    'npz of one array': ('a.npz', npz(arr_0=SCORES)),
    'npz without ids': ('a.npz', npz(scores=SCORES)),
    'the pose of an npz': ('a.npz:pose', npz(rgb=OTHER, pose=SCORES)),
    'a name with signs': ('best rgb+joint^1.pkl', pickle.dumps(ROWS)),
    'a name with a colon': ('a:pose', pickle.dumps(ROWS)),
    'a list of torch.save': ('a.pth', saved(list(TENSOR))),
    'a tensor of torch.save': ('a.pt', saved(TENSOR)),
    'dicts of torch.save': ('a.pkl', saved(MMACTION)),
    "torch.save's old form": ('a.pkl', saved(list(TENSOR), _use_new_zipfile_serialization=False)),
    'JSON': ('a.json', json.dumps(SCORES.tolist()).encode()),
    'JSON under another suffix': ('a.pkl', json.dumps(SCORES.tolist()).encode()),
    'csv without ids': ('a.csv', csv(ids=range(3))),
}
BY_NAME, TENSORS_BY_NAME = dict(zip(IDS, ROWS)), dict(zip(IDS, TENSOR))
NAMED = {
    'ours': ('a.npz', npz(ids=np.array(IDS), scores=SCORES)),
    'ours with two parts': ('a.npz:pose', npz(ids=np.array(IDS), rgb=OTHER, pose=SCORES)),
    'a dict by name': ('a.pkl', pickle.dumps(BY_NAME)),
    'a dict of tensors by name': ('a.pkl', pickle.dumps(TENSORS_BY_NAME)),
    'a dict by name of torch.save': ('a.pth', saved(TENSORS_BY_NAME)),
    'an npz by name': ('a.npz', npz(**BY_NAME)),
    'the pose of a dict by name': ('a.pkl:pose', pickle.dumps(dict(zip(IDS, PARTS)))),
    'rows with names': (
        'a.pkl',
        pickle.dumps([{'frame_dir': name, 'pred_score': row} for name, row in zip(IDS, TENSOR)]),
    ),
    'JSON by name, with a byte-order mark': (
        'a.json',
        b'\xef\xbb\xbf' + json.dumps(dict(zip(IDS, SCORES.tolist()))).encode(),
    ),
    'JSON of ids and scores': (
        'a.json',
        json.dumps({'ids': IDS, 'scores': SCORES.tolist()}).encode(),
    ),
    'csv': ('a.csv', csv()),
    'csv with a header': ('a.csv', csv(header=COLUMNS)),
    'csv with the classes from 0 on': ('a.csv', csv(header=['', *'01234'])),
    'csv with the classes from 1 on': ('a.csv', csv(header=['id', *'12345'])),
    'csv of a German spreadsheet': ('a.csv', b'\xef\xbb\xbf' + csv(';', COLUMNS)),
    'csv with tabs': ('a.tsv', csv('\t')),
}


def read(folder, name, content):
    (folder / (name if name == 'a:pose' else name.partition(':')[0])).write_bytes(content)
    return load_scores(folder / name)


@pytest.mark.parametrize('form', [*BARE, *NAMED])
def test_every_form_gives_the_same_scores(tmp_path, form):
    name, content = (BARE | NAMED)[form]
    stream = read(tmp_path, name, content)
    np.testing.assert_array_equal(stream.scores, SCORES)
    assert stream.scores.dtype == np.float32 and stream.path == str(tmp_path / name)
    assert stream.ids == (IDS if form in NAMED else None)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.int64, torch.uint8])
def test_tensors_of_any_type_keep_their_values(tmp_path, dtype):
    tensor = (TENSOR * 100).to(dtype)
    for content in (pickle.dumps(list(tensor)), saved(list(tensor))):
        assert (read(tmp_path, 'a.pkl', content).scores == tensor.float().numpy()).all()


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.pkl', pickle.dumps(PARTS), 'a.pkl:rgb or .*a.pkl:pose'),
        ('a.pkl:flow', pickle.dumps(PARTS), 'a.pkl:rgb or .*a.pkl:pose'),
        ('a.pkl', pickle.dumps({'rgb': OTHER, 'pose': SCORES}), 'a.pkl:rgb or .*a.pkl:pose'),
        ('a.pkl:pose', pickle.dumps(ROWS), 'no part pose'),
        ('a.pkl:pose', pickle.dumps(MMACTION), 'no part pose'),
        ('a.pkl', pickle.dumps([MMACTION[0], ROWS[1]]), 'row 1 is an array'),
        ('a.pkl', pickle.dumps([np.ones((2, 5))] * 3), "average_clips='prob'"),
        ('a.csv', b'0054_0,3\n0054_1,4\n', 'list of answers'),
        ('a.csv', b'', '0 columns'),
        ('a.csv', b'0054_0,3,2\n0054_1,1,x\n', 'row 1 is'),
        ('a.csv', b'0054_0,1,NA\n0054_1,1,2\n', 'row 0 is'),
        ('a.json', b'[' * 5000, 'no whole JSON'),
        ('a.json', b'{"ids": ["a"], "scores": [[1, 2], [3, 4]]}', 'expected 2 strings'),
        ('a.pkl', saved(list(TENSOR))[:-300], 'a.pkl: cannot be read'),
        ('a.pkl', saved([torch.nn.Linear(2, 2)]), 'file of torch.save'),
        ('a.pkl', saved([TENSOR[0].to_sparse()]), 'Dense tensors'),
    ],
)
def test_what_is_no_stream_is_named_with_its_file(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, name, content)
    assert str(tmp_path) in str(error.value) and len(str(error.value)) < 900


def changed(content, old, new):
    assert old in content
    return content.replace(old, new)


def test_a_pickled_tensor_cannot_reach_beyond_its_numbers(tmp_path):
    whole = pickle.dumps([TENSOR[0].clone()], 2)
    for broken in (
        changed(whole, b'K\x05\x85', b'K\x06\x85'),  # size 6 of 5 numbers
        changed(whole, b'K\x05\x85', b'M\xff\xff\x85'),
        changed(whole, b'K\x00K\x05', b'K\x01K\x05'),  # from the second number on
        changed(whole, b'K\x01\x85', b'K\x02\x85'),  # every second number
        changed(whole, b'K\x01\x85', b'J\xff\xff\xff\xff\x85'),  # backwards
        changed(whole, b'FloatStorage', b'Floatstorage'),
        changed(whole, b'\x05' + b'\0' * 7, b'\x04' + b'\0' * 7),  # four numbers announced
    ):
        with pytest.raises(DataError, match='cannot be read as a pickle'):
            read(tmp_path, 'a.pkl', broken)


def test_a_tensor_repeated_without_end_is_refused(tmp_path):
    with pytest.raises(DataError, match='cannot be read as a pickle'):
        read(tmp_path, 'a.pkl', pickle.dumps(torch.zeros(1).expand(1 << 40, 5)))
