"""`pyskl COMMAND`: every script has a command, and messages name commands as they were called."""

from __future__ import annotations

import re
import sys

import pytest
from tiny import ROOT

from pyskl import __version__
from pyskl.cli import calling, dispatch, help_text, main
from pyskl.cli.commands import COMMANDS, NAME_OF_MODULE, SUBCOMMANDS
from pyskl.errors import UserError

NO_SCRIPT = {'configs', 'completion', 'doctor'}
HELPERS = {'__init__', 'calling', 'commands', 'pictures', 'places'}


def test_every_module_is_a_command_and_every_script_is_its_door():
    modules = {path.stem for path in (ROOT / 'pyskl' / 'cli').glob('*.py')} - HELPERS
    assert modules == set(NAME_OF_MODULE)
    scripts = {path.stem for path in (ROOT / 'tools').glob('*.py')} | {'ensemble'}
    assert scripts == modules - NO_SCRIPT


def test_doors_differ_by_their_name_alone():
    texts = {
        path.read_text(encoding='utf-8').split('\n', 1)[1] for path in (ROOT / 'tools').glob('*.py')
    }
    assert len(texts) == 1


def test_help_names_all_commands(capsys):
    for words in ([], ['-h'], ['--help'], ['help']):
        assert dispatch(words) == 0
        assert capsys.readouterr().out == help_text() + '\n'
    assert all(f'\n  {name} ' in help_text() for name in COMMANDS)
    assert max(map(len, help_text().splitlines())) <= 100


@pytest.mark.parametrize('word', ['--version', '-V'])
def test_the_version_is_the_packages(capsys, word):
    dispatch([word])
    assert capsys.readouterr().out == f'pyskl {__version__}\n'


@pytest.mark.parametrize('words', [['train', '--help'], ['help', 'train']])
def test_usage_says_the_name_by_which_it_was_called(capsys, words):
    with pytest.raises(SystemExit) as left:
        dispatch(words)
    assert left.value.code == 0 and capsys.readouterr().out.startswith('usage: pyskl train ')


def test_underscores_do_as_well(capsys):
    with pytest.raises(SystemExit):
        dispatch(['make_demo_data', '--help'])
    assert capsys.readouterr().out.startswith('usage: pyskl make-demo-data ')


def test_an_unknown_command_is_one_line_and_status_2(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['pyskl', 'trian'])
    monkeypatch.setenv('PYTHONSAFEPATH', '')
    with pytest.raises(SystemExit) as left:
        main()
    error = capsys.readouterr().err
    assert left.value.code == 2 and error.count('\n') == 1 and 'Did you mean train?' in error


# What is heavy at its first import is left to the tests of each command.
@pytest.mark.parametrize('name', sorted(COMMANDS.keys() - {'benchmark', 'launch'}))
def test_help_speaks_of_commands_that_were_called_so(capsys, name):
    with pytest.raises(SystemExit) as left:
        dispatch([name, '--help'])
    said = capsys.readouterr().out
    assert left.value.code == 0 and said.startswith(f'usage: pyskl {name} ')
    assert not re.search(r'(tools|ensemble)/\w+\.py', said)


def test_first_words_are_those_that_the_parsers_know(capsys):
    for name in ('configs', 'visualize'):
        for word in SUBCOMMANDS[name]:
            with pytest.raises(SystemExit):
                dispatch([name, word, '--help'])
            assert capsys.readouterr().out.startswith(f'usage: pyskl {name} {word} ')


def test_errors_speak_of_commands_that_were_called_so():
    with pytest.raises(UserError) as fault, calling.called_as('pyskl check'):
        raise UserError('a.pkl: is no file. Make one: python tools/join.py clips/ -o a.pkl')
    assert str(fault.value) == 'a.pkl: is no file. Make one: pyskl join clips/ -o a.pkl'
    with pytest.raises(UserError, match='python tools/join.py'):
        raise UserError('python tools/join.py')


def test_a_name_that_is_no_command_stays_as_it_is():
    with calling.called_as('pyskl check'):
        text = calling.as_called('tools/mine.py, ensemble/ensemble.py')
    assert text == 'tools/mine.py, pyskl ensemble'
    assert calling.as_called('tools/train.py') == 'tools/train.py'


def test_a_command_in_a_process_of_its_own_starts_with_or_without_the_project(monkeypatch):
    assert calling.child_command('train') == [sys.executable, str(ROOT / 'tools' / 'train.py')]
    monkeypatch.setattr(calling, 'checkout', lambda: None)
    assert calling.child_command('check_data') == [sys.executable, '-m', 'pyskl', 'check']


@pytest.mark.parametrize('name', ['train', 'test'])
def test_the_rank_that_old_launchers_pass_is_a_number(name, capsys):
    with pytest.raises(SystemExit) as ended:
        dispatch([name, 'config.py', '--local_rank', 'abc'])
    assert ended.value.code == 2 and '--local_rank' in capsys.readouterr().err
