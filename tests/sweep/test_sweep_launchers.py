"""Launchers of a sweep: in turn, executors of submitit, and Slurm played by shell scripts."""

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_slurm
import numpy as np
import pytest
from kill_training import start
from tiny import ROOT, run, write_config, write_data
from tiny import script as load_script

from pyskl.errors import ConfigError
from pyskl.scores.score_file import save_scores
from pyskl.scripts import run_script
from pyskl.sweep.launchers import InTurn, Local, Slurm, run_tasks, slurm_job
from pyskl.sweep.plan import from_command_line
from pyskl.sweep.run import Interrupted
from pyskl.sweep.tasks import Scripts, make_tasks

script = load_script('sweep')

# Stand-ins for tools/train.py and tools/test.py: seed 7 fails, the others copy prepared scores
TRAIN = """
import os, sys, time
print('threads', os.environ.get('OMP_NUM_THREADS'), 'gpu', os.environ.get('CUDA_VISIBLE_DEVICES'))
if '7' in sys.argv:
    sys.exit('error: this one fails')
"""
TEST = """
import shutil, sys
shutil.copy('ready.npz', sys.argv[sys.argv.index('--work-dir') + 1] + '/scores.npz')
"""


def quick(name):
    """The arguments that start a stand-in."""
    return [sys.executable, f'quick/{name}.py']


SCRIPTS = Scripts(quick)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A small problem in the current folder, and quick stand-ins for train.py and test.py."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('SLURM_ARRAY_TASK_ID', raising=False)
    monkeypatch.setenv('PYTHONPATH', str(ROOT))
    write_data(tmp_path, num_train=16, num_test=13)
    write_config(tmp_path, 'joint.py', extra='total_epochs = 1\n')
    (tmp_path / 'quick').mkdir()
    (tmp_path / 'quick' / 'train.py').write_text(TRAIN)
    (tmp_path / 'quick' / 'test.py').write_text(TEST)
    truth = make_tasks(from_command_line(['joint.py']), 'sweep')[0].truth
    save_scores(tmp_path / 'ready.npz', truth.ids, np.eye(3)[truth.labels])
    monkeypatch.setattr(script, 'child_command', quick)
    return tmp_path


@pytest.fixture
def slurm(world, monkeypatch):
    for name, value in fake_slurm.install(world / 'slurm').items():
        monkeypatch.setenv(name, value)
    return world / 'slurm'


def tasks_of(*seeds):
    return make_tasks(from_command_line(['joint.py'], seeds=seeds), 'sweep')


def sweep(words, status=0):
    """tools/sweep.py with the stand-ins, in this process."""
    assert script.main(['joint.py', '--work-dir', 'sweep', *shlex.split(words)]) == status


def make(*tasks, launcher=None, say=print):
    """Make runs with the stand-ins; return those that failed."""
    return run_tasks(tasks, launcher or InTurn(), SCRIPTS, say)


def seeds_done(world):
    return sorted(json.loads((world / 'sweep' / 'table.json').read_text())[0]['seeds'])


# -- In this process


def test_in_turn_needs_no_submitit_and_a_failed_run_stops_no_other(world, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'submitit', None)
    sweep('--seeds 7 0 1', status=1)
    said = capsys.readouterr()
    assert seeds_done(world) == ['0', '1'] and said.out.count('done: ') == 2
    assert said.err.startswith(
        'error: joint, seed 7: tools/train.py ended with status 1: error: this one fails (all of '
        'it: '
    )
    assert not (world / 'sweep' / 'jobs').exists()


@pytest.mark.parametrize('name', ['local', 'slurm'])
def test_without_submitit_its_launchers_are_one_clear_line(world, monkeypatch, capsys, name):
    monkeypatch.setitem(sys.modules, 'submitit', None)
    with pytest.raises(SystemExit) as left:
        run_script(lambda: script.main(['joint.py', '--launcher', name]))
    error = capsys.readouterr().err
    assert left.value.code == 2 and error.count('\n') == 1
    assert f'--launcher {name}' in error and "pip install -e '.[sweep]'" in error


def test_a_run_that_another_process_makes_is_left_to_it(world):
    (task,) = tasks_of(0)
    lines = []
    with task.holding():
        assert make(task, say=lines.append) == []
        SCRIPTS.job(task)()
    assert lines == ['[1/1] joint, seed 0: another process is making it; left to that one']
    assert not task.log.exists()


