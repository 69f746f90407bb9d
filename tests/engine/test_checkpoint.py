"""Checkpoints: read without running anything, never half-written, damaged ones passed over."""

import os
import pickle

import numpy as np
import pytest
import torch
from goldens import GOLDEN, needs_golden
from kill_training import same

from pyskl.engine.checkpoint import (
    CheckpointFolder,
    load_weights,
    read_checkpoint,
    write_checkpoint,
)
from pyskl.errors import CheckpointError
from pyskl.models.pretrained import read_state_dict


def snapshot(value=1.0, **meta):
    return {
        'meta': {'epoch': 1, **meta},
        'state_dict': {'weight': torch.full((2, 3), value)},
        'optimizer': {},
    }


def test_names_of_files_that_are_no_utf_8_are_kept(tmp_path):
    config = "work_dir = 'n\udcff\udce9'"
    torch.save(snapshot(config=config), tmp_path / 'a.pth')
    assert read_checkpoint(tmp_path / 'a.pth')['meta']['config'] == config


@needs_golden
@pytest.mark.parametrize('name', ['best_top1_acc_epoch_1.pth', 'epoch_2.pth'])
def test_checkpoints_of_the_published_code_load(name):
    data = read_checkpoint(GOLDEN / 'legacy' / name)
    assert len(data['state_dict']) == 262
    assert float(data['meta']['hook_msgs']['best_score']) == 0.05


def test_a_numpy_scalar_in_meta_loads_as_old_checkpoints_have_it(tmp_path):
    torch.save(snapshot(best=np.float64(0.25)), tmp_path / 'old.pth')
    assert read_checkpoint(tmp_path / 'old.pth')['meta']['best'] == 0.25


def test_a_bare_state_dict_is_a_checkpoint_too(tmp_path):
    torch.save({'weight': torch.ones(2)}, tmp_path / 'bare.pth')
    assert read_checkpoint(tmp_path / 'bare.pth')['meta'] == {}


class Evil:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize('zipped', [True, False])
def test_a_checkpoint_that_would_run_something_is_refused_and_runs_nothing(tmp_path, zipped):
    evil = {**snapshot(), 'meta': {'x': Evil(f'touch {tmp_path}/ran')}}
    torch.save(evil, tmp_path / 'evil.pth', _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r'evil\.pth: refused.* would run (posix|nt)\.system'):
        read_checkpoint(tmp_path / 'evil.pth')
    assert not (tmp_path / 'ran').exists()


def test_a_plain_pickle_with_a_command_is_refused(tmp_path):
    (tmp_path / 'evil.pth').write_bytes(pickle.dumps(Evil(f'touch {tmp_path}/ran')))
    with pytest.raises(CheckpointError):
        read_checkpoint(tmp_path / 'evil.pth')
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('content', [b'', b'PK\x03\x04 cut', b'just text'])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / 'bad.pth').write_bytes(content)
    with pytest.raises(CheckpointError, match='bad.pth.*not a complete checkpoint'):
        read_checkpoint(tmp_path / 'bad.pth')


@pytest.mark.parametrize('content', [[1, 2], {'meta': {}}, {'state_dict': 3}])
def test_other_content_is_no_checkpoint(tmp_path, content):
    torch.save(content, tmp_path / 'x.pth')
    with pytest.raises(CheckpointError, match="holds no 'state_dict'"):
        read_checkpoint(tmp_path / 'x.pth')


def damaged_or_the_same(tmp_path, seed, cases):
    """Bytes changed here and there, a block of zeros (as a crashed machine leaves), a cut: named,
    or without effect.
    """
    weights = {'a': torch.randn(500), 'b': torch.randn(30, 4)}
    write_checkpoint(tmp_path / 'a.pth', {**snapshot(), 'state_dict': weights})
    whole, good = (tmp_path / 'a.pth').read_bytes(), read_checkpoint(tmp_path / 'a.pth')
    rng, refused = np.random.default_rng(seed), 0
    for case in range(cases):
        raw = bytearray(whole)
        for place in rng.integers(len(raw), size=rng.integers(1, 5)):
            raw[place] = rng.integers(256)
        if case % 5 == 0:
            place = rng.integers(len(raw))
            raw[place : place + 512] = bytes(len(raw[place : place + 512]))
        if case % 7 == 0:
            del raw[rng.integers(len(raw)) :]
        (tmp_path / 'a.pth').write_bytes(raw)
        try:
            data = read_checkpoint(tmp_path / 'a.pth')
        except CheckpointError:
            refused += 1
        else:
            assert same(data['state_dict'], good['state_dict'])
    assert refused > cases / 2


