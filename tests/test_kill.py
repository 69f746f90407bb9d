"""Killed hard, cut short, disk full: what is on the disk is whole, and the same command goes on to
the same bits.
"""

import os
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from kill_training import campaign, differences
from run_files import assert_same_checkpoint
from tiny import ROOT, problem, run

from pyskl.annotations import make_annotation, write_annotations
from pyskl.apis import TrainOptions, train
from pyskl.engine.checkpoint import CheckpointFolder, read_checkpoint, write_checkpoint
from pyskl.engine.log import JsonLog, get_logger
from pyskl.errors import UserError
from pyskl.files.atomic import atomic_write, remove_parts
from pyskl.scores.score_file import save_result_pkl, save_scores
from pyskl.scores.submission import write_submission


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """An uninterrupted run of 2 epochs x 5 iterations, with a checkpoint at each iteration."""
    folder = tmp_path_factory.mktemp('whole')
    config = problem(folder, extra='checkpoint_config = dict(by_epoch=False, interval=1)\n')
    train(config)
    return folder / 'run', config


def stopped_at(whole: Path, folder: Path, *iterations: int) -> Path:
    """A work dir as a run leaves it that was killed after the last of these iterations."""
    folder.mkdir()
    for iteration in iterations:
        shutil.copy(whole / f'iter_{iteration}.pth', folder)
    (folder / 'latest.pth').symlink_to(f'iter_{iterations[-1]}.pth')
    return folder


@pytest.mark.slow
def test_killed_at_30_random_moments_a_run_still_ends_with_the_same_bits(tmp_path):
    struck, wrong = campaign(tmp_path, 30)
    assert len(struck) == 30 and not wrong
    assert sum('half-written' in what for what in struck) >= 3


def test_a_cut_checkpoint_is_named_and_the_one_before_it_is_used(whole, tmp_path, capfd):
    work_dir = stopped_at(whole[0], tmp_path / 'run', 3, 4)
    (work_dir / 'iter_4.pth').write_bytes((work_dir / 'iter_4.pth').read_bytes()[:5000])
    train(whole[1], TrainOptions(work_dir=str(work_dir)))
    said = capfd.readouterr().err
    assert 'iter_4.pth: is not a complete checkpoint' in said
    assert 'iter_3.pth (epoch 0, iteration 3)' in said
    assert_same_checkpoint(whole[0] / 'epoch_2.pth', work_dir / 'epoch_2.pth')


def test_what_a_killed_run_left_half_written_is_removed_at_its_next_start(whole, tmp_path):
    work_dir = stopped_at(whole[0], tmp_path / 'run', 9)
    leftovers = [
        '.iter_10.pth.ab_0xyz9.part',
        '.best_top1_acc_epoch_2.pth.aaaaaaaa.part',
        '.tiny.py.00000000.part',
    ]
    for name in leftovers:
        (work_dir / name).write_bytes(b'half')
    others = ['.iter_9.pth', '.notes.part', 'mine.part', '.a.TOO-LONG-FOR-US.part']
    for name in others:
        (work_dir / name).write_bytes(b'not ours')
    with atomic_write(work_dir / 'living.npz') as f:  # somebody else is writing here just now
        f.write(b'1')
        train(whole[1], TrainOptions(work_dir=str(work_dir)))
    assert (work_dir / 'living.npz').read_bytes() == b'1'
    there = {p.name for p in work_dir.iterdir()}
    assert not there & set(leftovers) and there >= set(others)
    assert_same_checkpoint(whole[0] / 'epoch_2.pth', work_dir / 'epoch_2.pth')


def test_writing_a_file_again_removes_what_a_killed_writer_left_of_it(tmp_path):
    (tmp_path / '.scores.npz.abcdefgh.part').write_bytes(b'half')
    (tmp_path / '.other.npz.abcdefgh.part').write_bytes(b'half')
    save_scores(tmp_path / 'scores.npz', ['a'], np.ones((1, 2)))
    assert sorted(os.listdir(tmp_path)) == ['.other.npz.abcdefgh.part', 'scores.npz']
    assert remove_parts(tmp_path) == ['.other.npz.abcdefgh.part']
    assert remove_parts(tmp_path / 'nowhere') == []


# Results ------------------------------------------------------------------------------------------


def clips(value: float) -> list[dict]:
    keypoint = np.full((1, 2, 3, 2), value)
    return [make_annotation('a', keypoint, np.ones((1, 2, 3)), 0, img_shape=(9, 9))]


