"""Signals while starting, training, validating and saving; with one process and several."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import signals_as_in_a_terminal
from kill_training import differences, ended, start, wait_for
from stopping import run_two, signals_at, start_two
from tiny import problem

from pyskl.apis import TrainOptions, train
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.engine.collectives import Collectives
from pyskl.engine.distributed import Ranks
from pyskl.engine.signals import Stopped, StopRequest
from pyskl.models.recognizers.recognizer3d import Recognizer3D

ALL = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGUSR1, 138)]


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp('whole')
    config = problem(folder, extra='log_config = dict(interval=1)\n')
    train(config)
    return folder / 'run', config


def goes_on_to_the_same_end(whole, work_dir):
    """The same command again; what the stop itself saved may lie there beside."""
    train(whole[1], TrainOptions(work_dir=str(work_dir)))
    for path in work_dir.glob('iter_*.pth'):
        path.unlink()
    assert differences(whole[0], work_dir) == []


@pytest.mark.parametrize('number, status', ALL)
def test_each_signal_lets_the_iteration_finish_and_leaves_its_own_status(
    whole, tmp_path, monkeypatch, number, status
):
    done = signals_at(monkeypatch, {3: number})
    with pytest.raises(Stopped, match=f'{number.name}.*iter_3.pth') as stopped:
        train(whole[1], TrainOptions(work_dir=str(tmp_path)))
    assert stopped.value.status == status and len(done) == 3
    monkeypatch.undo()
    goes_on_to_the_same_end(whole, tmp_path)


def test_a_signal_while_validating_leaves_at_once_and_validates_when_it_goes_on(
    whole, tmp_path, monkeypatch
):
    predict, done = Recognizer3D.predict, []

    def predict_and_signal(self, imgs):
        done.append(1)
        signal.raise_signal(signal.SIGTERM)
        return predict(self, imgs)

    monkeypatch.setattr(Recognizer3D, 'predict', predict_and_signal)
    with pytest.raises(Stopped) as stopped:
        train(whole[1], TrainOptions(work_dir=str(tmp_path)))
    saved = read_checkpoint(stopped.value.checkpoint)
    assert (saved['meta']['epoch'], saved['meta']['iter'], saved['resume']['inner']) == (0, 5, 5)
    assert len(done) == 1  # one batch of 8 clips; the other 5 were not looked at
    monkeypatch.undo()
    goes_on_to_the_same_end(whole, tmp_path)


def test_a_signal_while_a_checkpoint_is_written_lets_it_be_written(whole, tmp_path, monkeypatch):
    fsync, done = os.fsync, []

    def fsync_and_signal(handle):
        done.append(1)
        if len(done) == 3:  # the config, the best checkpoint, the numbered one
            signal.raise_signal(signal.SIGINT)
        fsync(handle)

    monkeypatch.setattr(os, 'fsync', fsync_and_signal)
    with pytest.raises(Stopped):
        train(whole[1], TrainOptions(work_dir=str(tmp_path)))
    assert read_checkpoint(tmp_path / 'epoch_1.pth')['meta']['epoch'] == 1
    assert not list(tmp_path.glob('.*'))
    monkeypatch.undo()
    goes_on_to_the_same_end(whole, tmp_path)


def test_a_second_ctrl_c_does_not_wait_but_the_echo_of_the_first_is_no_second(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr('pyskl.engine.signals.time.monotonic', lambda: clock[0])
    before = signal.getsignal(signal.SIGINT)
    with StopRequest(Collectives(Ranks(0, 1, 0, 'cpu'))) as stop:
        signal.raise_signal(signal.SIGINT)
        clock[0] += 0.5
        signal.raise_signal(signal.SIGINT)  # from the terminal and from the launcher
        assert stop.agreed() == signal.SIGINT
        clock[0] += 5
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_started_with_sigint_ignored_a_training_says_so_once_and_stops_on_sigterm(
    whole, tmp_path, monkeypatch
):
    """As a shell starts a script's background jobs."""
    done = signals_at(monkeypatch, {2: signal.SIGINT, 6: signal.SIGINT, 7: signal.SIGTERM})
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(Stopped, match='SIGTERM.*iter_7.pth'):
            train(whole[1], TrainOptions(work_dir=str(tmp_path)))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(done) == 7
    (log,), (usual,) = (folder.glob('*.log') for folder in (tmp_path, whole[0]))
    assert (
        log.read_text().count(f'Ctrl-C does not stop this run; SIGTERM does (kill {os.getpid()}')
        == 1
    )
    assert 'Ctrl-C' not in usual.read_text()


def test_what_a_test_starts_can_be_interrupted_when_the_tests_run_in_the_background():
    code = 'import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)'
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        signals_as_in_a_terminal()
        assert subprocess.check_output([sys.executable, '-c', code]) == b'True\n'
    finally:
        signal.signal(signal.SIGINT, before)


