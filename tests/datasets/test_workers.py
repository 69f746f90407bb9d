"""Loader workers outlive polite signals while needed, and end with their main process."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from tiny import ROOT, problem

from pyskl.datasets import ClipDataset, build_dataloader, build_dataset
from pyskl.recipe import load_config

# How long torch waits for each worker before it terminates it, 5 s of its own: a program that ends
# sooner waited for none, however loaded the machine is
WAIT, SOON = 300, 100

SCRIPT = f"""
import multiprocessing, os, signal, sys, threading, time
import torch.utils.data._utils as torch_waits
from pyskl.datasets import build_dataloader, build_dataset
from pyskl.recipe import load_config

torch_waits.MP_STATUS_CHECK_INTERVAL = {WAIT}


def loader(workers=2, persistent=True):
    dataset = build_dataset(dict(load_config(sys.argv[1]).data.train))
    return build_dataloader(dataset, 4, workers, persistent_workers=persistent)


def say(*words):
    print(*words, [child.pid for child in multiprocessing.active_children()], flush=True)


def iterate_and_exit(batches):
    held = iter(batches)
    next(held), next(held)  # one from each worker: torch reports one that ends while it starts
    sys.exit(0)


if __name__ == '__main__':
    multiprocessing.set_start_method(sys.argv[2])
"""
LEFT = {  # loaders that are live when the program ends
    'an iterator in a global': 'held = iter(loader()); next(held)',
    'a loop that is left early': 'for batch in loader(): break',
    'a loop without persistent workers': 'for batch in loader(persistent=False): break',
    'whole epochs': 'batches = loader()\nfor epoch in range(2):\n'
    '    for batch in batches.epoch(epoch): pass',
    'two loaders at once': 'a, b = iter(loader()), iter(loader()); next(a), next(b)',
    'a loader in a thread': 'in_thread = []\n'
    'def work():\n    in_thread.append(iter(loader())); next(in_thread[0])\n'
    'thread = threading.Thread(target=work); thread.start(); thread.join()\n'
    'time.sleep(0.5); next(in_thread[0])',
}
ENDINGS = {
    **{name: body + '\nsay("done")' for name, body in LEFT.items()},
    'all of these': '\n'.join(LEFT.values()) + '\nsay("done")',
    'an exception': 'for batch in loader():\n    say("done"); raise RuntimeError("on purpose")',
    'sys.exit': 'for batch in loader():\n    say("done"); sys.exit(3)',
    'a loader that another process iterates': 'batches = loader()\n'
    'child = multiprocessing.Process(target=iterate_and_exit, args=(batches,))\n'
    'child.start(); say("done"); child.join()',
}
FAST = 'all of these', 'an exception', 'a loader that another process iterates'
STATUS = {'an exception': 1, 'sys.exit': 3}


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return problem(tmp_path_factory.mktemp('clips'))


def started(folder, config, body, method='fork'):
    """A script that runs `body` with that start method, in a process group of its own."""
    path = folder / 'script.py'
    path.write_text(SCRIPT + ''.join(f'    {line}\n' for line in body.splitlines()))
    return subprocess.Popen(
        [sys.executable, str(path), str(config), method],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'},
    )


def pids_said(process, word):
    """The process ids of the workers, which the script says behind `word`."""
    line = process.stdout.readline()
    assert line.startswith(word), process.communicate()[1]
    return [int(pid) for pid in line.rpartition('[')[2].rstrip(']\n').split(',') if pid]


def seconds_until_gone(process, pids):
    """Seconds until the process and its workers have ended."""
    start = time.monotonic()
    stderr = process.communicate(timeout=SOON)[1]
    while any(is_running(pid) for pid in pids) and time.monotonic() < start + SOON:
        time.sleep(0.02)
    return time.monotonic() - start, stderr


def is_running(pid):
    """A zombie, which nobody may be there to collect, has ended."""
    listed = subprocess.run(
        ['ps', '-o', 'stat=', '-p', str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(listed) and not listed.startswith('Z')


@pytest.mark.parametrize(
    'ending, method',
    [
        pytest.param(
            ending,
            method,
            marks=() if (method, ending in FAST) == ('fork', True) else pytest.mark.slow,
        )
        for ending in ENDINGS
        for method in ('fork', 'spawn', 'forkserver')
    ],
)
def test_a_script_ends_as_soon_as_it_has_nothing_left_to_do(tmp_path, config, ending, method):
    process = started(tmp_path, config, ENDINGS[ending], method)
    pids = pids_said(process, 'done')
    seconds, stderr = seconds_until_gone(process, pids)
    assert process.returncode == STATUS.get(ending, 0), stderr
    assert seconds < SOON
    assert 'Traceback' not in stderr or ending == 'an exception', stderr
    assert 'DataLoader worker' not in stderr, stderr


@pytest.mark.parametrize(
    'to_group, number, statuses',
    [
        (True, signal.SIGINT, (130, -2, 1)),
        (False, signal.SIGKILL, (-9,)),
        *(
            pytest.param(to_group, signal.SIGTERM, (-15,), marks=pytest.mark.slow)
            for to_group in (True, False)
        ),
    ],
)
def test_a_script_that_is_signalled_takes_its_workers_with_it(
    tmp_path, config, to_group, number, statuses
):
    """A plain script, which does not handle signals. The workers of two loaders hold copies of each
    other's pipes.
    """
    process = started(
        tmp_path,
        config,
        'a, b = iter(loader()), iter(loader()); next(a), next(b); say("ready"); time.sleep(900)',
    )
    pids = pids_said(process, 'ready')
    assert len(pids) == 4 and all(map(is_running, pids))
    (os.killpg if to_group else os.kill)(process.pid, number)
    seconds, stderr = seconds_until_gone(process, pids)
    assert process.returncode in statuses, stderr
    assert seconds < SOON


def test_signals_to_the_workers_leave_the_epoch_whole(tmp_path, config):
    """What a polite stop relies on: the main process still gets every batch of its iteration."""
    process = started(
        tmp_path,
        config,
        """batches = iter(loader())
