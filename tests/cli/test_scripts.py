"""The scripts as users run them: one process, and two under torchrun on gloo."""

import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from kill_training import ended, start, wait_for
from run_files import assert_same_checkpoint, rows
from tiny import ROOT, problem, run, script, write_config

from pyskl.annotations import read_annotations, write_annotations
from pyskl.apis import train
from pyskl.files import load_pickle
from pyskl.scores.score_file import load_scores

ENV = {**os.environ, 'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}


def bash(line, **env):
    """A line like 'dist_train.sh CONFIG 2', with a script of tools/, as a user types it."""
    return subprocess.run(
        ['bash', *f'{ROOT}/tools/{line}'.split()],
        env={**ENV, **env},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def here(line):
    """A line like 'test CONFIG', in this process."""
    name, *words = line.split()
    assert not script(name).main(words)


def all_ours(stderr):
    """Has no library a word to say, and is nothing said twice?"""
    lines = [line for line in stderr.splitlines() if line]
    assert all(re.match(r'[-\d]+ [:\d]+,\d+ - pyskl - ', line) for line in lines), stderr
    assert len(set(lines)) == len(lines), stderr


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    config = problem(folder)
    train(config)
    return folder, config


def test_train_prints_where_it_wrote(trained):
    folder, config = trained
    done = run('tools/train.py', config)  # a second time: it says that it has finished
    assert done.returncode == 0 and done.stdout == f'wrote {folder}/run\n'
    assert 'Going on from' in done.stderr.splitlines()[0]
    all_ours(done.stderr)


def test_views_can_be_kept_apart(trained, tmp_path):
    here(f'test {trained[1]} --average-clips none --out {tmp_path}/views.pkl')
    views = load_pickle(tmp_path / 'views.pkl')
    assert np.shape(views) == (13, 4, 3)  # 2 clips and their mirror images, 3 classes


def test_two_processes_test_to_the_same_scores_as_one(trained, tmp_path, capsys):
    folder, config = trained
    here(f'test {config} --out {tmp_path}/one/result.pkl')
    said = capsys.readouterr().out
    out = tmp_path / 'two' / 'result.pkl'
    two = bash(f'dist_test.sh {config} {folder}/run/latest.pth 2 --out {out}')
    assert two.returncode == 0, two.stderr
    a, b = (load_scores(tmp_path / name / 'scores.npz') for name in ('one', 'two'))
    assert list(a.ids) == list(b.ids) == [f'test_{i}' for i in range(13)]
    np.testing.assert_allclose(a.scores, b.scores, atol=1e-6)
    figures = [re.search(r'top1_acc: .*', text).group() for text in (said, two.stdout)]
    assert figures[0] == figures[1]
    assert (tmp_path / 'two' / 'Submission.zip').exists()
    all_ours(two.stderr)


def test_two_processes_train_and_go_on_with_the_same_bits(tmp_path):
    config = problem(tmp_path, extra='checkpoint_config = dict(by_epoch=False, interval=2)\n')
    whole = bash(f'dist_train.sh {config} 2')
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout == f'wrote {tmp_path}/run\n'
    all_ours(whole.stderr)
    (tmp_path / 'again').mkdir()
    (tmp_path / 'run' / 'iter_2.pth').rename(tmp_path / 'again' / 'iter_2.pth')
    again = run('tools/train.py', config, '--work-dir', tmp_path / 'again', processes=2)
    assert again.returncode == 0, again.stderr
    assert_same_checkpoint(tmp_path / 'run' / 'epoch_2.pth', tmp_path / 'again' / 'epoch_2.pth')
    assert 'Total batch: 16 clips (8 x 2 processes)' in whole.stderr
    assert '--autoscale-lr' in whole.stderr
    first, second = rows(tmp_path / 'run'), rows(tmp_path / 'again')
    assert second == first[-len(second) :]


@pytest.mark.slow
def test_two_machines_of_one_process_train_as_one_machine_of_two(tmp_path):
    """Two nodes of torchrun on this machine, each with its own node rank and launcher."""
    config = problem(tmp_path)
    together = run('tools/train.py', config, '--work-dir', tmp_path / 'together', processes=2)
    assert together.returncode == 0, together.stderr
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    place = dict(NNODES='2', MASTER_ADDR='127.0.0.1', PORT=port)

    def train_on(rank):
        line = f'dist_train.sh {config} 1 --work-dir {tmp_path}/apart'
        return bash(line, **place, NODE_RANK=str(rank))

    with ThreadPoolExecutor(2) as pool:
        for node in pool.map(train_on, (0, 1)):
            assert node.returncode == 0, node.stderr
    assert_same_checkpoint(
        tmp_path / 'together' / 'epoch_2.pth', tmp_path / 'apart' / 'epoch_2.pth'
    )


def test_dist_scripts_run_one_process_without_a_launcher(trained, tmp_path):
    options = f'--work-dir {tmp_path}/run --no-validate --cfg-options total_epochs=1'
    done = bash(f'dist_train.sh {trained[1]} 1 {options}')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'run' / 'epoch_1.pth').exists()
    wrong = bash(f'dist_train.sh {trained[1]}')
    assert wrong.returncode == 2 and 'number of processes' in wrong.stderr


def test_test_without_labels_gives_scores_and_says_why_no_metrics(trained, tmp_path, capsys):
    folder, config = trained
    data = read_annotations(folder / 'test.pkl')
    for annotation in data['annotations']:
        annotation['label'] = -1
    write_annotations(tmp_path / 'nolabels.pkl', data['split'], data['annotations'])
    option = f'data.test.ann_file={tmp_path}/nolabels.pkl'
    here(f'test {config} --out {tmp_path}/result.pkl --cfg-options {option}')
    assert 'no metrics: 13 of 13 clips have no label' in capsys.readouterr().out
    assert (tmp_path / 'Submission.csv').read_text().count('\n') == 13


def test_the_whole_road_from_two_streams_to_a_submission(trained, tmp_path):
    folder, _ = trained
    limb = write_config(folder, 'limb.py', limbs=True)
    here(f'train {limb} --work-dir {tmp_path}/limb')
    here(f'test {limb} --work-dir {tmp_path}/limb')
    here(f'test {folder}/tiny.py --out {tmp_path}/joint/result.pkl')
    joint, limb = (f'{tmp_path}/{name}/scores.npz' for name in ('joint', 'limb'))
    here(f'ensemble {joint} {limb} --out-dir {tmp_path}')
    assert (tmp_path / 'Submission.zip').exists()
    assert (tmp_path / 'Submission.csv').read_text().splitlines()[0].startswith('test_0,')


@pytest.mark.parametrize(
    'number, status',
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_a_signal_ends_the_script_politely(tmp_path, number, status):
    config = problem(tmp_path, extra='total_epochs = 500\n')
    with ended(start('tools/train.py', config)) as process:
        assert wait_for((tmp_path / 'run' / 'epoch_1.pth').exists, process)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == status
    assert 'goes on from there' in stderr and 'Traceback' not in stderr


def test_a_user_mistake_is_one_message_and_status_2(tmp_path):
    config = problem(tmp_path, extra="lr_config = dict(policy='CosinAnnealing')\n")
    done = run('tools/train.py', config)
    assert done.returncode == 2
    assert 'Did you mean CosineAnnealing?' in done.stderr and 'Traceback' not in done.stderr
    assert not (tmp_path / 'run').exists()