def loads_torch(process):
    try:
        return 'libtorch' in Path(f'/proc/{process.pid}/maps').read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path('/proc/self/maps').exists(), reason='needs /proc')
@pytest.mark.parametrize(
    'script, number, statuses',
    [
        ('train', signal.SIGINT, (130, -2)),
        ('train', signal.SIGTERM, (-15, 143)),
        pytest.param('test', signal.SIGINT, (130, -2), marks=pytest.mark.slow),
        pytest.param('train', signal.SIGUSR1, (-10, 138), marks=pytest.mark.slow),
    ],
)
def test_a_signal_while_the_program_starts_ends_it_quietly(tmp_path, script, number, statuses):
    config = problem(tmp_path)
    with ended(start(f'tools/{script}.py', config)) as process:
        assert wait_for(lambda: loads_torch(process), process, pause=0.01)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=120)
        assert process.returncode in statuses, stderr
    said = [
        line for line in stderr.splitlines() if ' - pyskl - ' not in line
    ]  # where the signal found it training already
    assert 'Traceback' not in stderr and len(said) <= 1, stderr
    assert not (tmp_path / 'run').exists() or 'goes on from there' in stderr


def is_at(work_dir, iteration):
    """Has the run logged that iteration of its whole run (5 batches an epoch in one process, 3 in
    two)?
    """
    return lambda: (
        sum(len(re.findall(r'"mode": "train"', p.read_text())) for p in work_dir.glob('*.log.json'))
        >= iteration
    )


@pytest.mark.slow
@pytest.mark.parametrize('number, status', ALL)
@pytest.mark.parametrize('workers', [0, 2])
def test_a_signal_to_the_whole_process_group_spares_the_workers(tmp_path, number, status, workers):
    """As a terminal's Ctrl-C and Slurm send it."""
    config = problem(tmp_path, extra='total_epochs = 400\nlog_config = dict(interval=1)\n')
    with ended(
        start('tools/train.py', config, '--cfg-options', f'data.workers_per_gpu={workers}')
    ) as process:
        assert wait_for(is_at(tmp_path / 'run', 7), process)
        os.killpg(process.pid, number)
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == status, stderr
        assert 'The same command goes on from there' in stderr and 'Traceback' not in stderr
    assert read_checkpoint(tmp_path / 'run' / 'latest.pth')['meta']['iter'] >= 7


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_to_the_launcher_lets_both_ranks_leave_together_and_go_on(tmp_path, number):
    config = problem(tmp_path, extra='total_epochs = 12\nlog_config = dict(interval=1)\n')
    status, stderr = run_two(config)
    assert status == 0, stderr
    (tmp_path / 'run').rename(tmp_path / 'whole')
    with ended(start_two(config)) as process:
        assert wait_for(is_at(tmp_path / 'run', 7), process)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode != 0
    assert stderr.count('The same command goes on from there') == 1, stderr
    assert 'lost rank' not in stderr and 'stopped first' not in stderr
    assert read_checkpoint(tmp_path / 'run' / 'latest.pth')['meta']['iter'] >= 7
    status, stderr = run_two(config)
    assert status == 0, stderr
    for path in (tmp_path / 'run').glob('iter_*.pth'):
        path.unlink()
    assert differences(tmp_path / 'whole', tmp_path / 'run') == []


@pytest.mark.slow
def test_a_signal_while_two_unequal_ranks_validate_leaves_no_rank_behind(tmp_path):
    """13 clips in batches of 6 on two ranks: one has two batches, the other one."""
    config = problem(
        tmp_path,
        extra='total_epochs = 2\ndata["val_dataloader"] = dict(videos_per_gpu=6)\n'
        'log_config = dict(interval=1)\n'
        "custom_imports = dict(imports=['signal_self'])\n",
    )
    (tmp_path / 'signal_self.py').write_text(
        'import os, signal\nfrom pyskl.models.recognizers.recognizer3d import Recognizer3D\n'
        'predict = Recognizer3D.predict\n'
        'def predict_and_signal(self, imgs):\n'
        '    if os.environ["RANK"] == "1" and os.environ.get("SIGNAL_SELF"):\n'
        '        os.kill(os.getpid(), signal.SIGTERM)\n'
        '    return predict(self, imgs)\n'
        'Recognizer3D.predict = predict_and_signal\n'
    )
    status, stderr = run_two(config, SIGNAL_SELF='1')
    assert status != 0 and 'SIGTERM' in stderr and 'goes on from there' in stderr, stderr
    assert read_checkpoint(tmp_path / 'run' / 'latest.pth')['resume']['inner'] == 3
    status, stderr = run_two(config)
    assert status == 0, stderr
    assert (tmp_path / 'run' / 'epoch_2.pth').exists()
