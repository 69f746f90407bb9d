"""Damaged and hostile checkpoints: odd tensors, impossible numbers, keys of one hash."""

from __future__ import annotations

import copy
import pickle
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import pytest
import torch
from hostile_pickles import as_global, in_archive, pairs_of_one_hash, short_text
from tiny import problem

from pyskl.apis import train
from pyskl.engine.checkpoint import load_weights, read_checkpoint
from pyskl.engine.optimizer import build_optimizer, load_optimizer
from pyskl.engine.trainer import Trainer
from pyskl.errors import CheckpointError, DataError
from pyskl.files.torch_files import load_tensors
from pyskl.models.pretrained import read_state_dict
from pyskl.scores.score_file import load_scores

NAN, INF, MERSENNE = float('nan'), float('inf'), 2**61 - 1


def nested() -> torch.Tensor:
    return torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])


TENSORS = {
    'sparse': lambda: torch.eye(3).to_sparse(),
    'sparse csr': lambda: torch.eye(3).to_sparse_csr(),
    'quantised': lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
    'nested': nested,
    'meta': lambda: torch.ones(3, device='meta'),
    'complex': lambda: torch.ones(3, dtype=torch.complex64),
    'unfolding': lambda: torch.ones(1).expand(1 << 40),
}


@pytest.mark.filterwarnings('ignore')  # torch's own, of sparse and nested tensors
@pytest.mark.parametrize('kind', TENSORS)
def test_a_weight_that_is_not_dense_is_named_by_its_key(kind, tmp_path):
    path = tmp_path / 'odd.pth'
    torch.save({'state_dict': {'a.weight': torch.ones(2), 'b.weight': TENSORS[kind]()}}, path)
    # torch 2.15 itself refuses nested tensors, and does not say under which key one lies
    refusal = r"odd\.pth.*('b\.weight'.*Dense tensors|_rebuild_nested_tensor)"
    for read in (read_checkpoint, read_state_dict):
        with pytest.raises(CheckpointError, match=refusal):
            read(path)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('kind', ['sparse', 'quantised', 'nested', 'meta', 'unfolding'])
def test_scores_that_are_not_dense_are_refused(kind, tmp_path):
    torch.save({'scores': TENSORS[kind]()}, tmp_path / 'scores.pth')
    with pytest.raises((DataError, CheckpointError), match=r'scores\.pth'):
        load_scores(tmp_path / 'scores.pth')


def test_weights_of_other_types_are_copied_or_refused(tmp_path):
    model = torch.nn.Linear(3, 2)
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.float8_e4m3fn):
        weights = {'weight': torch.ones(2, 3).to(dtype), 'bias': torch.ones(2).to(dtype)}
        load_weights(model, weights, 'a.pth')
        assert torch.equal(model.weight, torch.ones(2, 3))


# What reading costs -------------------------------------------------------------------------------


def old_format(body: bytes) -> bytes:
    head = [
        pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {'little_endian': True})
    ]
    return b''.join(head) + b'\x80\x02' + body + b'.' + pickle.dumps([], 2)


def instructions(value: object) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


def pairs(keys: list) -> bytes:
    return b'(' + b''.join(instructions(key) + b'N' for key in keys)


NUMBERS = [n * MERSENNE for n in range(1, 9)]
LISTED = b'](' + b''.join(instructions(n) + b'N\x86' for n in NUMBERS) + b'e'
COSTLY = {
    'numbers of one hash': b'}' + pairs(NUMBERS) + b'u',
    'numbers of one hash, one by one': b'}' + pairs(NUMBERS)[1:].replace(b'N', b'Ns'),
    'pairs of one hash': b'}' + pairs(pairs_of_one_hash(9)) + b'u',
    'numbers of one hash for an OrderedDict': as_global('collections.OrderedDict') + LISTED + b'\x85R',
    'under the old name of the module': as_global('UserDict.OrderedDict') + LISTED + b'\x85R',
    'numbers of one hash for a set': as_global('builtins.set') + LISTED + b'\x85R',
    'a Counter of a list': as_global('collections.Counter') + LISTED + b'\x85R',
    'pairs as the state of an OrderedDict': as_global('collections.OrderedDict') + b')R' + LISTED + b'b',
    'a set by way of a tensor with a type': as_global('torch._tensor._rebuild_from_type_v2') + b'('
    + as_global('builtins.set') + as_global('torch.Tensor') + LISTED + b'\x85}tR',
    'a bytearray of 1 GB': as_global('builtins.bytearray') + instructions(1 << 30) + b'\x85R',
    'a tensor of 4 TB': b'}' + short_text('a').replace(b'\x8c\x01', b'X\x01\0\0\0') + as_global('torch.Tensor')
    + instructions(1 << 40) + b'\x85Rs',
    'a storage of 4 TB': as_global('torch.storage.UntypedStorage') + instructions(1 << 42) + b'\x85R',
    'a number of 255 bytes': b'\x8a\xff' + b'\x7f' * 255,
}  # fmt: skip


