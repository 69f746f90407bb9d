"""Common parts of the tables of wrong inputs: valid files, scripts to call, and good messages."""

from __future__ import annotations

import pickle
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tiny import script, write_config, write_data

from pyskl.annotations import read_annotations
from pyskl.apis import train
from pyskl.scores.score_file import save_result_pkl, save_scores
from pyskl.scripts import run_script

IDS = [f'test_{i}' for i in range(13)]
# Each message must contain one of these: what was expected, or what to try.
ADVICE = re.compile(
    r'expected|did you mean|choose '
    r'from|\b(try|give|take|use|set|make|choose|name|move|write|say|add|'
    r'save|put|leave|remove|start|raise|known|free|ask|should)\b|'
    r'is required|are required|unpack|must|correct|check|install|convert|holds:|it has',
    re.I,
)


@dataclass(frozen=True)
class Row:
    """A wrong input: `command`, in a folder of files changed by `spoil`, must say what is wrong.

    Args:
        command: name of the script and its arguments.
        fault: what is wrong, for the name of the test.
        says: what the message has to name, with ' | ' between.
        spoil: changes the files.
        env: environment variables to set.
    """

    command: str
    fault: str
    says: str
    spoil: Callable[[Path], object] = lambda folder: None
    env: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f'{self.script}: {self.fault}'

    @property
    def script(self) -> str:
        return self.command.split()[0]

    @property
    def argv(self) -> list[str]:
        return self.command.split()[1:]


def rows(command: str, *cases: tuple) -> list[Row]:
    """Several faults of one command."""
    return [Row(command, *case) for case in cases]


def make_world(folder: Path) -> None:
    """Write small valid files of every kind: data, config, a run, arrays, scores, texts."""
    write_data(folder, num_train=16, num_test=13)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train(write_config(Path(), extra='total_epochs = 1\n'))
    shutil.copy(folder / 'run' / 'epoch_1.pth', folder / 'trained.pth')
    rng = np.random.default_rng(0)
    for name in ('raw', 'csv', 'out'):
        (folder / name).mkdir()
    names = ['0001_0', '0001_1', '0002_0']
    for split in ('train', 'test'):
        data = rng.uniform(0, 500, (3, 3, 6, 22, 1)).astype(np.float32)
        np.save(folder / 'raw' / f'{split}_data.npy', data)
        pickled(f'raw/{split}_label.pkl', (names, [3, 5, 31]))(folder)
    points = np.column_stack([np.arange(8), rng.uniform(1, 500, (8, 105))])
    np.savetxt(folder / 'csv' / '0005_light_hand.csv', points, delimiter=',', fmt='%.2f')
    scores = rng.dirichlet(np.ones(4), 13).astype(np.float32)
    for stream in 'ab':
        save_scores(folder / f'{stream}.npz', IDS, scores)
        save_result_pkl(folder / f'{stream}.pkl', scores)
    labels = ('wave', 'point', 'rest')
    for name, lines in {
        'csv/0005.csv': ['1,0,3', '99,4,7'],
        'ids.txt': IDS,
        'labels.txt': labels,
        'glove.txt': [f'{word}{6 * " 0.5"}' for word in labels],
    }.items():
        text(name, '\n'.join(lines) + '\n')(folder)


@pytest.fixture
def world(tmp_path_factory, tmp_path):
    """A copy of them, to spoil."""
    whole = tmp_path_factory.getbasetemp() / 'world'
    if not whole.exists():
        whole.mkdir()
        make_world(whole)
    return shutil.copytree(whole, tmp_path / 'w', symlinks=True)


def state_of(folder: Path) -> dict[str, tuple]:
    """Every file below a folder with its size and time, to see that none was touched."""
    found = {}
    for path in sorted(folder.rglob('*')):
        status = path.lstat()
        found[str(path.relative_to(folder))] = (
            (status.st_size, status.st_mtime_ns) if path.is_file() else (path.is_symlink(),)
        )
    return found


