"""Kill tools that write files at random moments; running the same command again must succeed.

    python tests/helpers/kill_commands.py [--kills 5] [--seed 0] [--only convert]

After each kill, what lies in the output folder is either absent, or whole and of this or an earlier
time, or a leftover that begins with a dot. The command is then run to its end, which must give the
same files as an undisturbed run, and nothing else: no leftover stays.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from kill_training import ended, finish, start, wait_for
from raw_forms import NUM_FRAMES, openpose
from tiny import write_config, write_data

from pyskl.annotations import open_annotations
from pyskl.apis import TestOptions, TrainOptions, test, train

COMMANDS = {
    'convert': 'tools/convert.py openpose raw --img-shape 720 1280 -o {out}/x.pkl',
    'join': 'tools/join.py train.pkl test.pkl -o {out}/x.pkl',
    'pack': 'tools/pack.py train.pkl --out {out}/x.packed',
    'report': 'tools/report.py run -o {out}/report.html',
}


def make_inputs(folder: Path) -> None:
    """Enough data that writing takes a while, and a tested run."""
    write_data(folder, num_train=1000, num_test=200)
    people = np.random.default_rng(0).uniform(1, 500, (1, NUM_FRAMES, 25, 3)).astype(np.float32)
    people[..., 2] = 0.9
    for n in range(30):
        openpose(folder / 'raw' / str(n), people)
        (folder / 'raw' / str(n) / 'clip').rename(folder / 'raw' / f'clip{n}')
        (folder / 'raw' / str(n)).rmdir()
    config = write_config(folder, extra='total_epochs = 1\ndata["videos_per_gpu"] = 64\n')
    train(config, TrainOptions(validate=False))
    test(config, TestOptions())


def content(out: Path) -> dict[str, object]:
    """What tells two outputs apart; a packed folder, which has an id of its own, by its
    clips."""
    found: dict[str, object] = {}
    for path in sorted(out.iterdir()) if out.exists() else ():
        if path.name.endswith('.packed'):
            clips = open_annotations(path)
            found[path.name] = [(clip['frame_dir'], clip['keypoint'].tobytes()) for clip in clips]
        else:
            raw = path.read_bytes() if path.is_file() else b'a folder'
            found[path.name] = re.sub(rb'"written":"[^"]*"', b'', raw)  # a report's, to the minute
    return found


def is_writing(out: Path) -> bool:
    with suppress(FileNotFoundError):
        return any(name.startswith('.') for name in os.listdir(out))
    return False


def kill(words: list[str], out: Path, delay: float | None) -> str | None:
    """Kill a command after so many seconds, or (None) while it writes; where, or None: it ended."""
    with ended(start(*words)) as process:
        if delay is None:
            runs = wait_for(lambda: is_writing(out), process, pause=0)
        else:
            end = time.monotonic() + delay
            runs = wait_for(lambda: time.monotonic() > end, process, pause=0.01)
    if not runs:
        return None
    return 'a half-written file' if is_writing(out) else 'its work'


def campaign(name: str, folder: Path, kills: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """What each kill struck, and every difference from what an undisturbed run gives."""
    random.seed(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return _campaign(COMMANDS[name].split(), folder, name, kills)


def _campaign(words: list[str], folder: Path, name: str, kills: int) -> tuple[list[str], list[str]]:
    def into(out: Path) -> list[str]:
        return [word.format(out=out) for word in words]

    whole, out = folder / f'whole_{name}', folder / f'out_{name}'
    seconds = finish(into(whole))
    expected = content(whole)
    struck: list[str] = []
    wrong: list[str] = []

    def check_finished() -> None:
        finish(into(out))
        if content(out) != expected:
            wrong.append(f'after kill {len(struck)} the files of {sorted(content(out))} differ')

    for number in range(1, 10 * kills + 1):
        if len(struck) == kills:
            break
        if number % 3 == 1:  # else the files of an earlier run are there, or what a kill left
            shutil.rmtree(out, ignore_errors=True)
        what = kill(into(out), out, None if number % 2 else random.uniform(0.2, 1) * seconds)
        if what is None:
            continue
        struck.append(what)
        wrong += [
            f'kill {len(struck)}: {key} is not whole'
            for key, value in content(out).items()
            if not key.startswith('.') and value != expected[key]
        ]
        print(f'{name}: kill {len(struck)} struck in {what}', flush=True)
        if number % 3 == 0:
            check_finished()
    check_finished()
    return struck, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kills', type=int, default=5, help='of each command')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--only', choices=COMMANDS, help='one of them')
    args = parser.parse_args()
    status = 0
    with tempfile.TemporaryDirectory() as temporary:
        make_inputs(Path(temporary))
        for name in [args.only] if args.only else COMMANDS:
            struck, wrong = campaign(name, Path(temporary), args.kills, args.seed)
            print(f'{name}: {len(struck)} kills: {dict(Counter(struck))}; {len(wrong)} faults')
            print('\n'.join(wrong))
            status |= bool(wrong) or len(struck) < args.kills
    return status


if __name__ == '__main__':
    sys.exit(main())
