"""Corrupted files of every form are read, or refused with a UserError and nothing written."""

import json
import pickle
import random
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import imigue_release
import numpy as np
import pytest
from raw_forms import CASES, made_up
from tiny import script

from pyskl.annotations import read_annotations, write_annotations
from pyskl.errors import UserError

pytestmark = pytest.mark.filterwarnings('ignore')
CELLS = [
    '',
    '-1',
    '0',
    '1',
    '99999999999',
    '1e18',
    '1e9999',
    'nan',
    'inf',
    '1_0',
    '１',
    'a',
    '"',
    '\x00',
]
VALUES = (
    *(None, 0, -1, 1.5, 1e300, 10**12, 2**63, 10**30, True, '', 'a', '../x', 'a,b', '=1', '\x00'),
    *([], {}, [[]], [None], {'a': 1}, [1, 2, 3], [[1, 2, 3]], float('nan'), float('inf')),
)


def spoil(path: Path, rng: random.Random) -> None:
    """Change values of a JSON file or a pickle, cells of a text, or bytes of any file."""
    if path.suffix in ('.json', '.pkl') and rng.random() < 0.7:
        is_json = path.suffix == '.json'
        data = json.loads(path.read_text()) if is_json else pickle.loads(path.read_bytes())
        data = _with_odd_values(data, rng)
        path.write_bytes(json.dumps(data).encode() if is_json else pickle.dumps(data))
        return
    raw = path.read_bytes()
    if path.suffix in ('.csv', '.txt') and rng.random() < 0.7:
        separator = rng.choice((b',', b' ', b'\n'))
        cells = raw.split(separator)
        for _ in range(rng.choice((1, 1, 3))):
            cells[rng.randrange(len(cells))] = rng.choice(CELLS).encode()
        raw = separator.join(cells)
    elif rng.random() < 0.3:
        raw = raw[: rng.randrange(len(raw) + 1)]
    else:
        changed = bytearray(raw)
        for _ in range(rng.choice((1, 2, 20))):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        raw = bytes(changed)
    path.write_bytes(raw)


def _with_odd_values(data: object, rng: random.Random) -> object:
    """Replace or remove a value at a random place, up to three times."""
    data = {'all': list(data) if isinstance(data, tuple) else data}
    for _ in range(rng.choice((1, 1, 2, 3))):
        place = data
        while isinstance(place, (dict, list)) and place and (place is data or rng.random() < 0.8):
            parent = place
            key = rng.choice([*parent] if isinstance(parent, dict) else range(len(parent)))
            place = parent[key]
        if rng.random() < 0.7 or parent is data:
            parent[key] = deepcopy(rng.choice(VALUES))
        else:
            del parent[key]
    return data['all']


def is_done_or_refused(main: Callable, argv: list, out: Path) -> list[dict]:
    """Return what was written; a UserError or the parser's exit status 2 must leave nothing."""
    try:
        main([str(word) for word in argv])
    except UserError as error:
        assert str(error) and not (out.exists() and any(out.iterdir()))
        return []
    written = [read_annotations(path) for path in out.glob('*.pkl')]
    for data in written:
        names = [clip['frame_dir'] for clip in data['annotations']]
        assert len(set(names)) == len(names)
        assert all(set(members) <= set(names) for members in data['split'].values())
    return written


