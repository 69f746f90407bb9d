"""Files of every kind, spoilt by chance: each is read, or one UserError says what is wrong. The
seeds are kept.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from imigue_release import points, rows, xlsx
from natops_files import made_up as natops_clips
from natops_files import ts_file
from raw_forms import CASES, made_up
from tiny import script

from pyskl.annotations import make_annotation, open_annotations, write_annotations
from pyskl.annotations.label_files import read_label_file
from pyskl.annotations.packing import write_packed
from pyskl.annotations.splitting import read_splits
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.errors import UserError
from pyskl.files import load_npy
from pyskl.labels import read_labels
from pyskl.report.literal import literal_config
from pyskl.report.sources import read_log
from pyskl.scores import read_ids
from pyskl.scores.saved_fit import load_fit
from pyskl.scores.score_file import load_scores
from pyskl.sources.conversion import convert
from pyskl.sources.forms import FORMS
from pyskl.sources.natops import annotations_of as natops_annotations
from pyskl.sources.natops import read_ts
from pyskl.sources.ntu import SkeletonFile, annotation_of, convert_file
from pyskl.sources.tables import read_table
from pyskl.sweep.plan import read_plan

pytestmark = pytest.mark.filterwarnings('ignore')
IDS = [f'c{n}' for n in range(6)]
SCORES = np.random.default_rng(0).dirichlet(np.ones(4), 6)


def clips() -> list[dict]:
    xy = np.random.default_rng(0).uniform(0, 40, (6, 1, 5, 22, 2))
    return [make_annotation(name, xy[k], label=k, img_shape=(48, 64)) for k, name in enumerate(IDS)]


def text(name: str, content: str) -> Callable[[Path], Path]:
    return saved(name, lambda path: path.write_text(content))


def saved(name: str, write: Callable[[Path], object]) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        write(folder / name)
        return folder / name

    return made


def packed(folder: Path) -> Path:
    write_packed(folder / 'packed', clips(), {'train': IDS})
    return folder / 'packed'


def checkpoint(path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1).state_dict()
    content = {'meta': {'epoch': 1}, 'state_dict': model.state_dict(), 'optimizer': optimizer}
    torch.save(content, path)


def skeleton(folder: Path) -> Path:
    joint = ' '.join(['0.5'] * 12)
    frame = '1\n7205 0 1 1 1 1 0 0.1 0.2 2\n25\n' + f'{joint}\n' * 25
    path = folder / 'S001C001P001R001A001.skeleton'
    path.write_text('3\n' + frame * 3)
    return path


def all_clips(path: Path) -> None:
    for clip in open_annotations(path):
        clip['keypoint'].sum()


def of_form(form: str) -> Callable[[Path], object]:
    return lambda path: convert(FORMS[form](), [path])


def glove(path: Path) -> None:
    script('embed_labels').glove_vectors(path, {'wave', 'rest'}, 6)


def log(path: Path) -> None:
    path.rename(path.with_name('a.log.json'))
    read_log(path.parent)
    path.with_name('a.log.json').rename(path)


def ntu(path: Path) -> None:
    clip = convert_file(SkeletonFile(path.stem, path))
    if clip.fault:
        raise UserError(clip.fault)
    annotation_of(clip)


# kind: what writes a whole file (or folder) of it, and what reads it
KINDS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    'pickle': (saved('a.pkl', lambda path: write_annotations(path, {'train': IDS}, clips())), all_clips),
    'npz': (saved('a.npz', lambda path: np.savez(path, ids=np.array(IDS), scores=SCORES)), load_scores),
    'npy': (saved('a.npy', lambda path: np.save(path, SCORES)), lambda path: load_npy(path).sum()),
    'checkpoint': (saved('a.pth', checkpoint), read_checkpoint),
    'packed': (packed, all_clips),
    'csv of scores': (
        text('a.csv', ''.join(f'{name},{",".join(map(str, row))}\n' for name, row in zip(IDS, SCORES))), load_scores),
    'json of scores': (text('a.json', json.dumps(dict(zip(IDS, SCORES.tolist())))), load_scores),
    'ids': (text('a.txt', '\n'.join(IDS)), read_ids),
    'labels': (text('a.txt', 'wave\npoint\nrest\n'), read_labels),
    'label file': (text('a.csv', ''.join(f'{name},{k}\n' for k, name in enumerate(IDS))), read_label_file),
    'splits': (text('a.json', json.dumps({'train': IDS[:3], 'val': IDS[3:]})), lambda path: read_splits(path, IDS)),
    'weights.json': (
        text('a.json', json.dumps({'streams': ['a', 'b'], 'weights': [0.5, 0.5], 'temperatures': [1.0, 1.0]})), load_fit),
    'plan': (text('a.json', json.dumps({'runs': [{'config': 'a.py', 'options': {'b': 1}}], 'seeds': [0]})), read_plan),
    'GloVe': (text('a.txt', ''.join(f'{word} {" ".join(["0.5"] * 6)}\n' for word in ('wave', 'point', 'rest'))), glove),
    'log': (text('a.txt', ''.join(json.dumps({'mode': 'train', 'epoch': 1, 'iter': n, 'loss': 0.5}) + '\n' for n in range(9))), log),
    'config dump': (text('a.py', "data = dict(test=dict(ann_file='a.pkl'), n=[1, 2.5, (3,)])\nlr = 1e-3\n"),
                    lambda path: literal_config(path.read_text('utf-8', 'replace'))),
    '.ts': (lambda folder: ts_file(folder / 'a.ts', natops_clips(3), ['1.0', '2.0', '1.0']),
            lambda path: natops_annotations(read_ts(path), 'a', 'xy')),
    '.skeleton': (skeleton, ntu),
    'xlsx': (saved('a.xlsx', lambda path: xlsx(path, rows(points(), 0))), read_table),
    'csv of joints': (text('a.csv', '\n'.join(','.join(row) for row in rows(points(), 0))), read_table),
    **{f'json: {CASES[name][0]}': (lambda folder, name=name: CASES[name][1](folder, made_up(CASES[name][2])), of_form(CASES[name][0]))
       for name in CASES if name in ('openpose25', 'alphapose17', 'mmpose17', 'kinetics', 'coco17', 'h2o')},
}  # fmt: skip
# fmt: off
TOKENS = [b'9' * 5000, b'1e999', b'-1', b'NaN', b'0x', b'\0', b'\xff\xfe', b'[' * 3000, b'{"a":' * 999, b'"', b'\n', b',', b'9' * 20,
          b'null', b'\x1b[2J', b'\xed\xa0\x80', b'=1+1', b' ' * 70000]
# fmt: on


def spoilt(raw: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(raw)
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(data) + 1))
        match rng.integers(6):
            case 0:
                data[place : place + 1] = bytes([rng.integers(256)])
            case 1:
                data[place : place + int(rng.integers(64))] = b''
            case 2:
                data[place:place] = TOKENS[rng.integers(len(TOKENS))]
            case 3:
                data[place : place + 4] = rng.bytes(4)
            case 4:
                del data[place:]
            case 5:
                other = int(rng.integers(len(data) + 1))
                data[place:place] = data[other : other + 40]
    return bytes(data)


def fuzz(kind: str, folder: Path, seed: int, count: int) -> tuple[int, float]:
    """Spoil a file so many times. Returns how many were refused, and the slowest reading in
    seconds.
    """
    write, read = KINDS[kind]
    whole = write(folder)
    read(whole)
    files = (
        sorted(path for path in whole.rglob('*') if path.is_file()) if whole.is_dir() else [whole]
    )
    contents = [path.read_bytes() for path in files]
    rng = np.random.default_rng([zlib.crc32(kind.encode()), seed])
    refused, slowest = 0, 0.0
    for case in range(count):
        which = int(rng.integers(len(files)))
        raw = spoilt(contents[which], rng)
        files[which].write_bytes(raw)
        began = time.process_time()
        try:
            read(whole)
        except UserError as error:
            refused += 1
            assert len(str(error)) < 3000, error
        except Exception as error:
            raise AssertionError(
                f'{kind}, seed {seed}, case {case}: {type(error).__name__}: {error}'
            ) from error
        slowest = max(slowest, time.process_time() - began)
        files[which].write_bytes(contents[which])
    return refused, slowest


@pytest.mark.parametrize('kind', KINDS)
def test_files_spoilt_by_chance_are_read_or_refused(kind, tmp_path):
    refused, _ = fuzz(kind, tmp_path, 0, 30)
    assert refused or kind in ('log', 'config dump')  # these are passed over


@pytest.mark.slow
@pytest.mark.parametrize('kind', KINDS)
def test_ten_thousand_files_spoilt_by_chance_are_read_or_refused(kind, tmp_path):
    refused, slowest = fuzz(kind, tmp_path, 1, 10_000)
    print(f'{kind}: {refused} of 10,000 refused, the slowest took {slowest:.2f} s')
    assert slowest < 5
