"""Files from strangers, through every door that the scripts have: none of them runs anything, all
are refused by name.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import shutil
import subprocess
import sys
import tracemalloc
import zipfile

import hostile_pickles as hostile
import numpy as np
import pytest
import torch
from bad_input import IDS, Row, call, config, world  # noqa: F401 (a fixture)
from hostile_pickles import Reduced, as_global, short_text, whole
from tiny import ROOT

from pyskl.engine.checkpoint import read_checkpoint
from pyskl.errors import CheckpointError

# Where a pickle comes in: the script, its words, the file.
PICKLE_DOORS = [
    ('check_data', 'test.pkl', 'test.pkl'),
    ('pack', 'test.pkl', 'test.pkl'),
    ('readlabel', '--data-dir raw --out-dir out', 'raw/train_label.pkl'),
    ('ensemble', 'a.pkl --ids ids.txt --out-dir out', 'a.pkl'),
    ('ensemble', 'a.npz --labels test.pkl --out-dir out', 'test.pkl'),
    ('test', 'tiny.py', 'test.pkl'),
    pytest.param('train', 'tiny.py --work-dir new', 'train.pkl', marks=pytest.mark.slow),
    pytest.param('train', 'tiny.py --work-dir new', 'val.pkl', marks=pytest.mark.slow),
]
CHECKPOINT_DOORS = [
    ('test', 'tiny.py -C odd.pth', None),
    *(
        pytest.param('train', words, line, marks=pytest.mark.slow)
        for words, line in (
            ('tiny.py --work-dir new --resume odd.pth', None),
            ('bad.py --work-dir new', "load_from = 'odd.pth'"),
            ('bad.py --work-dir new', "resume_from = 'odd.pth'"),
            ('bad.py --work-dir new', "model['backbone']['pretrained'] = 'odd.pth'"),
        )
    ),
]


@pytest.fixture
def folder(world, tmp_path):  # noqa: F811
    return shutil.copytree(world, tmp_path / 'w', symlinks=True)


@pytest.fixture
def mark(tmp_path):
    """What a hostile file makes when it runs; it must not be there afterwards."""
    yield tmp_path / 'ran'
    assert not (tmp_path / 'ran').exists(), 'a file from a stranger was run'


@pytest.mark.parametrize('script, words, file', PICKLE_DOORS)
def test_no_hostile_pickle_runs_through_any_door(
    script, words, file, folder, mark, capfd, monkeypatch
):
    for name, raw in hostile.that_run(str(mark)).items():
        (folder / file).write_bytes(raw)
        call(
            Row(script, file, name, words, (file.rpartition('/')[2], 'cannot be read as a pickle')),
            folder,
            capfd,
            monkeypatch,
        )


@pytest.mark.parametrize(
    'kind',
    [hostile.through_numpy, hostile.other_instructions, lambda mark: hostile.bombs()],
    ids=['gadgets through numpy', 'other instructions', 'bombs'],
)
@pytest.mark.parametrize('script, words, file', [PICKLE_DOORS[0], PICKLE_DOORS[3]])
def test_no_gadget_gets_through_the_door(
    kind, script, words, file, folder, mark, capfd, monkeypatch
):
    for name, raw in kind(str(mark)).items():
        (folder / file).write_bytes(raw)
        call(Row(script, file, name, words, (file,)), folder, capfd, monkeypatch)


# .npz and .npy ------------------------------------------------------------------------------------


def npy(array: np.ndarray) -> bytes:
    f = io.BytesIO()
    np.save(f, array, allow_pickle=True)
    return f.getvalue()


def archive(*members: tuple[str, bytes], packed: bool = False) -> bytes:
    f = io.BytesIO()
    with zipfile.ZipFile(f, 'w', zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as z:
        for name, raw in members:
            z.writestr(
                zipfile.ZipInfo(name), raw, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            )
    return f.getvalue()


def bomb(megabytes: int) -> bytes:
    """An archive of a kilobyte a megabyte, whose member is really as long as it says."""
    f = io.BytesIO()
    with zipfile.ZipFile(f, 'w', zipfile.ZIP_DEFLATED) as z, z.open('scores.npy', 'w') as member:
        member.write(announcing((megabytes << 18,)))
        for _ in range(megabytes):
            member.write(bytes(1 << 20))
    return f.getvalue()


def announcing(shape: tuple[int, ...], raw: bytes = b'') -> bytes:
    """An .npy header for that many float32, with other bytes behind it."""
    f = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        f, {'descr': '<f4', 'fortran_order': False, 'shape': shape}
    )
    return f.getvalue() + raw


def hostile_archives(mark: str) -> dict[str, bytes]:
    evil, ids, scores = (
        np.array([Reduced(os.mkdir, mark)], object),
        npy(np.array(IDS)),
        npy(np.ones((13, 4), np.float32)),
    )
    lying = bytearray(
        archive(
            ('ids.npy', ids), ('scores.npy', announcing((13, 4), bytes(50_000_000))), packed=True
        )
    )
    place = lying.rindex(b'PK\x01\x02')  # the directory's entry of scores.npy
    lying[place + 24 : place + 28] = (500).to_bytes(4, 'little')  # its announced size
    return {
        'pickles in scores': archive(('ids.npy', ids), ('scores.npy', npy(evil))),
        'pickles in ids': archive(('ids.npy', npy(evil)), ('scores.npy', scores)),
        'pickles in an array that nobody asked for': archive(
            ('ids.npy', ids), ('scores.npy', scores), ('x.npy', npy(evil))
        ),
        'a bare pickle as a member': archive(('scores.npy', pickle.dumps(Reduced(os.mkdir, mark)))),
        'a zip bomb of 300 MB': bomb(300),
        'a bomb that announces little': bytes(lying),
        'an array of 4 TB': archive(('ids.npy', ids), ('scores.npy', announcing((2**40,)))),
        'an array of endless shape': archive(
            ('ids.npy', ids), ('scores.npy', announcing((2**62, 2**62)))
        ),
        'a negative shape': archive(('ids.npy', ids), ('scores.npy', announcing((-1, 4)))),
        'a path that climbs out': archive(('../../ran/scores.npy', scores)),
        'an absolute path': archive(('/tmp/scores.npy', scores)),
        'a path with a drive': archive(('C:\\scores.npy', scores)),
        'a path in a folder': archive(('a/scores.npy', scores)),
        'a link': archive(('scores', b'/etc/passwd'), ('scores.npy', scores)),
        'the same name twice': archive(('scores.npy', scores), ('scores.npy', scores)),
        'two thousand members': archive(*((f'a{i}.npy', b'') for i in range(2000))),
        'a header that is code': archive(
            (
                'scores.npy',
                b'\x93NUMPY\x01\x00\x40\x00' + b"__import__('os').mkdir('x')".ljust(63) + b'\n',
            )
        ),
        'a header of 60 KB of brackets': archive(
            ('scores.npy', b'\x93NUMPY\x01\x00\xff\xef' + b'(' * 61439)
        ),
        'structured with objects': archive(('scores.npy', npy(np.zeros(2, [('a', 'O')])))),
        'no archive behind PK': b'PK\x03\x04' + bytes(100),
    }


def test_no_hostile_archive_gets_through_the_door(folder, mark, capfd, monkeypatch):
    for name, raw in hostile_archives(str(mark)).items():
        (folder / 'a.npz').write_bytes(raw)
        tracemalloc.start()
        try:
            call(
                Row('ensemble', 'a.npz', name, 'a.npz b.npz --out-dir out', ('a.npz',)),
                folder,
                capfd,
                monkeypatch,
            )
            assert tracemalloc.get_traced_memory()[1] < 32 << 20, f'{name} was unpacked'
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    'script, words, file',
    [
        ('train', 'tiny.py --work-dir new', 'labels.npy'),
        ('readlabel', '--data-dir raw --out-dir out', 'raw/train_data.npy'),
    ],
)
def test_no_pickle_inside_an_npy_file_runs(script, words, file, folder, mark, capfd, monkeypatch):
    for shape in ((1,), (3, 6), (3, 3, 6, 22, 1)):
        evil = np.full(shape, Reduced(os.mkdir, str(mark)), object)
        (folder / file).write_bytes(npy(evil))
        call(
            Row(script, file, f'objects {shape}', words, (file.rpartition('/')[2], 'objects')),
            folder,
            capfd,
            monkeypatch,
        )


# Checkpoints --------------------------------------------------------------------------------------


def saved(value: object, zipped: bool = True) -> bytes:
    f = io.BytesIO()
    torch.save(value, f, _use_new_zipfile_serialization=zipped)
    return f.getvalue()


def with_pickle(body: bytes) -> bytes:
    """A checkpoint archive whose data.pkl is this."""
    return archive(
        ('archive/data.pkl', body), ('archive/byteorder', b'little'), ('archive/version', b'3\n')
    )


class Flags:
    """A float64 dtype whose state says that its bytes are pointers to objects."""

    def __reduce__(self):
        return np.dtype, ('f8', False, True), (3, '<', None, None, None, -1, -1, 0x3F)


def hostile_checkpoints(mark: str) -> dict[str, bytes]:
    mkdir, weights = Reduced(os.mkdir, mark), {'a': torch.ones(2)}
    inner, scalar = pickle.dumps(mkdir), np.float64(0).__reduce__()[0]
    names = [
        'torch.load',
        'torch.hub.load',
        'torch.jit.load',
        'torch.utils.cpp_extension.load',
        'torch.storage._load_from_bytes',
        'torch.serialization.load',
        'torch.package.PackageImporter',
        'torch._utils._rebuild_device_tensor_from_numpy',
        'torch.distributed.rpc.internal._internal_rpc_pickler.deserialize',
        'numpy.load',
        'numpy.core.multiarray._reconstruct',
        'numpy.fromfile',
        'numpy.testing._private.utils.runstring',
        'builtins.getattr',
        '__builtin__.getattr',
        'builtins.eval',
        'argparse.Namespace',
        'pathlib.PosixPath',
        'mmengine.logging.history_buffer.HistoryBuffer',
        'functools.partial',
        'operator.attrgetter',
        'importlib.import_module',
        'collections.namedtuple',
        'copyreg._reconstructor',
        'mmengine.config.Config.fromfile',
        'pyskl.recipe.load.load_config',
        'pyskl.files.load_pickle',
    ]
    return {
        'os.mkdir in meta': saved({'state_dict': weights, 'meta': {'x': mkdir}}),
        'os.mkdir in meta, old format': saved(
            {'state_dict': weights, 'meta': {'x': mkdir}}, zipped=False
        ),
        'os.mkdir as a weight': saved({'state_dict': {'a': mkdir}}),
        'os.mkdir as the optimiser': saved(
            {'state_dict': weights, 'meta': {'epoch': 1}, 'optimizer': mkdir}
        ),
        'os.mkdir as the key of a dict': with_pickle(
            whole(b'}' + pickle.dumps(mkdir, 2)[2:-1] + b'Ns').replace(b'\x80\x04', b'\x80\x02')
        ),
        'a bare pickle': inner,
        'a bare pickle of protocol 2': pickle.dumps(mkdir, 2),
        'as the state of an OrderedDict': with_pickle(
            b'\x80\x02' + as_global('collections.OrderedDict') + b')R' + inner[2:-1] + b'b.'
        ),
        'as the state of a tensor': with_pickle(
            b'\x80\x02'
            + as_global('torch.Tensor')
            + b')\x81'
            + pickle.dumps(mkdir, 2)[2:-1]
            + b'b.'
        ),
        'as the state of a logged history': with_pickle(
            b'\x80\x02'
            + as_global('mmengine.logging.history_buffer.HistoryBuffer')
            + b')\x81'
            + pickle.dumps(mkdir, 2)[2:-1]
            + b'b.'
        ),
        'a method of something else': with_pickle(
            b'\x80\x02'
            + as_global('__builtin__.getattr')
            + as_global('torch.Tensor')
            + short_text('numpy')
            + b'\x86R.'
        ),
        'as the state of options': with_pickle(
            b'\x80\x02'
            + as_global('argparse.Namespace')
            + b')\x81'
            + pickle.dumps(mkdir, 2)[2:-1]
            + b'b.'
        ),
        'numpy scalar of objects': saved(
            {'state_dict': weights, 'meta': {'x': Reduced(scalar, np.dtype('O'), inner)}}
        ),
        'numpy scalar of pointers': saved(
            {'state_dict': weights, 'meta': {'x': Reduced(scalar, Flags(), b'A' * 8)}}
        ),
        'numpy scalar of text': saved({'state_dict': weights, 'meta': {'x': np.str_('a')}}),
        'a structured dtype': saved({'state_dict': weights, 'meta': {'x': np.void(b'ab')}}),
        'an object array': saved({'state_dict': {'a': np.array([mkdir], object)}}),
        'extension code': with_pickle(b'\x80\x02\x82\xf0' + short_text(mark) + b'\x85R.'),
        'TorchScript': archive(
            ('archive/data.pkl', b'\x80\x02N.'),
            ('archive/constants.pkl', b'\x80\x02N.'),
            ('archive/code/__torch__.py', b'import os'),
            ('archive/version', b'3\n'),
        ),
        'a packed archive, 20 MB of zeros': archive(
            ('archive/data.pkl', b'\x80\x02}.'), ('archive/data/0', bytes(20 << 20)), packed=True
        ),
        'a path that climbs out': archive(
            ('../../../ran', b'x'), ('archive/data.pkl', b'\x80\x02}.')
        ),
        'a storage of 4 TB': with_pickle(
            b'\x80\x02'
            + as_global('torch._utils._rebuild_tensor_v2')
            + b'((X\x07\x00\x00\x00storage'
            + as_global('torch.FloatStorage')
            + b'X\x01\x00\x00\x000X\x03\x00\x00\x00cpu\x8a\x06\x00\x00\x00\x00\x00\x01tQK\x00('
            + b'\x8a\x06\x00\x00\x00\x00\x00\x01t(K\x01t\x89'
            + as_global('collections.OrderedDict')
            + b')RtR.'
        ),
        'text': b'not a checkpoint at all\n',
        'nothing': b'',
        'a zip of nothing': archive(),
        **{
            name: with_pickle(b'\x80\x02' + as_global(name) + short_text(mark) + b'\x85R.')
            for name in names
        },
    }


def test_these_checkpoints_do_run_when_read_carelessly(tmp_path, mark):
    """Else the tests below would be tests of nothing."""
    for name in (
        'os.mkdir in meta',
        'os.mkdir in meta, old format',
        'os.mkdir as a weight',
        'a bare pickle of protocol 2',
    ):
        (tmp_path / 'odd.pth').write_bytes(hostile_checkpoints(str(mark))[name])
        with contextlib.suppress(
            RuntimeError
        ):  # the bare pickle has run when torch finds that it is none of its own
            torch.load(tmp_path / 'odd.pth', weights_only=False)
        mark.rmdir()


@pytest.mark.parametrize('name', hostile_checkpoints('mark'))
def test_no_hostile_checkpoint_is_read(name, tmp_path, mark):
    (tmp_path / 'odd.pth').write_bytes(hostile_checkpoints(str(mark))[name])
    with pytest.raises(CheckpointError, match='odd.pth: ') as error:
        read_checkpoint(tmp_path / 'odd.pth')
    assert len(str(error.value)) < 600 and 'weights_only' not in str(error.value), error.value


@pytest.mark.parametrize('script, words, line', CHECKPOINT_DOORS)
def test_no_hostile_checkpoint_gets_through_any_door(
    script, words, line, folder, mark, capfd, monkeypatch
):
    if line:
        config(line)(folder)
    for name, raw in hostile_checkpoints(str(mark)).items():
        (folder / 'odd.pth').write_bytes(raw)
        call(Row(script, 'odd.pth', name, words, ('odd.pth',)), folder, capfd, monkeypatch)


# Configs ------------------------------------------------------------------------------------------


def test_nothing_but_the_config_its_bases_and_its_imports_is_executed(folder, tmp_path):
    """Beside the config lie files that Python, a test runner or a careless loader might pick up;
    each would leave a mark.
    """
    marking = 'open({mark!r} + "_" + __name__.replace(".", "_"), "w").close()\n'.replace(
        '{mark!r}', repr(str(tmp_path / 'ran'))
    )
    for name in (
        'sitecustomize',
        'usercustomize',
        'conftest',
        'setup',
        '__init__',
        '__main__',
        'other',
        'joint',
        'tiny2',
        'numpy',
        'torch',
        'mmcv',
        'mmengine',
        'pyskl',
        'yaml',
        'json',
        'tensorboard',
        'torchvision',
        'accelerate',
        'scipy',
        'typing_extensions',
    ):
        (folder / f'{name}.py').write_text(marking)
    (folder / 'base.py').write_text(marking + (folder / 'tiny.py').read_text())
    (folder / 'mine.py').write_text(marking)
    (folder / 'bad.py').write_text(
        marking + "_base_ = ['base.py']\ncustom_imports = dict(imports=['mine'])\n"
    )
    done = subprocess.run(
        [sys.executable, str(ROOT / 'tools' / 'train.py'), 'bad.py', '--dry-run'],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''},
    )
    assert done.returncode == 0, done.stderr
    ran = sorted(p.name.removeprefix('ran_') for p in tmp_path.glob('ran_*'))
    print(ran)
    assert 'mine' in ran and set(ran) <= {'mine', 'builtins'}, ran


def test_options_of_the_command_line_are_never_run(folder, mark, capfd, monkeypatch):
    for value in (
        f"__import__('os').mkdir('{mark}')",
        f'{{{{os.mkdir("{mark}")}}}}',
        f'dict(a=__import__("os").mkdir("{mark}"))',
        f'[__import__("os").mkdir("{mark}")]',
        f'(lambda: __import__("os").mkdir("{mark}"))()',
        f'$(mkdir {mark})',
    ):
        row = Row(
            'print_config',
            '--cfg-options',
            value,
            ['tiny.py', '--cfg-options', f'data.videos_per_gpu={value}'],
            ('videos_per_gpu',),
        )
        call(row, folder, capfd, monkeypatch)
