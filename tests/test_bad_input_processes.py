"""Wrong inputs as users meet them: real processes, status 2, one message, no traceback, nothing
touched.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import test_bad_input_config
import test_bad_input_data
from bad_input import Row, check_message, state_of, world  # noqa: F401 (a fixture)
from tiny import ROOT

# A row of each script, as a process.
OF_EACH_SCRIPT = {
    row.script: row for row in (*test_bad_input_config.ROWS, *test_bad_input_data.ROWS)
}
SLOW = ('train', 'test', 'print_config')  # they need PyTorch
ROWS = [
    Row('train', 'config: none given', 'config'),
    Row('dist_train.sh tiny.py', 'N: missing', 'number of processes'),
    Row('dist_train.sh tiny.py 0', 'N: zero', 'number of processes'),
    Row('dist_test.sh tiny.py two', 'N: no number', 'number of processes'),
    *(
        pytest.param(row, marks=pytest.mark.slow) if script in SLOW else row
        for script, row in OF_EACH_SCRIPT.items()
    ),
]


def run(folder, *command, **env):
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable, **env},
    )


@pytest.mark.parametrize('row', ROWS, ids=str)
def test_a_wrong_input_ends_a_process_with_one_message(row, world):  # noqa: F811
    row.spoil(world)
    before = state_of(world)
    path = ROOT / ('ensemble' if row.script == 'ensemble' else 'tools') / row.script
    words = ['bash', path] if path.suffix else [sys.executable, f'{path}.py']
    done = run(world, *words, *row.argv, **row.env)
    check_message(row, done.returncode, done.stdout, done.stderr)
    assert state_of(world) == before, f'{row}: files were touched'


@pytest.mark.slow
@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh'])
def test_two_processes_say_a_wrong_config_and_leave(world, script):  # noqa: F811
    before = state_of(world)
    options = [f'data.{split}.ann_file=none.pkl' for split in ('train', 'test')]
    options.append(f'work_dir={"new" if script == "dist_train.sh" else "run"}')
    words = ['bash', ROOT / 'tools' / script, 'tiny.py', '2', '--cfg-options', *options]
    done = run(world, *words, CUDA_VISIBLE_DEVICES='')
    assert done.returncode == 2
    assert done.stderr.startswith('error: none.pkl: no such file'), done.stderr
    assert done.stderr.count('\n') == 1, done.stderr
    assert state_of(world) == before
