"""Errors reach the user as one message and exit status 2."""

import argparse
import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from tiny import ROOT

from pyskl.errors import ConfigError, did_you_mean
from pyskl.scripts import run_script
from pyskl.seeds import seed_number


def test_a_user_error_is_one_message_and_status_2(capsys):
    def main():
        raise ConfigError('joint.py: seed = -1')

    with pytest.raises(SystemExit) as left:
        run_script(main)
    assert left.value.code == 2
    assert capsys.readouterr() == ('', 'error: joint.py: seed = -1\n')


LOST = """
import atexit, os
from pyskl.errors import {kind}
from pyskl.scripts import run_script

class Connection:
    def __del__(self):
        os.abort()  # as gloo may do where its connection is broken

connection = Connection()
atexit.register(print, 'exit functions run')

def main():
    raise {kind}('rank 1 is gone')

run_script(main)
"""


@pytest.mark.parametrize(('kind', 'status'), [('LostRankError', 2), ('UserError', -6)])
def test_only_after_a_lost_rank_a_script_leaves_without_tearing_down(kind, status):
    done = subprocess.run(
        [sys.executable, '-c', LOST.format(kind=kind)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == status
    assert done.stderr.startswith('error: rank 1 is gone\n')
    assert done.stdout == 'exit functions run\n'


@pytest.mark.parametrize(('status', 'code'), [(None, 0), (0, 0), (143, 143)])
def test_a_script_leaves_with_its_status(status, code):
    with pytest.raises(SystemExit) as left:
        run_script(lambda: status)
    assert left.value.code == code


@pytest.mark.parametrize('name', ['n' * 5000, 'none.pkl'])
def test_a_file_that_the_system_refuses_is_one_short_message_and_status_2(name, capsys):
    with pytest.raises(SystemExit) as left:
        run_script(lambda: os.stat(name) and None)
    err = capsys.readouterr().err
    assert left.value.code == 2 and err.startswith(f'error: {name[:100]}')
    assert err.count('error: ') == 1 and len(err) < 300


@pytest.mark.parametrize(
    'error',
    [
        AssertionError('ours'),
        OSError(5, 'Input/output error'),
        BrokenPipeError(32, 'Broken pipe'),  # a worker's pipe, not our output
    ],
)
def test_our_own_mistakes_and_errors_that_speak_of_no_file_keep_their_traceback(error):
    def main():
        raise error

    with pytest.raises(type(error), match=str(error.args[-1])):
        run_script(main)


@pytest.mark.parametrize(
    ('main', 'status', 'unbuffered'),
    [
        ('lambda: print("all at the exit")', 141, ''),
        ('lambda: [print("x" * 99) for _ in range(9999)] and None', 141, ''),
        ('lambda: print("a line") or 3', 3, ''),
        ('lambda: argparse.ArgumentParser().parse_args(["--help"])', 141, ''),
        ('lambda: print("at once")', 141, '1'),
    ],
)
def test_output_that_nobody_reads_to_its_end_is_no_traceback(main, status, unbuffered):
    read, write = os.pipe()
    os.close(read)
    code = f'import argparse\nfrom pyskl.scripts import run_script\nrun_script({main})'
    done = subprocess.run(
        [sys.executable, '-c', code],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        check=False,
        env={**os.environ, 'PYTHONUNBUFFERED': unbuffered},
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (status, '')


def test_names_that_the_terminal_cannot_show_are_escaped(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(raw, 'ascii', 'strict'))
    with pytest.raises(SystemExit) as left:
        run_script(lambda: print('\udcdcb \xfc'))
    assert left.value.code == 0 and raw.getvalue() == b'\\udcdcb \\xfc\n'


@pytest.mark.parametrize('text', ['0', '7', str(2**32 - 1)])
def test_a_seed_is_a_whole_number_that_numpy_takes(text):
    assert seed_number(text) == int(text)
    np.random.default_rng(seed_number(text))
    np.random.seed(seed_number(text))


@pytest.mark.parametrize('text', ['-1', str(2**32), '1.5', 'one', ''])
def test_any_other_seed_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match=f'^{text!r} is not a seed'):
        seed_number(text)


@pytest.mark.parametrize(
    'name',
    sorted(
        path for path in (ROOT / 'pyskl' / 'cli').glob('*.py') if "'--seed'" in path.read_text()
    ),
    ids=lambda path: path.name,
)
def test_every_script_with_a_seed_checks_it(name):
    assert re.search(r"'--seed',\s*type=seed_number", name.read_text())


@pytest.mark.parametrize(
    ('name', 'suggestion'),
    [
        ('OPTIMZER', ' Did you mean optimizer?'),
        ('Flp', ' Did you mean Flip?'),
        *((name, '') for name in ('xyz', 5, None, '')),
    ],
)
def test_a_near_name_is_suggested_whatever_its_case(name, suggestion):
    assert did_you_mean(name, ['optimizer', 'Flip', 'data']) == suggestion
    assert did_you_mean(name, []) == ''
