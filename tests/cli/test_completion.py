"""What a shell completes, in bash itself."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from tiny import ROOT

from pyskl.cli import dispatch
from pyskl.cli.commands import COMMANDS

pytestmark = pytest.mark.skipif(shutil.which('bash') is None, reason='needs bash')

TRY = """
pyskl() {{ "{python}" -m pyskl "$@"; }}
{script}
for line in {lines}; do
    IFS=, read -ra COMP_WORDS <<< "$line,"
    COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
    _pyskl
    echo "${{COMPREPLY[*]}}"
done
"""


def completed(capsys, *lines):
    """For each line of words, the last of which is being typed: what bash offers."""
    dispatch(['completion', 'bash'])
    text = TRY.format(
        python=sys.executable,
        script=capsys.readouterr().out,
        lines=' '.join(f"'{','.join(line)}'" for line in lines),
    )
    done = subprocess.run(
        ['bash', '--norc', '-c', text], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_commands_first_words_options_configs_and_files(capsys):
    commands, forms, options, again, configs, files = completed(
        capsys,
        ['pyskl', ''],
        ['pyskl', 'visualize', 'cl'],
        ['pyskl', 'check', '--le'],
        ['pyskl', 'check', '-'],
        ['pyskl', 'train', 'demo/jo'],
        ['pyskl', 'join', 'setup'],
    )
    assert set(COMMANDS) <= set(commands)
    assert forms == ['clip'] and options == ['--leave-out']
    assert {'--fix', '--layout', '-h'} <= set(again)
    assert configs == ['demo/joint.py', 'demo/joint_motion.py'] and files == ['setup.py']


@pytest.mark.parametrize('shell', ['bash', 'zsh'])
def test_the_script_is_one_that_bash_reads(capsys, shell):
    dispatch(['completion', shell])
    text = capsys.readouterr().out
    assert subprocess.run(['bash', '-n'], input=text, text=True, capture_output=True).stderr == ''
    assert ('bashcompinit' in text) == (shell == 'zsh') and '@' not in text.replace('[@]', '')