seen = [next(batches), next(batches)]      # one from each worker, so both have begun
say("ready")
for child in multiprocessing.active_children():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        os.kill(child.pid, number)
time.sleep(0.5)
seen += batches
print(len(seen), sum(len(batch["label"]) for batch in seen), flush=True)""",
    )
    pids_said(process, 'ready')
    stdout, stderr = process.communicate(timeout=SOON)
    assert stdout == '10 40\n', stderr
    assert process.returncode == 0, stderr


def test_a_child_that_was_forked_beside_the_workers_does_not_keep_them_alive(tmp_path, config):
    process = started(
        tmp_path,
        config,
        """held = iter(loader())
next(held)
child = os.fork()
if child:
    say("ready")
    print(child, flush=True)
time.sleep(900)""",
    )
    pids = pids_said(process, 'ready')
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    end = time.monotonic() + SOON
    while any(map(is_running, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(map(is_running, pids)) and is_running(child)
    os.kill(child, signal.SIGKILL)
    process.communicate()


class OneBadClip(ClipDataset):
    test_mode = True

    def __len__(self):
        return 40

    def __getitem__(self, index):
        if index == 10:
            raise ValueError('a bad clip')
        return {'label': index}


def test_workers_end_by_themselves_after_an_error_in_one_of_them():
    batches = build_dataloader(OneBadClip(), 2, 2)
    with pytest.raises(ValueError, match='a bad clip'):
        list(batches)
    workers = batches.loader._iterator._workers
    del batches
    gc.collect()
    assert [worker.exitcode for worker in workers] == [0, 0]


def test_loading_the_module_starts_nothing():
    code = (
        'import os, signal, threading\nbefore = os.listdir("/dev/fd")\nimport torch\nhandles = '
        'os.listdir("/dev/fd")\nimport pyskl.datasets.workers as w\nassert w._current is None and '
        'threading.active_count() == 1\nassert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL '
        'and len(os.listdir("/dev/fd")) == len(handles)'
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_loaders_of_several_threads_share_one_pipe(config):
    dataset = build_dataset(dict(load_config(config).data.train))
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(build_dataloader(dataset, 4, 1)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    readers = {batches.loader.worker_init_fn.args[0].fileno() for batches in made}
    assert len(made) == 8 and len(readers) == 1
    assert torch.is_tensor(next(iter(made[0]))['label'])
