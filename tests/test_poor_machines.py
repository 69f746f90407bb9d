"""Machines with little of something, odd names and odd text files: what happens is one line, or all
goes well.
"""

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from run_files import assert_same_checkpoint
from tiny import ROOT, problem, run

from pyskl.apis import TrainOptions, train
from pyskl.datasets.loader import worker_errors
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.engine.trainer import Trainer
from pyskl.errors import UserError
from pyskl.recipe import load_config
from pyskl.scripts import run_script

LINUX = pytest.mark.skipif(sys.platform != 'linux', reason='limits as Linux has them')
ODD = 'a b\'c"%d {x} [y]*#é'


def one_line(stderr: str) -> str:
    """The error, which is the last line and the only one of its kind."""
    assert 'Traceback' not in stderr and stderr.count('error: ') == 1, stderr
    return stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ('error', 'cure'),
    [
        (MemoryError(), 'out of memory'),
        (OSError(errno.ENOMEM, 'Cannot allocate memory'), 'out of memory'),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 bytes"), 'videos_per_gpu'),
        (torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB'), 'videos_per_gpu'),
        (RuntimeError("can't start new thread"), 'workers_per_gpu'),
        (ImportError('libx.so: failed to map segment from shared object'), 'ulimit -v'),
        (OSError(errno.EMFILE, 'Too many open files'), 'ulimit -n'),
        (OSError(errno.EMFILE, 'Too many open files', 'x.pkl'), 'ulimit -n'),
    ],
)
def test_what_the_machine_has_too_little_of_is_one_line(error, cure, capsys):
    with pytest.raises(SystemExit) as left:
        run_script(lambda: (_ for _ in ()).throw(error))
    assert left.value.code == 2 and cure in one_line(capsys.readouterr().err)


def test_too_little_shared_memory_is_told_and_a_mistake_in_a_worker_keeps_its_traceback():
    said = 'Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback (...):\n  ...\n'
    lacking = 'RuntimeError: unable to allocate shared memory(shm) for file </torch_1>: No space'
    with pytest.raises(UserError, match='shm-size') as told, worker_errors():
        raise RuntimeError(said + lacking)
    assert 'unable to allocate shared memory' in str(told.value)
    with pytest.raises(UserError, match='Bus error.*shm-size'), worker_errors():
        raise RuntimeError('DataLoader worker (pid 1) is killed by signal: Bus error. It is ...')
    with pytest.raises(RuntimeError, match='sizes differ'), worker_errors():
        raise RuntimeError(said + 'RuntimeError: sizes differ')


@LINUX
@pytest.mark.parametrize(
    'main', ['lambda: print("a")', 'lambda: [print("x" * 99) for _ in range(999)] and 0']
)
def test_output_that_does_not_fit_on_the_disk_is_one_line(main):
    code = f'from pyskl.scripts import run_script\nrun_script({main})'
    with open('/dev/full', 'w') as full:
        pipes = {'stdout': full, 'stderr': subprocess.PIPE, 'text': True}
        done = subprocess.run([sys.executable, '-c', code], **pipes, cwd=ROOT, check=False)
    assert done.returncode == 2 and 'No space left on device' in one_line(done.stderr)


def assert_fine(done: subprocess.CompletedProcess) -> None:
    assert done.returncode == 0 and 'Traceback' not in done.stderr, done.stderr


# Configs and names -------------------------------------------------------------------------------

TEXT = "name = 'grüße'\nvalue = 3\n"