WRITERS = {
    'scores.npz': lambda path, value: save_scores(path, ['a'], np.full((1, 3), value)),
    'result.pkl': lambda path, value: save_result_pkl(path, np.full((1, 3), value)),
    'imigue_train.pkl': lambda path, value: write_annotations(path, {'train': ['a']}, clips(value)),
    'Submission.zip': lambda path, value: write_submission(path.parent, ['a'], [int(value)]),
    'Submission.csv': lambda path, value: write_submission(path.parent, ['a'], [int(value)]),
    'epoch_1.pth': lambda path, value: write_checkpoint(
        path, {'state_dict': {'a': torch.full((2,), value)}}
    ),
}


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')
@pytest.mark.parametrize('moment', ['fsync', 'replace'])
@pytest.mark.parametrize('name', WRITERS)
def test_a_writer_killed_at_the_last_moment_leaves_the_old_file_whole(tmp_path, name, moment):
    WRITERS[name](tmp_path / name, 1.0)
    before = (tmp_path / name).read_bytes()
    child = os.fork()
    if not child:
        try:
            setattr(os, moment, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            WRITERS[name](tmp_path / name, 2.0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert (tmp_path / name).read_bytes() == before
    WRITERS[name](tmp_path / name, 2.0)
    assert (tmp_path / name).read_bytes() != before
    assert not [p for p in tmp_path.iterdir() if p.name.startswith('.')]


def test_every_module_that_writes_files_writes_them_atomically():
    """But for the logs, which grow line by line, zip archives made or read in memory, pipes,
    commands in messages (file_formats.py, torch_files.py), and copies in a temporary folder
    (absent_base.py, benchmarks/videos.py).
    """
    writing = re.compile(
        r"(?<!fd)open\((?!os.devnull).*'[wax]b?'|write_(text|bytes)|\.tofile\(|np\.savez?\(|torch\.save\(|savetxt|open_memmap"
        r'|pickle\.dump\('
    )
    writers = {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for folder in ('pyskl', 'tools', 'ensemble')
        for path in (ROOT / folder).rglob('*.py')
        if writing.search(path.read_text())
    }
    assert 'pyskl/engine/checkpoint.py' in writers
    assert {name for name, text in writers.items() if 'atomic_' not in text} <= {
        'pyskl/engine/log.py',
        'pyskl/annotations/file_formats.py',
        'pyskl/files/torch_files.py',
        'pyskl/recipe/absent_base.py',
        'pyskl/benchmarks/videos.py',
    }


# The disk is full ---------------------------------------------------------------------------------


def test_a_checkpoint_that_does_not_fit_on_the_disk_is_said_and_the_old_one_stays(whole, tmp_path):
    work_dir = stopped_at(whole[0], tmp_path / 'run', 8)
    assert (work_dir / 'iter_8.pth').stat().st_size > 40_000
    done = run('tools/train.py', whole[1], '--work-dir', work_dir, before='ulimit -f 39')
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and 'Traceback' not in done.stderr, done.stderr
    assert 'iter_9.pth: could not be written (File too large)' in last and 'disk space' in last
    assert not list(work_dir.glob('.*'))
    assert read_checkpoint(work_dir / 'latest.pth')['meta']['iter'] == 8
    train(whole[1], TrainOptions(work_dir=str(work_dir)))
    assert_same_checkpoint(whole[0] / 'epoch_2.pth', work_dir / 'epoch_2.pth')


def test_where_there_are_no_links_latest_is_a_copy_and_is_written_whole(tmp_path, monkeypatch):
    def no_links(self, target):
        raise OSError(1, 'Operation not permitted')

    monkeypatch.setattr(Path, 'symlink_to', no_links)
    folder = CheckpointFolder(tmp_path, keep=2)
    for number in (8, 9, 10, 11):
        folder.save(f'iter_{number}.pth', {'state_dict': {'a': torch.full((2,), float(number))}})
    assert sorted(os.listdir(tmp_path)) == ['iter_10.pth', 'iter_11.pth', 'latest.pth']
    assert not (tmp_path / 'latest.pth').is_symlink()
    assert read_checkpoint(tmp_path / 'latest.pth')['state_dict']['a'][0] == 11
    monkeypatch.setattr(shutil, 'copyfileobj', lambda *_: no_links(None, None))
    with pytest.raises(
        UserError, match=r'latest\.pth: could not be written \(Operation not permitted\)'
    ):
        folder.save('iter_12.pth', {'state_dict': {'a': torch.zeros(2)}})
    assert read_checkpoint(tmp_path / 'latest.pth')['state_dict']['a'][0] == 11


def test_checkpoints_of_one_tick_of_a_coarse_clock_are_ordered_by_their_numbers(tmp_path):
    for number in (9, 10, 8):
        write_checkpoint(tmp_path / f'iter_{number}.pth', {'state_dict': {'a': torch.zeros(1)}})
        os.utime(tmp_path / f'iter_{number}.pth', (1, 1))
    names = [path.name for path in CheckpointFolder(tmp_path).numbered()]
    assert names == ['iter_8.pth', 'iter_9.pth', 'iter_10.pth']


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='needs /dev/full')
def test_a_log_that_can_not_be_written_is_one_warning_and_not_the_end(tmp_path, capsys):
    logger, rows = get_logger('INFO', Path('/dev/full')), JsonLog(Path('/dev/full'))
    for number in range(3):
        logger.info('line %d', number)
        rows.write({'mode': 'train', 'iter': number})
    said = capsys.readouterr().err
    assert said.count('/dev/full: could not be written') == 2 and 'line 2' in said
    get_logger()


def test_a_run_killed_between_the_best_and_the_numbered_checkpoint_ends_the_same(
    whole, tmp_path, monkeypatch
):
    save = CheckpointFolder.save

    def killed(self, name, data):
        if name == 'epoch_1.pth':
            raise KeyboardInterrupt
        return save(self, name, data)

    monkeypatch.setattr(CheckpointFolder, 'save', killed)
    with pytest.raises(KeyboardInterrupt):
        train(whole[1], TrainOptions(work_dir=str(tmp_path)))
    monkeypatch.undo()
    train(whole[1], TrainOptions(work_dir=str(tmp_path)))
    assert differences(whole[0], tmp_path) == []