def test_where_files_cannot_be_locked_runs_are_made_all_the_same(world, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr('pyskl.files.locks.fcntl.flock', flock)
    (task,) = tasks_of(0)
    assert make(task) == [] and task.done


def test_why_a_run_failed_is_forgotten_when_it_is_made_again(world):
    (task,) = tasks_of(7)
    (world / 'quick' / 'train.py').write_text('raise SystemExit(3)')
    (failure,) = make(task)
    assert 'status 3' in failure.reason and task.failure.read_text() == failure.reason
    (world / 'quick' / 'train.py').write_text('')
    assert make(task) == [] and not task.failure.exists()


# -- submitit on this machine


def test_a_job_is_what_submitit_calls(world):
    import submitit

    (task,) = tasks_of(0)
    job = submitit.AutoExecutor(world / 'logs', cluster='debug').submit(SCRIPTS.job(task))
    assert job.result() is None and task.done


def test_local_jobs_run_side_by_side_with_shares_of_cores_and_gpus(world, monkeypatch, capsys):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: set(range(8)), raising=False)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    sweep('--seeds 7 0 1 --jobs 2 --gpus 4 6', status=1)
    assert seeds_done(world) == ['0', '1'] and 'this one fails' in capsys.readouterr().err
    seen = {task.seed: task.log.read_text().splitlines()[1] for task in tasks_of(7, 0, 1)}
    assert seen[7] == 'threads 4 gpu 4' and seen[0] == 'threads 4 gpu 6'
    (folder,) = (world / 'sweep' / 'jobs').iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700 and len(list(folder.glob('*_submitted.pkl'))) == 3


def test_a_local_job_sees_the_gpus_that_the_sweep_sees(world, monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '3')
    sweep('--launcher local')
    assert tasks_of(0)[0].log.read_text().splitlines()[1].endswith('gpu 3')


def test_a_local_job_that_is_killed_is_a_failure_with_its_log(world):
    (world / 'quick' / 'train.py').write_text(
        'import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n'
    )
    (failure,) = make(*tasks_of(0), launcher=Local('sweep', 1))
    assert 'no scores of the 13 clips (' in failure.reason and '; FINISHED, ' in failure.reason


def test_a_job_is_plain_data_that_needs_no_pytorch(world):
    import pickle

    job = pickle.dumps(SCRIPTS.job(tasks_of(0)[0]))
    code = f'import pickle, sys; pickle.loads({job!r}); sys.exit("torch" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0


# -- Slurm


def test_slurm_runs_are_tasks_of_one_array(slurm, world, capsys):
    sweep(
        '--seeds 7 0 1 --launcher slurm --partition gpu --time 30 --jobs 2 '
        "--slurm-option account=lab cpus_per_task=8 'constraint=a100|h100'",
        status=1,
    )
    assert seeds_done(world) == ['0', '1'] and 'this one fails' in capsys.readouterr().err
    lines = (slurm / '1001.sh').read_text().splitlines()
    asked = (
        'partition=gpu time=30 array=0-2%2 gpus-per-node=1 account=lab cpus-per-task=8 '
        "constraint='a100|h100' signal=USR2@90 job-name=pyskl-sweep"
    )
    assert {f'#SBATCH --{line}' for line in asked.split(' ')} <= set(lines)
    assert (slurm / 'count').read_text() == '1001\n'
    assert not list((world / 'sweep').glob('*/*/sweep.slurm'))


def test_a_slurm_run_without_a_gpu_asks_for_none(slurm):
    sweep('--launcher slurm --device cpu')
    text = (slurm / '1001.sh').read_text()
    assert 'gpus' not in text and 'partition' not in text


def test_a_job_that_slurm_still_has_is_not_given_out_twice(slurm, world):
    """A queued run holds no lock; its record counts as long as Slurm knows the job."""
    (task,) = tasks_of(0)
    task.folder.mkdir(parents=True)
    task.queued.write_text(json.dumps({'job': '1000', 'folder': str(world / 'gone')}))
    (slurm / 'state_1000').write_text('PENDING\n')
    lines = []
    assert make(task, say=lines.append) == [] and not task.done
    assert lines[0].startswith('[1/1] joint, seed 0: Slurm job 1000 (PENDING) makes it; left to it')
    (slurm / 'state_1000').write_text('CANCELLED\n')
    type(slurm_job(task)).watcher.clear()
    assert make(task, say=lines.append) == [] and task.done
    assert not task.queued.exists()


