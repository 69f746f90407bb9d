"""The commands that the demo runs, and what its streams need."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tiny import script

from pyskl.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo(monkeypatch):
    """argv -> the scripts that the demo runs: (script, arguments)"""
    tool = script('demo')
    commands: list[tuple[str, ...]] = []

    def run(title, *words, beside=''):
        commands.append(tuple(map(str, words)))
        return 1.0

    monkeypatch.setattr(tool, 'run', run)
    monkeypatch.setattr(tool, 'report', lambda *_, **__: 0)
    monkeypatch.setattr(tool.shutil, 'rmtree', lambda *_, **__: None)
    return lambda *argv: commands.clear() or tool.main(argv) or list(commands)


def blending(commands):
    words = next(words for words in commands if words[0] == 'ensemble')
    at, end = words.index('--weights'), words.index('--out-dir')
    return [Path(word).parent.name for word in words[1:at]], list(map(float, words[at + 1 : end]))


def trained(commands):
    return [Path(words[1]) for words in commands if words[0] == 'train']


def test_the_demo_trains_the_published_pair_of_streams(demo):
    commands = demo()
    assert blending(commands) == (['joint', 'limb'], [0.5, 0.5])
    assert sorted(path.stem for path in trained(commands)) == ['joint', 'limb']


@pytest.mark.parametrize('streams', [['limb_motion'], ['joint', 'joint_motion', 'limb']])
def test_all_streams_weigh_the_same(demo, streams):
    commands = demo('--streams', *streams)
    blended, weights = blending(commands)
    assert blended == streams
    assert weights == pytest.approx([1 / len(streams)] * len(streams), abs=1e-4)
    assert sorted(path.stem for path in trained(commands)) == sorted(streams)
    assert all((ROOT / path).is_file() for path in trained(commands))


def test_what_runs_beside_others_has_one_thread_and_its_name_before_each_line(
    monkeypatch, tmp_path, capsys
):
    tool = script('demo')
    (tmp_path / 'step.py').write_text(
        'import os, sys\nprint(os.environ["OMP_NUM_THREADS"])\nsys.exit(sys.argv[1])\n'
    )
    monkeypatch.setattr(
        tool, 'child_command', lambda module: [sys.executable, str(tmp_path / f'{module}.py')]
    )
    monkeypatch.setenv('OMP_NUM_THREADS', '7')
    with pytest.raises(UserError, match='"train limb" ended with status 1'):
        tool.run('train limb', 'step', 'no such clip', beside='limb')
    said = capsys.readouterr().out.splitlines()[2:]
    assert said == ['limb         | 1', 'limb         | no such clip']


def test_the_quick_demo_trains_one_stream_on_data_of_its_own(demo):
    commands = demo('--quick')
    assert blending(commands) == (['joint'], [1.0])
    (words,) = (words for words in commands if words[0] == 'train')
    assert {'total_epochs=1', 'data.train.ann_file=data/demo_quick/imigue_train.pkl'} <= {*words}
