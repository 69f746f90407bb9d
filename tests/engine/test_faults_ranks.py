"""Several processes, one of which is killed, sees other data or meets a loss that is NaN."""

import os
import re
import socket
import subprocess
import sys
import time

import pytest
import torch
from kill_training import ended, is_writing, wait_for
from stopping import run_two, start_two
from tiny import ROOT, problem

from pyskl.engine.checkpoint import read_checkpoint
from pyskl.engine.distributed import Ranks, _slurm_sharing
from pyskl.engine.failures import _is_broken_connection, together
from pyskl.errors import UserError


def rank_pids(launcher: subprocess.Popen) -> dict[int, int]:
    """rank -> pid of the processes that torchrun started."""
    found = {}
    listed = subprocess.run(
        ['ps', '-o', 'pid=', '--ppid', str(launcher.pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for pid in listed.split():
        with open(f'/proc/{pid}/environ', 'rb') as f:
            rank = re.search(rb'\0RANK=(\d+)', f.read())
        if rank:
            found[int(rank[1])] = int(pid)
    return found


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists('/proc/self/environ'), reason='needs /proc')
@pytest.mark.parametrize(
    'victim, moment', [(0, 'training'), (1, 'training'), (0, 'saving'), (1, 'saving')]
)
def test_one_rank_killed_the_other_stops_within_60_seconds_and_names_it(tmp_path, victim, moment):
    config = problem(
        tmp_path,
        extra='total_epochs = 8\nlog_config = dict(interval=1)\n'
        'checkpoint_config = dict(by_epoch=False, interval=1, max_keep_ckpts=3)\n',
    )
    status, stderr = run_two(config)
    assert status == 0, stderr
    (tmp_path / 'run').rename(tmp_path / 'whole')
    with ended(start_two(config)) as process:
        assert wait_for(lambda: (tmp_path / 'run' / 'iter_4.pth').exists(), process, pause=0.01)
        pids = rank_pids(process)
        assert sorted(pids) == [0, 1]
        if moment == 'saving':
            assert wait_for(lambda: is_writing(tmp_path / 'run'), process, pause=0)
        os.kill(pids[victim], 9)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    assert f'error: rank {1 - victim}: lost rank {victim} without a word (killed' in stderr, stderr
    assert 'Start the same command again' in stderr
    status, stderr = run_two(config)
    assert status == 0, stderr
    a, b = (read_checkpoint(tmp_path / name / 'epoch_8.pth') for name in ('whole', 'run'))
    assert all(torch.equal(value, b['state_dict'][key]) for key, value in a['state_dict'].items())
    assert not list((tmp_path / 'run').glob('.*'))


@pytest.mark.slow
@pytest.mark.parametrize(
    'name, change',
    [
        ('clips', "data['train']['ann_file'] = '{folder}/other/train.pkl'"),
        ('val_clips', "data['val']['ann_file'] = '{folder}/other/val.pkl'"),
        ('settings', "optimizer['lr'] = 0.02"),
        ('checkpoint', "work_dir = '{folder}/elsewhere'"),
    ],
)
def test_ranks_that_do_not_see_the_same_are_told_at_the_start(tmp_path, name, change):
    """The config differs by rank, as it would when two machines hold different files."""
    (tmp_path / 'other').mkdir()
    problem(tmp_path / 'other', num_train=38, num_test=12)
    change = change.replace('{folder}', str(tmp_path))
    config = problem(
        tmp_path,
        extra=f"import os\nif os.environ.get('RANK') == os.environ.get('ODD', 'none'):\n"
        f'    {change}\ndel os\n',
    )
    if name == 'checkpoint':  # a run to go on with, which rank 1 does not find
        assert run_two(config)[0] == 0
    before = sorted(tmp_path.glob('run/*'))
    status, stderr = run_two(config, ODD='1')
    assert status != 0
    said = f'error: The processes do not see the same {name}: ranks [1] differ from rank 0.'
    assert stderr.count(said) == 1, stderr  # both say it, and the launcher shows it once
    assert sorted(tmp_path.glob('run/*')) == before and not (tmp_path / 'elsewhere').exists()


POISON = """
import os
import torch
from pyskl.models.heads.i3d_head import I3DHead
loss, calls = I3DHead.loss, []


def poisoned(self, *args):
    calls.append(1)
    values = loss(self, *args)
    bad = os.environ.get('RANK') == '1' and len(calls) in (5, 6)
    return {k: v * (float('nan') if bad and 'loss' in k else 1) for k, v in values.items()}


I3DHead.loss = poisoned
"""


@pytest.mark.slow
@pytest.mark.parametrize('on_nan', ['stop', 'skip'])
def test_a_loss_that_is_not_finite_on_one_rank_is_everybodys(tmp_path, on_nan):
    (tmp_path / 'poison.py').write_text(POISON)
    config = problem(
        tmp_path, extra="custom_imports = dict(imports=['poison'])\nlog_config = dict(interval=1)\n"
    )
    status, stderr = run_two(config, '--on-nan', on_nan)
    assert (status == 0) == (on_nan == 'skip'), stderr
    if on_nan == 'stop':  # both ranks say the same, and it is shown once
        [line] = [line for line in stderr.splitlines() if line.startswith('error: ')]
        assert re.search(r'epoch 2, iteration 2: the loss .*: train_\d+, .*epoch_1\.pth', line)
    else:
        assert stderr.count('the loss is not finite; batch left out (train_') == 2
    state = read_checkpoint(tmp_path / 'run' / 'latest.pth')
    assert state['meta']['epoch'] == (1 if on_nan == 'stop' else 2)
    assert all(value.isfinite().all() for value in state['state_dict'].values())


FAILING = """
import sys
from pyskl.engine.trainer import Trainer
from pyskl.errors import UserError
step, calls = Trainer.step, []


def failing(self, batch):
    calls.append(1)
    if self.ranks.rank == 1 and len(calls) == 5:
        print('failing now', file=sys.stderr, flush=True)
        raise {error}
    return step(self, batch)


Trainer.step = failing
"""


@pytest.mark.slow
@pytest.mark.parametrize('error', ['UserError("on purpose")', 'ValueError("on purpose")'])
def test_an_error_on_one_rank_ends_both_within_seconds_though_they_have_workers(tmp_path, error):
    (tmp_path / 'failing.py').write_text(FAILING.format(error=error))
    config = problem(
        tmp_path,
        extra="custom_imports = dict(imports=['failing'])\nlog_config = dict(interval=1)\n",
    )
    with ended(start_two(config, '--cfg-options', 'data.workers_per_gpu=2')) as process:
        before = next(line for line in process.stderr if line == 'failing now\n')
        start = time.monotonic()
        stderr = before + process.communicate(timeout=200)[1]
        seconds = time.monotonic() - start
    assert process.returncode != 0 and 'on purpose' in stderr, stderr
    # 10 of them may go by until the other rank has heard; loaders alone would wait 127.
    assert seconds < 100, stderr


MEETING = """
import os, sys
sys.path.insert(0, {tests!r})
import torch.distributed as dist
from pyskl.engine import distributed, failures
from pyskl.errors import UserError
from pyskl.scripts import run_script
failures.PATIENCE = {patience}

class Connection:
    def __del__(self):
        os.abort()  # as gloo may do at the exit where its connection is broken

def main():
    global connection
    ranks = distributed.start('pytorch', 'cpu')
    connection = Connection() if ranks.rank == 0 else None
    with failures.together(ranks) as collectives:
        collectives.barrier()
        if ranks.rank == 1:
            {what}
        collectives.highest(1)

run_script(main)
"""


def meet(tmp_path, what, world=2, patience=100):
    """`world` processes without torchrun (as under Slurm); rank 1 does `what`, the others find out.

    patience    seconds in which a rank that lives is heard, on the most loaded machine
    """
    (tmp_path / 'meeting.py').write_text(
        MEETING.format(tests=str(ROOT / 'tests' / 'helpers'), what=what, patience=patience)
    )
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    env = {
        **os.environ,
        'CUDA_VISIBLE_DEVICES': '',
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': str(port),
        'WORLD_SIZE': str(world),
        'OMP_NUM_THREADS': '1',
    }
    ranks = [
        subprocess.Popen(
            [sys.executable, str(tmp_path / 'meeting.py')],
            env={**env, 'RANK': str(rank), 'LOCAL_RANK': str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]
    return [(process.communicate(timeout=250)[1], process.returncode) for process in ranks]


def test_a_rank_that_leaves_by_an_error_is_quoted_by_the_others(tmp_path):
    (said, status), (own, _) = meet(tmp_path, 'raise UserError("train.pkl: no such file.")')
    assert status == 2 and own == 'error: train.pkl: no such file.\n'
    assert 'rank 0: rank 1 stopped first, saying: train.pkl: no such file.' in said
    assert 'Traceback' not in said


@pytest.mark.slow
@pytest.mark.parametrize('world', [2, 3])
def test_a_killed_rank_is_named_without_a_launcher_too(tmp_path, world):
    left = meet(tmp_path, 'os.kill(os.getpid(), 9)', world=world, patience=20)
    for rank in set(range(world)) - {1}:
        said, status = left[rank]
        assert status == 2 and f'rank {rank}: lost rank 1 without a word' in said, said


def test_one_process_alone_has_no_roll_call():
    with pytest.raises(UserError, match='as it was'), together(Ranks(0, 1, 0, torch.device('cpu'))):
        raise UserError('as it was')
    assert not _is_broken_connection(ValueError('gloo'))
    assert _is_broken_connection(
        RuntimeError('[.../gloo/transport/tcp/pair.cc:553] Connection closed by peer')
    )


# -- who shares the cores --------------------------------------------------------------------------


@pytest.mark.parametrize(
    'tasks, node, own, sharing',
    [
        ('8(x2)', '1', None, 8),
        ('4,2', '1', None, 2),
        ('4(x2),1', '2', None, 1),
        ('', '0', None, 16),
        ('8(x2)', '0', '10000', 1),
        ('8', '0', '0', 8),
    ],
)
def test_ranks_under_srun_share_the_cores_of_their_node_unless_bound_to_their_own(
    monkeypatch, tasks, node, own, sharing
):

    for name, value in (('STEP_TASKS_PER_NODE', tasks), ('NODEID', node), ('CPUS_PER_TASK', own)):
        monkeypatch.delenv(f'SLURM_{name}', raising=False)
        if value is not None:
            monkeypatch.setenv(f'SLURM_{name}', value)
    assert _slurm_sharing(16) == sharing