@pytest.mark.parametrize('form', [in_archive, old_format])
@pytest.mark.parametrize('name', COSTLY)
def test_what_costs_more_than_its_size_is_refused_before_torch_reads_it(
    name, form, tmp_path, monkeypatch
):
    def read(*args, **kwargs):
        raise AssertionError('torch was asked')

    (tmp_path / 'odd.pth').write_bytes(form(COSTLY[name]))
    monkeypatch.setattr(torch, 'load', read)
    with pytest.raises(CheckpointError, match=r'odd\.pth: is not a complete checkpoint'):
        read_checkpoint(tmp_path / 'odd.pth')


def test_a_second_pickle_of_the_archive_is_looked_at_too(tmp_path):
    path = tmp_path / 'odd.pth'
    path.write_bytes(in_archive(b'}' + pairs(['a']) + b'u'))
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('archive/DATA.PKL', b'\x80\x02' + COSTLY['pairs of one hash'] + b'.')
    with pytest.raises(CheckpointError, match='used as a key'):
        read_checkpoint(tmp_path / 'odd.pth')


@pytest.mark.parametrize('zipped', [True, False])
def test_what_checkpoints_do_hold_is_read_as_before(tmp_path, zipped):
    content = {
        'state_dict': OrderedDict(a=torch.arange(6.0).reshape(2, 3).t(), b=torch.nn.Parameter(torch.ones(2))),
        'meta': {'counts': Counter('aab'), 'set': {1, 'b'}, 'raw': b'\0\xff', 'array': bytearray(b'\xfe'), 'number': 2**60,
                 'complex': 1j, 'size': torch.Size([2, 3]), 'dtype': torch.float16, 'device': torch.device('cpu')},
        'pairs': {(1, 'a'): 2, ('b', 'c'): 3, 0.5: None},
        'sparse': torch.eye(2).to_sparse(),
    }  # fmt: skip
    content['state_dict']._metadata = OrderedDict({'': {'version': 1}})
    torch.save(content, tmp_path / 'a.pth', _use_new_zipfile_serialization=zipped)
    read = load_tensors(tmp_path / 'a.pth')
    assert (read['meta'], read['pairs']) == (content['meta'], content['pairs'])
    assert torch.equal(read['state_dict']['a'], content['state_dict']['a'])
    assert read['state_dict']._metadata == content['state_dict']._metadata


# What a run goes on from --------------------------------------------------------------------------


@pytest.fixture(scope='module')
def stopped(tmp_path_factory):
    """A trainer after an epoch, and the checkpoint that it wrote."""
    folder = tmp_path_factory.mktemp('stopped')
    held, fit = [], Trainer.fit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, 'fit', lambda self: held.append(self) or fit(self))
        train(problem(folder, 'total_epochs = 1\n', num_train=8, num_test=4))
    return held[0], read_checkpoint(folder / 'run' / 'epoch_1.pth')


