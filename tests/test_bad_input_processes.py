"""Wrong inputs as users meet them: real processes, status 2, one message, no traceback, nothing
touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from bad_input import Row, array, check_message, config, cut, put, state_of, text, world  # noqa: F401 (a fixture)
from tiny import ROOT

QUICK = [  # these need no PyTorch
    Row('train', 'config', 'none given', [], ('config',)),
    Row('test', '--amp', 'unknown', 'tiny.py --amp fp8', ('--amp', 'fp8')),
    Row('ensemble', 'scores', 'missing', 'a.npz none.npz --out-dir out', ('none.npz',)),
    Row(
        'ensemble',
        '--weights',
        'one too few',
        'a.npz b.npz --weights 1 --out-dir out',
        ('--weights', '2 streams'),
    ),
    Row(
        'readlabel',
        'train_data.npy',
        'NaN',
        '--data-dir raw --out-dir out',
        ('train_data.npy', '0001_1', 'keypoint'),
        array('raw/train_data.npy', put(1, 0, 0, 0, 0, float('nan'))),
    ),
    Row(
        'check_data',
        'file',
        'cut short',
        'test.pkl',
        ('test.pkl', 'cannot be read as a pickle'),
        cut('test.pkl'),
    ),
    Row(
        'embed_labels',
        '--glove',
        'missing',
        '--glove none.txt --labels labels.txt --dim 6 --out out/t.npy',
        ('none.txt',),
    ),
    Row('dist_train.sh', 'N', 'missing', 'tiny.py', ('number of processes',)),
    Row('dist_train.sh', 'N', 'zero', 'tiny.py 0', ('number of processes',)),
    Row('dist_test.sh', 'N', 'no number', 'tiny.py two', ('number of processes',)),
]
SLOW = [
    Row(
        'train',
        'config',
        'a syntax error',
        'bad.py',
        ('bad.py, line 1', 'not valid Python'),
        text('bad.py', 'model = (\n'),
    ),
    Row(
        'train',
        'lr_config.policy',
        'misspelt',
        'bad.py --work-dir new',
        ('bad.py', 'policy', 'CosineAnnealing'),
        config("lr_config['policy'] = 'CosinAnnealing'"),
    ),
    Row(
        'train',
        '--device',
        'no GPU',
        'tiny.py --work-dir new --device cuda',
        ('cuda', 'cpu'),
        env={'CUDA_VISIBLE_DEVICES': ''},
    ),
    Row(
        'train',
        'work_dir',
        'not a complete checkpoint',
        'tiny.py',
        ('epoch_1.pth', 'No whole checkpoint'),
        cut('run/epoch_1.pth'),
    ),
    Row('train', '--work-dir', 'a file', 'tiny.py --work-dir ids.txt', ('ids.txt',)),
    Row(
        'train',
        'data.workers_per_gpu',
        'negative',
        'bad.py --work-dir new',
        ('bad.py', 'workers_per_gpu'),
        config("data['workers_per_gpu'] = -2"),
    ),
    Row(
        'test',
        '--checkpoint',
        'cut short',
        'tiny.py -C trained.pth',
        ('trained.pth', 'not a complete checkpoint'),
        cut('trained.pth'),
    ),
    Row(
        'test',
        'data.test.ann_file',
        'missing',
        'bad.py --work-dir run',
        ('tset.pkl',),
        config("data['test']['ann_file'] = 'tset.pkl'"),
    ),
    Row(
        'print_config',
        '--cfg-options',
        'no such key',
        'tiny.py --cfg-options optimizer.momentun=1',
        ('momentun',),
    ),
    Row('pack', 'file', 'missing', 'tset.pkl', ('tset.pkl',)),
    Row(
        'make_demo_data',
        '--seed',
        'negative',
        'out/demo --num-train 4 --seed -1',
        ('--seed', '-1', '4294967295'),
    ),
]


def as_process(row: Row, folder) -> None:
    row.spoil(folder)
    place = ROOT / ('ensemble' if row.script == 'ensemble' else 'tools')
    command = (
        ['bash', str(place / row.script)]
        if row.script.endswith('.sh')
        else [sys.executable, str(place / f'{row.script}.py')]
    )
    before = state_of(folder)
    done = subprocess.run(
        [*command, *row.words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable, **row.env},
    )
    check_message(row, done.returncode, done.stdout, done.stderr)
    assert state_of(folder) == before, f'{row}: files were touched'


@pytest.mark.parametrize(
    'row', [*QUICK, *(pytest.param(row, marks=pytest.mark.slow) for row in SLOW)], ids=str
)
def test_a_wrong_input_ends_a_process_with_one_message(row, world, tmp_path):  # noqa: F811
    as_process(row, shutil.copytree(world, tmp_path / 'w', symlinks=True))


@pytest.mark.slow
@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh'])
def test_two_processes_say_a_wrong_config_and_leave(world, tmp_path, script):  # noqa: F811
    folder = shutil.copytree(world, tmp_path / 'w', symlinks=True)
    before = state_of(folder)
    options = [
        'data.train.ann_file=none.pkl',
        'data.test.ann_file=none.pkl',
        f'work_dir={"new" if script == "dist_train.sh" else "run"}',
    ]
    done = subprocess.run(
        ['bash', str(ROOT / 'tools' / script), 'tiny.py', '2', '--cfg-options', *options],
        cwd=folder,
        timeout=200,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'PYTHON': sys.executable, 'CUDA_VISIBLE_DEVICES': ''},
    )
    assert done.returncode == 2
    assert (
        done.stderr.startswith('error: none.pkl: no such file') and done.stderr.count('\n') == 1
    ), done.stderr
    assert state_of(folder) == before