def test_damage_anywhere_in_a_checkpoint_is_named_or_harmless(tmp_path):
    damaged_or_the_same(tmp_path, 0, 100)


def test_weights_marked_as_a_folder_are_refused_since_torch_reads_zeros_there(tmp_path):
    path = tmp_path / 'a.pth'
    write_checkpoint(path, snapshot())
    raw = bytearray(path.read_bytes())
    name = raw.rindex(b'/data/0')  # in the archive's table of contents, behind its data
    entry = raw.rindex(b'PK\x01\x02', 0, name)
    raw[entry + 38] |= 0x10
    path.write_bytes(raw)
    for read in (read_checkpoint, read_state_dict):  # to go on from, and to start from
        with pytest.raises(CheckpointError, match='folder'):
            read(path)


@pytest.mark.slow
def test_ten_thousand_damages_to_checkpoints_are_named_or_harmless(tmp_path):
    damaged_or_the_same(tmp_path, 1, 10_000)


def test_missing_unexpected_and_misshaped_keys_are_named():
    model = torch.nn.Linear(3, 2)
    facts = r'missing: bias.*unexpected: extra.*weight \(2, 4\) \(expected \(2, 3\)\)'
    with pytest.raises(CheckpointError, match=facts):
        load_weights(model, {'weight': torch.zeros(2, 4), 'extra': torch.zeros(1)}, 'a.pth')


def test_fine_tuning_takes_what_fits():
    model = torch.nn.Linear(3, 2)
    weights = {'module.weight': torch.ones(2, 3), 'bias': torch.ones(7)}
    [note] = load_weights(model, weights, 'a.pth', strict=False)
    assert torch.equal(model.weight, torch.ones(2, 3)) and 'another shape' in note
    with pytest.raises(CheckpointError, match='none of its weights fit'):
        load_weights(model, {'other': torch.ones(1)}, 'a.pth', strict=False)


def test_latest_names_the_newest_and_a_damaged_one_is_passed_over(tmp_path):
    folder = CheckpointFolder(tmp_path)
    for epoch in (1, 2):
        folder.save(f'epoch_{epoch}.pth', snapshot(epoch, epoch=epoch))
    assert read_checkpoint(tmp_path / 'latest.pth')['meta']['epoch'] == 2
    (tmp_path / 'epoch_2.pth').write_bytes(b'cut')
    path, data, complaints = folder.newest_whole()
    assert path.name == 'epoch_1.pth' and data['meta']['epoch'] == 1
    assert len(complaints) == 1 and 'epoch_2.pth' in complaints[0]
    (tmp_path / 'epoch_1.pth').write_bytes(b'cut')
    with pytest.raises(CheckpointError, match='No whole checkpoint'):
        folder.newest_whole()


@pytest.mark.parametrize(
    'name', ['best_paper_figure.pth', 'best_top1_acc_epoch_2_copy.pth', 'best_epoch_of_all.pth']
)
def test_a_users_own_file_beside_the_best_stays_and_is_not_taken_for_it(tmp_path, name):
    folder = CheckpointFolder(tmp_path)
    folder.save_best('best_top1_acc_epoch_1.pth', snapshot())
    write_checkpoint(tmp_path / name, snapshot())
    assert folder.best().name == 'best_top1_acc_epoch_1.pth'
    folder.save_best('best_top1_acc_epoch_3.pth', snapshot())
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, 'best_top1_acc_epoch_3.pth'])


def test_links_to_nowhere_are_no_checkpoints(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=1)
    for name in ('epoch_7.pth', 'best_top1_acc_epoch_7.pth'):
        (tmp_path / name).symlink_to('gone.pth')
    (tmp_path / 'latest.pth').symlink_to('latest.pth')
    assert folder.numbered() == [] and folder.newest_whole() is None and folder.best() is None
    folder.save('epoch_8.pth', snapshot())
    assert folder.newest_whole()[0].name == 'epoch_8.pth'