@pytest.mark.parametrize('times', [8, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize('case', CASES)
def test_raw_files_of_every_form(case, times, tmp_path):
    form, write, num_joints, _, _ = CASES[case]
    convert, rng, done = script('convert'), random.Random(f'{case} 0'), 0
    for i in range(times):
        raw, out = tmp_path / f'raw{i}', tmp_path / f'out{i}'
        raw.mkdir()
        write(raw, made_up(num_joints))
        spoil(rng.choice(sorted(file for file in raw.rglob('*') if file.is_file())), rng)
        size = ['--img-shape', 480, 640] if form not in ('k400', 'smg') else []
        argv = [form, raw, '-o', out / 'o.pkl', *size]
        argv += rng.choice(([], ['--split-by', 'random'], ['--joints', 0, 1], ['--strict']))
        done += bool(is_done_or_refused(convert.main, argv, out))
    assert times < 40 or (done < 40 and (done or 'npz' in case))  # whose checksums tell each change


@pytest.mark.slow
@pytest.mark.parametrize('points', [35, 137])
def test_videos_of_every_release(points, tmp_path):
    rng, done = random.Random(points), 0
    suffix = {35: '_light_hand.csv', 137: '_openpose.xlsx'}[points]
    for i in range(60):
        raw, out = tmp_path / f'raw{i}', tmp_path / f'out{i}'
        imigue_release.video(raw / '0187', suffix=suffix, num_points=points)
        spoil(rng.choice(sorted(raw.glob('*/*'))), rng)
        argv = [raw, '--out-dir', out]
        done += bool(is_done_or_refused(imigue_release.readlabel.main, argv, out))
    assert 0 < done < 60


@pytest.mark.slow
def test_annotation_files_joined_and_mended(tmp_path):
    join, check, rng, done = script('join'), script('check_data'), random.Random(0), [0, 0]
    clips = [
        {'frame_dir': f'{i // 2}_{i}', 'label': i % 3, 'img_shape': (48, 64), 'total_frames': 3,
         'keypoint': np.full((1, 3, 17, 2), 20 + i, np.float32)}
        for i in range(4)
    ]  # fmt: skip
    for i in range(200):
        path, out, mended = tmp_path / f'{i}.pkl', tmp_path / f'out{i}', tmp_path / f'fix{i}'
        split = {'train': ['0_0', '0_1'], 'val': ['1_2', '1_3']}
        write_annotations(path, split, clips, as_given=True)
        spoil(path, rng)
        done[0] += bool(is_done_or_refused(join.main, [path, '-o', out / 'o.pkl'], out))
        argv = [path, '--fix', mended / 'o.pkl', '--leave-out']
        for data in is_done_or_refused(check.main, argv, mended):
            done[1] += 1
            labels = {clip['frame_dir']: clip['label'] for clip in data['annotations']}
            assert all(np.isfinite(clip['keypoint']).all() for clip in data['annotations'])
            assert labels and check.main([str(mended / 'o.pkl')]) in (0, 1)
    assert 0 < done[0] < 200 and 0 < done[1] < 200


@pytest.mark.slow
def test_scores_and_ids(tmp_path):
    ensemble = script('ensemble')
    rng, done = random.Random(0), 0
    rows = np.random.default_rng(0).dirichlet(np.ones(6), 5).astype(np.float32)
    ids = [f'{i:04d}_0' for i in range(5)]
    forms = {
        'list.pkl': pickle.dumps(list(rows)),
        'dicts.pkl': pickle.dumps([{'pose': row} for row in rows]),
        'named.pkl': pickle.dumps(dict(zip(ids, rows))),
        's.json': json.dumps({'ids': ids, 'scores': rows.tolist()}).encode(),
        's.csv': '\n'.join(f'{i},{",".join(map(str, row))}' for i, row in zip(ids, rows)).encode(),
    }
    for i in range(300):
        name = rng.choice(list(forms))
        (tmp_path / name).write_bytes(forms[name])
        (tmp_path / 'ids.txt').write_text(rng.choice((',', '\n')).join(ids))
        (tmp_path / 'coarse.txt').write_text('0 1 2 3 4 4')
        spoil(tmp_path / rng.choice((name, name, 'ids.txt', 'coarse.txt')), rng)
        out = tmp_path / f'out{i}'
        argv = [tmp_path / name, '--ids', tmp_path / 'ids.txt', '--out-dir', out]
        argv += rng.choice(([], ['--format', 'mac', '--coarse', tmp_path / 'coarse.txt']))
        is_done_or_refused(ensemble.main, argv, out)
        done += out.exists()
        assert not out.exists() or len(list(out.iterdir())) == 2
    assert 0 < done < 300