@pytest.mark.parametrize(
    'text',
    ['', '[]', '{"job": "1; rm -rf", "folder": "x"}', '{"job": 5, "folder": "x"}', '{"job": "5"}'],
)
def test_a_note_that_names_no_job_is_named(world, text):
    (task,) = tasks_of(0)
    task.folder.mkdir(parents=True)
    task.queued.write_text(text)
    with pytest.raises(ConfigError, match=r'sweep\.slurm: does not name a Slurm job'):
        slurm_job(task)


def test_what_sbatch_refuses_is_said(world, monkeypatch):
    variables = fake_slurm.install(
        world / 'refusing', 'echo "sbatch: error: invalid partition specified: gpuu" >&2; exit 1'
    )
    monkeypatch.setenv('PATH', variables['PATH'])
    with pytest.raises(ConfigError, match='sbatch said: .*invalid partition specified: gpuu'):
        make(*tasks_of(0), launcher=Slurm('sweep', options={'partition': 'gpuu'}))
    assert not tasks_of(0)[0].queued.exists()


def test_without_slurm_its_launcher_is_refused(world, monkeypatch):
    monkeypatch.setenv('PATH', str(world))
    with pytest.raises(ConfigError, match='there is no srun here'):
        make(*tasks_of(0), launcher=Slurm('sweep'))


@pytest.mark.parametrize(
    ('words', 'says'),
    [
        ('--jobs 0', '--jobs 0'),
        ('--launcher none --jobs 2', 'one run at a time'),
        ('--partition gpu', '--partition is for --launcher slurm, not none'),
        ('--time 5 --jobs 2', '--time is for --launcher slurm, not local'),
        ('--slurm-option a=b', '--slurm-option is for --launcher slurm'),
        ('--launcher slurm --time 0', '--time 0'),
        ('--launcher slurm --gpus 0 1', '--gpus 0 1'),
        ('--launcher slurm --gpus 2', '--gpus 2'),
        ("--launcher slurm --partition ''", "partition = ''"),
        ("--launcher slurm --partition 'gpu\nrm -rf x'", r"partition = 'gpu\\nrm -rf x'"),
        ("--launcher slurm --partition '$(id)'", 'partition = '),
        ("--launcher slurm --partition 'a b'", 'partition = '),
        ('--launcher slurm --slurm-option accont=lab', 'accont: is unknown. Did you mean account'),
        ('--launcher slurm --slurm-option array=0-9', 'array: is unknown'),
        ('--launcher slurm --slurm-option account', "account = ''"),
        ("--launcher slurm --slurm-option 'qos=`id`'", 'qos = '),
        ("--launcher slurm --work-dir 'a\nb'", '--work-dir'),
        ('--launcher slurm --work-dir a%j', '--work-dir'),
    ],
)
def test_wrong_words_about_launchers_are_named(world, words, says):
    with pytest.raises(ConfigError, match=says):
        script.make_launcher(script.parse_args(['joint.py', *shlex.split(words)]))


# -- Stopping

PATIENT = """
import signal, sys, time
def stop(*_):
    time.sleep(2)
    print('stopped politely', flush=True)
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
open(sys.argv[sys.argv.index('--work-dir') + 1] + '/started', 'w').close()
time.sleep(1000)
"""


def start_sweep(words):
    """tools/sweep.py with the stand-ins, in a process group of its own, as a terminal starts it."""
    code = (
        f'import sys; sys.path[:0] = {sys.path!r}; from tiny import script; s = script("sweep"); '
        's.child_command = lambda name: [sys.executable, f"quick/{name}.py"]; '
        'sys.exit(s.main(sys.argv[1:]))'
    )
    return subprocess.Popen(
        [sys.executable, '-c', code, 'joint.py', '--work-dir', 'sweep', *shlex.split(words)],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, seconds=250):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'it did not happen'
        time.sleep(0.1)


def started(world):
    return len(list((world / 'sweep').glob('*/*/started')))