def check_message(row: Row, status: object, out: str, err: str) -> None:
    """Expect status 2 and one message with the expected names and advice, without a traceback."""
    assert status == 2, f'{row}: status {status}\n{out}\n{err}'
    assert 'wrote' not in out, out
    assert 'Traceback' not in err, err
    usage = err.startswith('usage: ')  # argparse, which also shows how the script is called
    message = err[err.index('error: ') :] if usage else err
    assert usage or err.startswith('error: '), err
    assert message.count('error: ') == 1 and len(message) < 1200, err
    missing = [word for word in row.says.split(' | ') if word not in message]
    assert not missing, f'{row}: the message says nothing of {missing}:\n{message}'
    assert usage or ADVICE.search(message), f'{row}: what was expected, and what to try?\n{message}'


def call(
    row: Row, folder: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Run a row in this process, inside `folder`; returns its message."""
    monkeypatch.chdir(folder)
    launchers = (
        'RANK WORLD_SIZE LOCAL_RANK MASTER_ADDR MASTER_PORT TORCHELASTIC_RUN_ID SLURM_PROCID'
    )
    for name in launchers.split():
        monkeypatch.delenv(name, raising=False)
    for name, value in row.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, 'path', list(sys.path))  # custom_imports adds to it
    row.spoil(folder)
    before = state_of(folder)
    capfd.readouterr()
    with pytest.raises(SystemExit) as left:
        run_script(lambda: script(row.script).main(row.argv))
    out, err = capfd.readouterr()
    check_message(row, left.value.code, out, err)
    assert state_of(folder) == before, f'{row}: files were touched'
    return err


# Ways to spoil things


def text(name: str, content: str | bytes) -> Callable[[Path], object]:
    """Write this into a file."""
    raw = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(raw)


def config(extra: str) -> Callable[[Path], object]:
    """bad.py: tiny.py with these lines after it."""
    return lambda folder: (folder / 'bad.py').write_text(
        (folder / 'tiny.py').read_text() + extra + '\n'
    )


def cut(name: str, share: float = 0.5) -> Callable[[Path], object]:
    """Leave only the first part of a file."""

    def spoil(folder: Path) -> None:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: int(len(whole) * share)])

    return spoil


def as_folder(name: str) -> Callable[[Path], object]:
    """A folder where a file is expected."""

    def spoil(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()

    return spoil


def as_loop(name: str) -> Callable[[Path], object]:
    """A link to itself: there, but unreadable for everybody, root too."""

    def spoil(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(name)

    return spoil


def pickled(name: str, value: object) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(pickle.dumps(value, 4))


def clip(name: str = 'test.pkl', row: int = 4, **fields: object) -> Callable[[Path], object]:
    """Change fields of a clip in an annotation pickle, by value or function; None removes one."""

    def spoil(folder: Path) -> None:
        data = read_annotations(folder / name)
        annotation = data['annotations'][row]
        for key, value in fields.items():
            if value is None:
                del annotation[key]
            else:
                annotation[key] = value(annotation[key].copy()) if callable(value) else value
        (folder / name).write_bytes(pickle.dumps(data, 4))

    return spoil


def put(*at: object) -> Callable[[np.ndarray], np.ndarray]:
    """put(index, value): that array with the value there."""
    *index, value = at

    def change(array: np.ndarray) -> np.ndarray:
        array[tuple(index)] = value
        return array

    return change


def array(name: str, value: object) -> Callable[[Path], object]:
    """Write an .npy file; a function gets what was there."""

    def spoil(folder: Path) -> None:
        whole = value(np.load(folder / name)) if callable(value) else value
        np.save(folder / name, whole, allow_pickle=True)

    return spoil


def npz(name: str, **arrays: object) -> Callable[[Path], object]:
    return lambda folder: np.savez(folder / name, **arrays)