@pytest.mark.parametrize('base', [False, True])
@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
@pytest.mark.parametrize('line_end', ['\n', '\r\n'], ids=['lf', 'crlf'])
def test_a_config_is_read_however_an_editor_saved_it(tmp_path, encoding, line_end, base):
    name = f'{ODD}.py'.replace('"', '')
    path = tmp_path / name
    path.write_bytes(TEXT.replace('\n', line_end).encode(encoding))
    if base:
        path = tmp_path / 'child.py'
        path.write_text(f'_base_ = {name!r}\nother = 4\n')
    values = load_config(path)
    assert values['name'] == 'grüße' and values['value'] == 3 and values.get('other', 4) == 4


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return problem(tmp_path_factory.mktemp('poor'), num_train=16, extra='total_epochs = 1\n')


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != 'linux', reason='other systems refuse such names')
@pytest.mark.parametrize('name', [ODD, os.fsdecode(b'n\xff\xe9')])
@pytest.mark.parametrize(
    'env', [{}, {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'}]
)
def test_odd_names_in_any_locale_from_training_to_report(config, tmp_path, name, env):
    home = tmp_path / name
    home.mkdir()
    for file in (*config.parent.glob('*.pkl'), config.parent / 'labels.npy'):
        shutil.copy(file, home)
    own = home / f'{name}.py'
    own.write_text(config.read_text().replace(f'{config.parent}/', ''))
    words = (own.name, '--work-dir', f'w {name}')
    for command in (
        ('tools/train.py', *words),
        ('tools/train.py', *words),  # finds it done
        ('tools/test.py', *words, '--report'),
        ('tools/pack.py', 'train.pkl', '--out', f'{name}.packed'),
        ('tools/join.py', 'train.pkl', 'test.pkl', '-o', f'{name}.pkl'),
    ):
        assert_fine(run(*command, cwd=home, **env))
    assert (home / f'w {name}' / 'report.html').exists() and (home / f'{name}.pkl').exists()


def test_a_clock_that_jumps_back_at_every_look_changes_no_bit(config, tmp_path, monkeypatch):
    train(config, TrainOptions(work_dir=str(tmp_path / 'a')))
    clock = [2e9]

    def back() -> float:
        clock[0] -= 3600
        return clock[0]

    monkeypatch.setattr(time, 'time', back)
    train(config, TrainOptions(work_dir=str(tmp_path / 'b')))
    assert_same_checkpoint(tmp_path / 'a' / 'latest.pth', tmp_path / 'b' / 'latest.pth')


# Work dirs ---------------------------------------------------------------------------------------


def test_a_work_dir_that_is_read_only_is_one_line(config, tmp_path, monkeypatch):
    made = os.open

    def read_only(path, flags, *args, **kwargs):
        if str(path).startswith(str(tmp_path)) and flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return made(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, 'open', read_only)
    with pytest.raises(UserError, match='cannot be written .Read-only file system'):
        train(config, TrainOptions(work_dir=str(tmp_path)))
    assert not os.listdir(tmp_path)


def test_a_work_dir_that_vanishes_is_made_again_and_told(config, tmp_path, monkeypatch, capfd):
    fit = Trainer.fit

    def vanished(self):
        shutil.rmtree(tmp_path / 'run')
        fit(self)

    monkeypatch.setattr(Trainer, 'fit', vanished)
    train(config, TrainOptions(work_dir=str(tmp_path / 'run')))
    assert read_checkpoint(tmp_path / 'run' / 'latest.pth')['meta']['epoch'] == 1
    said = capfd.readouterr().err
    assert said.count('.log.json: could not be written') == 1 and 'Traceback' not in said


# Limits, as real processes -----------------------------------------------------------------------


def limited(before: str, config: Path, work_dir: Path) -> subprocess.CompletedProcess:
    """Train after what the shell command limits."""
    words = ('tools/train.py', config, '--work-dir', work_dir)
    return run(*words, '--cfg-options', 'data.workers_per_gpu=2', before=before)


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize(
    'before',
    [
        'ulimit -n 256',
        'taskset -cp 0 $$ > /dev/null',
        'export LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 PYTHONOPTIMIZE=1',
    ],
    ids=['256 open files', 'one core', 'python -O in the C locale'],
)
def test_a_small_machine_trains_to_the_same_bits(config, tmp_path, before):
    train(config, TrainOptions(work_dir=str(tmp_path / 'a')))
    assert_fine(limited(before, config, tmp_path / 'b'))
    assert_same_checkpoint(tmp_path / 'a' / 'latest.pth', tmp_path / 'b' / 'latest.pth')


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize('before', ['ulimit -n 24', 'ulimit -v 700000', 'ulimit -v 1300000'])
def test_a_machine_that_is_too_small_is_one_line(config, tmp_path, before):
    done = limited(before, config, tmp_path / 'run')
    if before == 'ulimit -v 1300000' and done.returncode == 0:  # how much is enough differs
        assert 'Trained 1 epochs' in done.stderr
        return
    assert done.returncode == 2, done.stderr
    assert before[:9] in one_line(done.stderr)


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize(('size', 'status'), [('64m', 0), ('4k', 2)])
def test_little_shared_memory_is_enough_or_one_line(config, tmp_path, size, status):
    own_shm = tmp_path / 'own_shm.sh'
    mount = f'umount -l /dev/shm; mount -t tmpfs -o size={size} tmpfs /dev/shm'
    own_shm.write_text(f'{mount} && exec "$@"')
    tried = ['unshare', '-m', 'bash', own_shm, 'true']
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        pytest.skip('no right to mount')
    done = limited(f'set -- unshare -m bash {own_shm} "$@"', config, tmp_path / 'run')
    assert done.returncode == status, done.stderr
    assert status == 0 or '/dev/shm' in one_line(done.stderr)