@pytest.mark.parametrize('jobs', [1, 2])
def test_ctrl_c_ends_what_runs_here_politely(world, jobs):
    """A terminal sends it to every process of the group, submitit's and the scripts' too."""
    (world / 'quick' / 'train.py').write_text(
        'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n' + PATIENT
    )
    process = start_sweep(f'--seeds 0 1 --jobs {jobs}')
    wait_for(lambda: started(world) == jobs)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=250)
    assert process.returncode == 130
    assert said == 'stopped by SIGINT. The same command goes on from there.\n'
    tasks = [task for task in tasks_of(0, 1) if task.log.exists()]
    assert len(tasks) == jobs
    for task in tasks:
        assert task.log.read_text().endswith('stopped politely\n') and not task.failure.exists()
        assert json.loads(task.record.read_text())['seconds']['train'] >= 2


def test_local_jobs_do_not_outlive_a_sweep_that_is_killed(world):
    (world / 'quick' / 'train.py').write_text(PATIENT)
    process = start_sweep('--launcher local')
    wait_for(lambda: started(world))
    process.kill()
    process.wait()
    (task,) = tasks_of(0)
    wait_for(lambda: 'stopped politely' in task.log.read_text())
    wait_for(lambda: not task.is_held)
    assert not task.done and not task.failure.exists()


def test_a_signal_between_runs_stops_a_sweep(world, monkeypatch):
    def submit(self, tasks, scripts):
        os.kill(os.getpid(), signal.SIGTERM)
        return [None]

    monkeypatch.setattr(InTurn, 'submit', submit)
    with pytest.raises(Interrupted) as stopped:
        make(*tasks_of(0, 1))
    assert stopped.value.code == 143 and stopped.value.name == 'SIGTERM'


def test_a_slurm_job_that_is_ended_before_it_is_warned_is_queued_again_too(slurm, world):
    """Clusters that pre-empt send SIGTERM first, SIGUSR2 after it."""
    once = (
        "import os, sys\nif os.path.exists(sys.argv[sys.argv.index('--work-dir') + 1] + "
        "'/started'): sys.exit()\n"
    )
    (world / 'quick' / 'train.py').write_text(once + PATIENT)
    process = start_sweep('--launcher slurm')
    wait_for(lambda: started(world))
    task, job = tasks_of(0)[0], int((slurm / 'pid_1001').read_text())
    os.kill(job, signal.SIGTERM)
    wait_for(lambda: 'stopped politely' in task.log.read_text())
    os.kill(job, signal.SIGUSR2)
    out, _ = process.communicate(timeout=250)
    assert process.returncode == 0 and 'done: joint, seed 0' in out
    assert (slurm / 'starts_1001').read_text() == 'start\n' * 2
    assert (slurm / 'count').read_text() == '1001\n'


@pytest.mark.slow
def test_a_slurm_job_goes_on_without_the_sweep_and_after_preemption(slurm, world):
    """A stopped sweep is repeated while jobs run and Slurm warns them: there is one training."""
    options = 'joint.py --work-dir sweep --launcher slurm --cfg-options total_epochs=60'
    words = ['tools/sweep.py', *shlex.split(options)]
    process = start(*words)
    wait_for(lambda: list((world / 'sweep').glob('*/seed0/epoch_1.pth')))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=250)
    assert process.returncode == 130
    assert said == (
        'stopped by SIGINT. Its Slurm jobs go on (to end them: scancel 1001). The same command '
        'waits for them and collects their results.\n'
    )

    job = int((slurm / 'pid_1001').read_text())
    training = int(Path(f'/proc/{job}/task/{job}/children').read_text().split()[0])
    for pid in (training, job):
        os.kill(pid, signal.SIGUSR2)
    again = run(*words, cwd=world)
    assert again.returncode == 0, again.stderr
    assert 'Slurm job 1001 (RUNNING) makes it; waited for' in again.stdout
    assert 'done: joint, seed 0' in again.stdout
    assert (slurm / 'count').read_text() == '1001\n'
    assert (slurm / 'starts_1001').read_text() == 'start\n' * 2
    (folder,) = (world / 'sweep').glob('*/seed0')
    log = (folder / 'sweep.log').read_text()
    assert log.count('goes on from there') == log.count('Going on from') == 1
    assert (folder / 'epoch_60.pth').exists()
