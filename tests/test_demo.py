"""The demo asks for what its streams need, by the commands a user would type. What it learns is measured by running it."""
from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def demo(monkeypatch):
    """argv -> the scripts that the demo runs: (script, arguments)"""
    main = runpy.run_path(str(ROOT / 'tools' / 'demo.py'))['main']
    commands: list[tuple[str, ...]] = []

    def run(title, *words):
        commands.append(tuple(map(str, words)))
        return 1.0

    monkeypatch.setitem(main.__globals__, 'run', run)
    monkeypatch.setitem(main.__globals__, 'report', lambda *_, **__: 0)
    monkeypatch.setattr(main.__globals__['shutil'], 'rmtree', lambda *_, **__: None)
    return lambda *argv: commands.clear() or main(argv) or list(commands)


def blending(commands):
    words = next(words for words in commands if words[0] == 'ensemble/ensemble.py')
    at = words.index('--weights')
    return [Path(word).parent.name for word in words[1:at]], [float(w) for w in words[at + 1:words.index('--out-dir')]]


def trained(commands):
    return [Path(words[1]) for words in commands if words[0] == 'tools/train.py']


def test_the_demo_trains_the_published_pair_with_the_published_weights(demo):
    commands = demo()
    assert blending(commands) == (['joint', 'limb'], [0.4, 0.6])
    assert [path.stem for path in trained(commands)] == ['joint', 'limb']
    assert blending(demo('--streams', 'limb', 'joint')) == (['limb', 'joint'], [0.6, 0.4])


@pytest.mark.parametrize('streams', [['joint', 'limb', 'joint_motion', 'limb_motion'], ['limb_motion'], ['joint', 'joint_motion', 'limb']])
def test_other_streams_weigh_the_same(demo, streams):
    commands = demo('--streams', *streams)
    assert blending(commands) == (streams, [pytest.approx(1 / len(streams), abs=1e-4)] * len(streams))
    assert [path.stem for path in trained(commands)] == streams and all((ROOT / path).is_file() for path in trained(commands))


def test_a_stream_that_is_not_known_is_named(demo, capsys):
    with pytest.raises(SystemExit):
        demo('--streams', 'bone')
    assert "'bone'" in capsys.readouterr().err and not trained(demo())[2:]
