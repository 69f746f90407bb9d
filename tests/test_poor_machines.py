"""Machines with little of something, odd names and odd text files: what happens is one line, or all
goes well.
"""

import codecs
import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tiny import ROOT, problem, script

from pyskl.apis import TrainOptions, train
from pyskl.datasets.loader import worker_errors
from pyskl.engine.checkpoint import read_checkpoint
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
        done = subprocess.run(
            [sys.executable, '-c', code],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=False,
        )
    assert done.returncode == 2 and 'No space left on device' in one_line(done.stderr)


# Configs and names -------------------------------------------------------------------------------

TEXT = "name = 'grüße'\nvalue = 3\n"


@pytest.mark.parametrize('base', [False, True])
@pytest.mark.parametrize(
    'raw',
    [
        TEXT.encode(),
        TEXT.replace('\n', '\r\n').encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.replace('\n', '\r\n').encode(),
        TEXT.encode('utf-16'),
        codecs.BOM_UTF16_BE + TEXT.replace('\n', '\r\n').encode('utf-16-be'),
    ],
    ids=['plain', 'crlf', 'bom', 'bom crlf', 'utf-16', 'utf-16 be crlf'],
)
def test_a_config_is_read_however_an_editor_saved_it(tmp_path, raw, base):
    path = tmp_path / f'{ODD}.py'.replace('"', '')
    path.write_bytes(raw)
    if base:
        path = tmp_path / 'child.py'
        path.write_text(f'_base_ = {ODD.replace(chr(34), "") + ".py"!r}\nother = 4\n')
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
        done = subprocess.run(
            [sys.executable, str(ROOT / command[0]), *command[1:]],
            cwd=home,
            capture_output=True,
            encoding='utf-8',
            errors='replace',  # the name itself may be printed
            check=False,
            timeout=280,
            env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': '', **env},
        )
        assert done.returncode == 0 and 'Traceback' not in done.stderr, done.stderr
    assert (home / f'w {name}' / 'report.html').exists() and (home / f'{name}.pkl').exists()


def test_a_clock_that_jumps_back_at_every_look_changes_no_bit(config, tmp_path, monkeypatch):
    train(config, TrainOptions(work_dir=str(tmp_path / 'a')))
    clock = [2e9]

    def back() -> float:
        clock[0] -= 3600
        return clock[0]

    monkeypatch.setattr(time, 'time', back)
    train(config, TrainOptions(work_dir=str(tmp_path / 'b')))
    a, b = (read_checkpoint(tmp_path / name / 'latest.pth') for name in 'ab')
    assert all(torch.equal(a['state_dict'][key], b['state_dict'][key]) for key in a['state_dict'])


# Work dirs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('place', ['file', 'file/below'])
def test_a_work_dir_that_cannot_be_made_is_one_line(config, tmp_path, capsys, place):
    (tmp_path / 'file').write_text('mine')
    with pytest.raises(SystemExit) as left:
        run_script(lambda: script('train').main([str(config), '--work-dir', str(tmp_path / place)]))
    assert left.value.code == 2 and 'cannot be written' in one_line(capsys.readouterr().err)
    assert (tmp_path / 'file').read_text() == 'mine'


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
    from pyskl.engine.trainer import Trainer

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


def limited(shell: str, config: Path, work_dir: Path, *options: str) -> subprocess.CompletedProcess:
    """Train below what `shell` limits."""
    train_py = [sys.executable, *options, str(ROOT / 'tools' / 'train.py'), str(config)]
    words = [*train_py, '--work-dir', str(work_dir), '--cfg-options', 'data.workers_per_gpu=2']
    return subprocess.run(
        ['bash', '-c', f'{shell} && exec "$@"', 'bash', *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''},
    )


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize(
    ('shell', 'options'),
    [
        ('ulimit -n 256', ()),
        ('taskset -cp 0 $$ > /dev/null', ()),
        ('export LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0', ('-O',)),
    ],
    ids=['256 open files', 'one core', 'python -O in the C locale'],
)
def test_a_small_machine_trains_to_the_same_bits(config, tmp_path, shell, options):
    train(config, TrainOptions(work_dir=str(tmp_path / 'a')))
    done = limited(shell, config, tmp_path / 'b', *options)
    assert done.returncode == 0 and 'Traceback' not in done.stderr, done.stderr
    a, b = (read_checkpoint(tmp_path / name / 'latest.pth') for name in 'ab')
    assert all(torch.equal(a['state_dict'][key], b['state_dict'][key]) for key in a['state_dict'])


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize('shell', ['ulimit -n 24', 'ulimit -v 700000', 'ulimit -v 1300000'])
def test_a_machine_that_is_too_small_is_one_line(config, tmp_path, shell):
    done = limited(shell, config, tmp_path / 'run')
    if shell == 'ulimit -v 1300000' and done.returncode == 0:  # how much is enough differs
        assert 'Trained 1 epochs' in done.stderr
        return
    assert done.returncode == 2, done.stderr
    assert shell[:9] in one_line(done.stderr)


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize(('size', 'status'), [('64m', 0), ('4k', 2)])
def test_little_shared_memory_is_enough_or_one_line(config, tmp_path, size, status):
    mount = f'umount -l /dev/shm; mount -t tmpfs -o size={size} tmpfs /dev/shm'
    if subprocess.run(
        ['unshare', '-m', 'bash', '-c', mount], capture_output=True, check=False
    ).returncode:
        pytest.skip('no right to mount')
    train_py = [sys.executable, str(ROOT / 'tools' / 'train.py'), str(config)]
    words = [*train_py, '--work-dir', str(tmp_path), '--cfg-options', 'data.workers_per_gpu=2']
    done = subprocess.run(
        ['unshare', '-m', 'bash', '-c', f'{mount} && exec "$@"', 'bash', *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''},
    )
    assert done.returncode == status, done.stderr
    assert status == 0 or '/dev/shm' in one_line(done.stderr)
