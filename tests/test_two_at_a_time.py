"""Two processes in one folder: nothing is read half, nothing is mixed, and the second one says what
it found.
"""

import errno
import json
import os
import pickle
import signal
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from kill_training import ended, newest, start, wait_for
from run_files import assert_same_checkpoint
from test_kill import clips
from tiny import problem, run

from pyskl.annotations import open_annotations, read_annotations, write_annotations
from pyskl.annotations.packed import Packed
from pyskl.annotations.packing import write_packed
from pyskl.apis import TrainOptions, train
from pyskl.apis.results import Results, write_results
from pyskl.apis.work_dir_lock import LOCK_NAME
from pyskl.engine import checkpoint as checkpoints
from pyskl.engine.checkpoint import CheckpointFolder, read_checkpoint, write_checkpoint
from pyskl.engine.trainer import Trainer
from pyskl.errors import DataError, UserError
from pyskl.files import atomic, locks
from pyskl.files.atomic import atomic_folder, atomic_write
from pyskl.files.locks import Lock
from pyskl.scores.score_file import load_scores

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(locks, 'PATIENCE', 0.0)


@pytest.fixture
def no_locks(monkeypatch, request):
    def fails(*_):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(locks.fcntl, 'flock', fails)


def holding(path: Path) -> int:
    """A process that holds a lock, with a worker of its own that outlives it by half a second."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        assert Lock(path).take() is None
        if not os.fork():
            time.sleep(0.5)
            os._exit(0)
        os.write(write, b'1')
        signal.pause()
    os.read(read, 1)
    os.close(read)
    os.close(write)
    return child


def test_a_lock_names_who_holds_it_and_is_free_when_its_holder_is_killed(tmp_path):
    child = holding(tmp_path / 'lock')
    lock = Lock(tmp_path / 'lock')
    try:
        holder = lock.take(0.0)
        assert f'process {child} on {socket.gethostname()} since {time.strftime("%Y-")}' in holder
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert lock.take() is None and lock.works and not lock.before  # though its worker lives
    assert Lock(tmp_path / 'lock').take(0.0).startswith(f'process {os.getpid()} on ')
    lock.release()
    assert not os.listdir(tmp_path)
    assert Lock(tmp_path / 'lock').take(0.0) is None


def test_a_lock_that_its_holder_removes_meanwhile_is_made_anew(tmp_path, monkeypatch):
    first, second, tried = Lock(tmp_path / 'lock'), Lock(tmp_path / 'lock'), locks.try_lock
    assert first.take() is None

    def released_meanwhile(handle):  # after the second has opened the file
        first.release()
        return tried(handle)

    monkeypatch.setattr(locks, 'try_lock', released_meanwhile)
    assert second.take(0.0) is None and (tmp_path / 'lock').exists()
    assert Lock(tmp_path / 'lock').take(0.0) is not None


# Training ----------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return problem(tmp_path_factory.mktemp('two'), num_train=16, extra='total_epochs = 1\n')


def test_a_second_training_in_a_work_dir_is_refused_and_touches_nothing(
    config, tmp_path, impatient
):
    with Lock(tmp_path / LOCK_NAME) as lock:
        lock.take()
        with pytest.raises(UserError) as refused:
            train(config, TrainOptions(work_dir=str(tmp_path)))
        assert f'process {os.getpid()} on {socket.gethostname()}' in str(refused.value)
        assert os.listdir(tmp_path) == [LOCK_NAME]
        train(config, TrainOptions(work_dir=str(tmp_path), dry_run=True))
        assert os.listdir(tmp_path) == [LOCK_NAME]
    (tmp_path / LOCK_NAME).write_text('process 1 on gone since 1970')  # of a killed run
    train(config, TrainOptions(work_dir=str(tmp_path)))
    assert (tmp_path / 'latest.pth').exists() and not (tmp_path / LOCK_NAME).exists()


def test_two_trainings_that_start_in_a_work_dir_to_be_made_do_not_both_go_on(
    config, tmp_path, impatient, monkeypatch
):
    work_dir, build = tmp_path / 'new', Trainer.__init__

    def begun_meanwhile(self, *args):
        build(self, *args)
        work_dir.mkdir()
        assert other.take() is None

    other = Lock(work_dir / LOCK_NAME)
    monkeypatch.setattr(Trainer, '__init__', begun_meanwhile)
    with other, pytest.raises(UserError, match='another training runs in it'):
        train(config, TrainOptions(work_dir=str(work_dir)))
    assert not os.listdir(work_dir)


@pytest.mark.parametrize('no_locks', [errno.ENOLCK, errno.EOPNOTSUPP], indirect=True)
def test_without_locks_a_training_that_did_not_end_is_a_warning(config, tmp_path, capfd, no_locks):
    (tmp_path / LOCK_NAME).write_text('process 7 on node3 since 2026-01-02 03:04:05')
    (tmp_path / '.scores.npz.abcdefgh.part').write_bytes(b'somebody may be writing it')
    train(config, TrainOptions(work_dir=str(tmp_path)))
    said = capfd.readouterr().err
    assert said.count('process 7 on node3 since 2026-01-02 03:04:05') == 1
    assert (tmp_path / '.scores.npz.abcdefgh.part').exists() and (tmp_path / 'latest.pth').exists()
    train(config, TrainOptions(work_dir=str(tmp_path)))
    assert 'without locks' not in capfd.readouterr().err  # that one ended


@pytest.mark.slow
@pytest.mark.parametrize('processes', [1, 2])
def test_a_second_training_as_a_process_says_who_is_there(tmp_path, processes):
    config = problem(tmp_path, extra='total_epochs = 500\n')
    words = ['tools/train.py', config, '--cfg-options', 'data.workers_per_gpu=1']
    with ended(start(*words)) as first:
        wait_for(lambda: (tmp_path / 'run' / 'latest.pth').exists(), first)
        second = run(*words, processes=processes)
        assert second.returncode in (1, 2)
        assert f'error: {tmp_path}/run: another training runs in it' in second.stderr
        assert f'process {first.pid} on' in second.stderr
        assert first.poll() is None
        first.kill()
        first.wait()
    before = newest(tmp_path / 'run')
    with ended(start(*words)) as third:
        wait_for(lambda: newest(tmp_path / 'run') != before, third)
        third.terminate()
        assert third.wait(60) == 128 + signal.SIGTERM


def test_a_config_that_changes_while_it_trains_changes_nothing(config, tmp_path, monkeypatch):
    train(config, TrainOptions(work_dir=str(tmp_path / 'a')))
    fit, text = Trainer.fit, config.read_text()

    def changed(self):
        config.write_text('total_epochs = oh dear')
        fit(self)

    monkeypatch.setattr(Trainer, 'fit', changed)
    try:
        train(config, TrainOptions(work_dir=str(tmp_path / 'b'), test_last=True))
    finally:
        config.write_text(text)
    a, b = (tmp_path / name / 'latest.pth' for name in 'ab')
    assert_same_checkpoint(a, b)
    assert read_checkpoint(a)['meta']['settings'] == read_checkpoint(b)['meta']['settings']
    assert (tmp_path / 'b' / 'last_pred.pkl').exists()


# Reading while others write ----------------------------------------------------------------------


def test_a_checkpoint_that_a_training_removes_while_a_test_looks_is_no_error(tmp_path, monkeypatch):
    folder, read = CheckpointFolder(tmp_path, keep=1), read_checkpoint
    folder.save('iter_1.pth', {'state_dict': {'a': torch.full((2,), 1.0)}})

    def trained_meanwhile(path):
        if Path(path).name == 'iter_1.pth':
            folder.save('iter_2.pth', {'state_dict': {'a': torch.full((2,), 2.0)}})
        return read(path)

    monkeypatch.setattr(checkpoints, 'read_checkpoint', trained_meanwhile)
    path, data, complaints = folder.newest_whole()
    assert path.name == 'iter_2.pth' and data['state_dict']['a'][0] == 2 and not complaints


def test_after_the_clock_was_set_back_the_newest_checkpoints_stay(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=2)
    for number in (1, 2):
        write_checkpoint(tmp_path / f'iter_{number}.pth', {'state_dict': {'a': torch.zeros(1)}})
        os.utime(tmp_path / f'iter_{number}.pth', (4e9 + number, 4e9 + number))  # in 2096
    for number in (3, 4):
        folder.save(f'iter_{number}.pth', {'state_dict': {'a': torch.zeros(1)}})
    assert [path.name for path in folder.numbered()] == ['iter_3.pth', 'iter_4.pth']


def test_a_packed_folder_that_is_replaced_while_it_is_opened_is_said_so(tmp_path, monkeypatch):
    path, check = tmp_path / 'x.packed', Packed._check_lengths
    write_packed(path, clips(1.0))

    def packed_meanwhile(self):
        monkeypatch.undo()
        write_packed(path, clips(2.0))
        check(self)

    monkeypatch.setattr(Packed, '_check_lengths', packed_meanwhile)
    with pytest.raises(DataError, match='packed again while'):
        open_annotations(path)
    opened = open_annotations(path)
    write_packed(path, clips(3.0))  # what was opened stays as it was
    assert (opened[0]['keypoint'] == 2).all()
    assert (open_annotations(path)[0]['keypoint'] == 3).all()


# Two writers -------------------------------------------------------------------------------------


def test_a_folder_that_another_process_writes_is_refused_naming_it(tmp_path, impatient):
    path = tmp_path / 'x.packed'
    with atomic_folder(path) as folder:
        (folder / 'meta.json').write_text('1')
        with pytest.raises(UserError, match=f'x.packed: .*another process .process {os.getpid()}'):
            write_packed(path, clips(2.0))
    assert (path / 'meta.json').read_text() == '1' and os.listdir(tmp_path) == ['x.packed']


@pytest.mark.parametrize('moment', ['mkdtemp', 'first rename', 'second rename'])
def test_what_a_killed_packing_left_is_removed_by_the_next(tmp_path, moment):
    path = tmp_path / 'x.packed'
    write_packed(path, clips(1.0))
    (tmp_path / '.x.packed.notes').mkdir()  # none of ours
    child = os.fork()
    if not child:
        try:
            rename, done = os.rename, []

            def killed(*args):
                done.append(args)
                if moment == 'first rename' or len(done) == 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                rename(*args)

            os.rename = killed
            if moment == 'mkdtemp':
                os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
            write_packed(path, clips(2.0))
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert len(os.listdir(tmp_path)) > 2
    with pytest.raises(DataError):  # though it cannot be written, the older one is there again
        write_packed(path, [])
    assert (open_annotations(path)[0]['keypoint'] == 1).all()
    write_packed(path, clips(3.0))
    assert sorted(os.listdir(tmp_path)) == ['.x.packed.notes', 'x.packed']
    assert (open_annotations(path)[0]['keypoint'] == 3).all()


def test_a_file_that_is_taken_for_a_leftover_before_it_is_locked_is_begun_again(
    tmp_path, monkeypatch
):
    tried, done = locks.try_lock, []

    def removed_first(handle):
        if not done:
            done.append(os.unlink(os.readlink(f'/proc/self/fd/{handle}')))
        return tried(handle)

    monkeypatch.setattr(atomic, 'try_lock', removed_first)
    with atomic_write(tmp_path / 'x', 'w') as f:
        f.write('whole')
    assert (tmp_path / 'x').read_text() == 'whole' and os.listdir(tmp_path) == ['x'] and done


def at_once(work, *values) -> list[threading.Thread]:
    """Start a thread for each value."""
    threads = [threading.Thread(target=work, args=(value,)) for value in values]
    for thread in threads:
        thread.start()
    return threads


def test_two_tests_in_one_folder_leave_the_files_of_one_of_them(tmp_path, monkeypatch):
    sync = os.fsync
    monkeypatch.setattr(os, 'fsync', lambda handle: (time.sleep(0.01), sync(handle)))

    def test_run(value: int) -> None:
        answers = {'': np.full((2, 3), float(value))}
        results = Results(['a', 'b'], answers, np.array([0, 1]), {'top1_acc': value / 10}, None)
        write_results(tmp_path / 'result.pkl', results, f'epoch_{value}.pth', 'test', 'codalab')

    for _ in range(3):
        for thread in at_once(test_run, 1, 2, 3):
            thread.join()
        content = json.loads((tmp_path / 'metrics.json').read_text())
        value = content['metrics']['top1_acc'] * 10
        assert content['checkpoint'] == f'epoch_{value:.0f}.pth'
        assert load_scores(tmp_path / 'scores.npz').scores[0, 0] == value
        assert pickle.loads((tmp_path / 'result.pkl').read_bytes())[0][0] == value
        assert not [name for name in os.listdir(tmp_path) if name.startswith('.')]


def test_two_writers_of_one_file_give_one_of_the_two_and_readers_see_no_half(tmp_path):
    path, wrong = tmp_path / 'x.pkl', []
    write_annotations(path, {}, clips(0.0))

    def writes(value: float) -> None:
        try:
            for _ in range(20):
                write_annotations(path, {}, clips(value))
        except UserError as error:
            wrong.append(str(error))

    threads = at_once(writes, 1.0, 2.0)
    while any(thread.is_alive() for thread in threads):
        keypoint = read_annotations(path)['annotations'][0]['keypoint']
        assert (keypoint == keypoint.flat[0]).all()
    assert not wrong and os.listdir(tmp_path) == ['x.pkl']