NUMBER_FIELDS = [
    ('meta', 'epoch'), ('meta', 'hook_msgs', 'best_score'), ('resume', 'inner'), ('resume', 'total_batch'),
    ('resume', 'clips'), ('resume', 'windows', 0, 'count'), ('resume', 'windows', 0, 'sums', 'loss'),
    ('optimizer', 'param_groups', 0, 'lr'),
]  # fmt: skip
ODD_NUMBERS = [NAN, INF, -1e300, 10**400, 'abc', [1], torch.ones(3), torch.eye(2).to_sparse(), True]
WHOLE = [
    ('optimizer',), ('resume',), ('resume', 'windows', 0), ('optimizer', 'state'),
    ('optimizer', 'param_groups'), ('meta', 'hook_msgs'),
]  # fmt: skip
FIRST = 'optimizer', 'state', 0, 'momentum_buffer'


def changed(checkpoint: dict, place: tuple, value: object) -> dict:
    checkpoint = copy.deepcopy(checkpoint)
    inner = checkpoint
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return checkpoint


def refused(trainer: Trainer, checkpoint: dict) -> None:
    with pytest.raises(CheckpointError, match=r'odd\.pth: its training state'):
        trainer.resume(checkpoint, 'odd.pth')


@pytest.mark.parametrize('place', NUMBER_FIELDS, ids=str)
def test_a_number_of_a_run_that_cannot_be_is_refused(place, stopped):
    trainer, checkpoint = stopped
    for value in ODD_NUMBERS:
        if place[-1] == 'best_score' and value is NAN:
            continue  # an honest one: a metric without meaning
        refused(trainer, changed(checkpoint, place, value))
    trainer.resume(checkpoint, 'whole.pth')


@pytest.mark.parametrize('place', WHOLE, ids=str)
def test_something_else_in_place_of_a_part_is_refused(place, stopped):
    for value in ('abc', 7, [[1]], torch.ones(3)):
        refused(stopped[0], changed(stopped[1], place, value))


def test_the_state_of_an_optimiser_is_numbers_of_its_weights_shape(stopped):
    trainer, checkpoint = stopped
    ones = torch.ones_like(checkpoint['optimizer']['state'][0]['momentum_buffer'])
    odd = (torch.ones(7), ones.to_sparse(), ones.long(), ones.to('meta'))
    for value in ('abc', 3, [1.0], *odd):
        refused(trainer, changed(checkpoint, FIRST, value))
    refused(trainer, changed(checkpoint, FIRST[:-1], {'exp_avg': ones}))  # Adam's


def test_one_number_that_stands_for_many_is_copied(stopped):
    trainer, checkpoint = stopped
    shape = checkpoint['optimizer']['state'][0]['momentum_buffer'].shape
    trainer.resume(changed(checkpoint, FIRST, torch.ones(1).expand(shape)), 'odd.pth')
    first = trainer.optimizer.param_groups[0]['params'][0]
    momentum = trainer.optimizer.state[first]['momentum_buffer']
    momentum.mul_(0.5)  # as a step does
    assert torch.equal(momentum, torch.full(shape, 0.5))
    trainer.resume(checkpoint, 'whole.pth')


@pytest.mark.parametrize('step', ['abc', NAN, INF, -3, 1e300, None])
def test_the_count_of_adams_steps_is_a_number(step):
    weight = torch.nn.Parameter(torch.ones(2))
    model = torch.nn.ParameterList([weight])
    optimizer = build_optimizer(model, {'type': 'Adam', 'lr': 0.1})
    weight.grad = torch.ones(2)
    optimizer.step()
    state = copy.deepcopy(optimizer.state_dict())
    load_optimizer(optimizer, state)
    assert optimizer.state[weight]['step'] == 1
    state['state'][0]['step'] = torch.tensor(step) if isinstance(step, float) else step
    with pytest.raises(ValueError, match='step'):
        load_optimizer(optimizer, state)


def test_names_of_classes_in_a_checkpoint_are_never_read_as_a_files_name(
    stopped, tmp_path, monkeypatch
):
    from pyskl.apis.inference import init_recognizer

    folder = Path(stopped[0].folder.folder).parent
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'secret.txt').write_text('a\nb\nc\n')
    content = {'meta': {'label_names': 'secret.txt'}, 'state_dict': stopped[1]['state_dict']}
    torch.save(content, tmp_path / 'odd.pth')
    model = init_recognizer(str(folder / 'tiny.py'), str(tmp_path / 'odd.pth'), device='cpu')
    assert model.label_sources[1][1] is None
