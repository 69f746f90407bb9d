"""Files from strangers, through every door that the scripts have: none of them runs anything, all
are refused by name.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import hostile_pickles as hostile
import numpy as np
import pytest
import torch
from bad_input import IDS, Row, call, config, world  # noqa: F401 (a fixture)
from hostile_pickles import Reduced, as_global, body, in_archive, short_text
from tiny import run

from pyskl.engine.checkpoint import read_checkpoint
from pyskl.errors import CheckpointError

# Where a pickle comes in: the command, and the file that it reads.
PICKLE_DOORS = [
    ('check_data test.pkl', 'test.pkl'),
    ('pack test.pkl', 'test.pkl'),
    ('readlabel --data-dir raw --out-dir out', 'raw/train_label.pkl'),
    ('ensemble a.pkl --ids ids.txt --out-dir out', 'a.pkl'),
    ('ensemble a.npz --labels test.pkl --out-dir out', 'test.pkl'),
    ('test tiny.py', 'test.pkl'),
    pytest.param('train tiny.py --work-dir new', 'train.pkl', marks=pytest.mark.slow),
    pytest.param('train tiny.py --work-dir new', 'val.pkl', marks=pytest.mark.slow),
]
# Where a checkpoint comes in: the command, and a line of its config.
CHECKPOINT_DOORS = [
    ('test tiny.py -C odd.pth', ''),
    *(
        pytest.param(f'train {words}', line, marks=pytest.mark.slow)
        for words, line in (
            ('tiny.py --work-dir new --resume odd.pth', ''),
            ('bad.py --work-dir new', "load_from = 'odd.pth'"),
            ('bad.py --work-dir new', "resume_from = 'odd.pth'"),
            ('bad.py --work-dir new', "model['backbone']['pretrained'] = 'odd.pth'"),
        )
    ),
]


@pytest.fixture
def mark(tmp_path):
    """What a hostile file makes when it runs; it must not be there afterwards."""
    yield tmp_path / 'ran'
    assert not (tmp_path / 'ran').exists(), 'a file from a stranger was run'


@pytest.fixture
def refuse(world, capfd, monkeypatch):  # noqa: F811
    """refuse(command, file, name, raw): the file, holding this, is refused by its name."""

    def check(command, file, name, raw, says=''):
        (world / file).write_bytes(raw)
        row = Row(command, name, f'{Path(file).name} | {says}')
        call(row, world, capfd, monkeypatch)

    return check


@pytest.mark.parametrize('command, file', PICKLE_DOORS)
def test_no_hostile_pickle_runs_through_any_door(command, file, mark, refuse):
    for name, raw in hostile.that_run(str(mark)).items():
        refuse(command, file, name, raw, 'cannot be read as a pickle')


@pytest.mark.parametrize(
    'kind',
    [hostile.through_numpy, hostile.other_instructions, lambda mark: hostile.bombs()],
    ids=['gadgets through numpy', 'other instructions', 'bombs'],
)
@pytest.mark.parametrize('command, file', [PICKLE_DOORS[0], PICKLE_DOORS[3]])
def test_no_gadget_gets_through_the_door(kind, command, file, mark, refuse):
    for name, raw in kind(str(mark)).items():
        refuse(command, file, name, raw)


# .npz and .npy ------------------------------------------------------------------------------------


def npy(array: np.ndarray) -> bytes:
    f = io.BytesIO()
    np.save(f, array, allow_pickle=True)
    return f.getvalue()


def archive(*members: tuple[str, bytes], packed: bool = False) -> bytes:
    f = io.BytesIO()
    with zipfile.ZipFile(f, 'w', zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as z:
        for name, raw in members:
            z.writestr(name, raw)
    return f.getvalue()


def bomb(megabytes: int) -> bytes:
    """An archive of a kilobyte a megabyte, whose member is really as long as it says."""
    f = io.BytesIO()
    with zipfile.ZipFile(f, 'w', zipfile.ZIP_DEFLATED) as z, z.open('scores.npy', 'w') as member:
        member.write(announcing((megabytes << 18,)))
        for _ in range(megabytes):
            member.write(bytes(1 << 20))
    return f.getvalue()


def announcing(shape: tuple[int, ...]) -> bytes:
    """An .npy header for that many float32."""
    f = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        f, {'descr': '<f4', 'fortran_order': False, 'shape': shape}
    )
    return f.getvalue()


def hostile_archives(mark: str) -> dict[str, bytes]:
    mkdir = Reduced(os.mkdir, mark)
    evil, ids = npy(np.array([mkdir], object)), ('ids.npy', npy(np.array(IDS)))
    scores = npy(np.ones((13, 4), np.float32))
    announced = announcing((13, 4)) + bytes(50_000_000)
    lying = bytearray(archive(ids, ('scores.npy', announced), packed=True))
    place = lying.rindex(b'PK\x01\x02')  # the directory's entry of scores.npy
    lying[place + 24 : place + 28] = (500).to_bytes(4, 'little')  # its announced size
    of_scores = {
        'pickles in scores': evil,
        'a bare pickle as a member': pickle.dumps(mkdir),
        'an array of 4 TB': announcing((2**40,)),
        'an array of endless shape': announcing((2**62, 2**62)),
        'a negative shape': announcing((-1, 4)),
        'a header that is code': (
            b'\x93NUMPY\x01\x00\x40\x00' + b"__import__('os').mkdir('x')".ljust(63) + b'\n'
        ),
        'a header of 60 KB of brackets': b'\x93NUMPY\x01\x00\xff\xef' + b'(' * 61439,
        'structured with objects': npy(np.zeros(2, [('a', 'O')])),
    }
    in_places = {
        'a path that climbs out': '../../ran/scores.npy',
        'an absolute path': '/tmp/scores.npy',
        'a path with a drive': 'C:\\scores.npy',
        'a path in a folder': 'a/scores.npy',
    }
    return {
        **{name: archive(ids, ('scores.npy', raw)) for name, raw in of_scores.items()},
        **{name: archive((place, scores)) for name, place in in_places.items()},
        'pickles in ids': archive(('ids.npy', evil), ('scores.npy', scores)),
        'pickles in an array that nobody asked for': archive(
            ids, ('scores.npy', scores), ('x.npy', evil)
        ),
        'a zip bomb of 300 MB': bomb(300),
        'a bomb that announces little': bytes(lying),
        'a link': archive(('scores', b'/etc/passwd'), ('scores.npy', scores)),
        'the same name twice': archive(('scores.npy', scores), ('scores.npy', scores)),
        'two thousand members': archive(*((f'a{i}.npy', b'') for i in range(2000))),
        'no archive behind PK': b'PK\x03\x04' + bytes(100),
    }


def test_no_hostile_archive_gets_through_the_door(mark, refuse):
    for name, raw in hostile_archives(str(mark)).items():
        tracemalloc.start()
        try:
            refuse('ensemble a.npz b.npz --out-dir out', 'a.npz', name, raw)
            assert tracemalloc.get_traced_memory()[1] < 32 << 20, f'{name} was unpacked'
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    'command, file',
    [
        ('train tiny.py --work-dir new', 'labels.npy'),
        ('readlabel --data-dir raw --out-dir out', 'raw/train_data.npy'),
    ],
)
def test_no_pickle_inside_an_npy_file_runs(command, file, mark, refuse):
    for shape in ((1,), (3, 6), (3, 3, 6, 22, 1)):
        evil = np.full(shape, Reduced(os.mkdir, str(mark)), object)
        refuse(command, file, f'objects {shape}', npy(evil), 'objects')


# Checkpoints --------------------------------------------------------------------------------------


def saved(value: object, zipped: bool = True) -> bytes:
    f = io.BytesIO()
    torch.save(value, f, _use_new_zipfile_serialization=zipped)
    return f.getvalue()


class Flags:
    """A float64 dtype whose state says that its bytes are pointers to objects."""

    def __reduce__(self):
        return np.dtype, ('f8', False, True), (3, '<', None, None, None, -1, -1, 0x3F)


# Functions that a checkpoint could name; each would be called with one text.
CALLABLES = """
torch.load torch.hub.load torch.jit.load torch.utils.cpp_extension.load
torch.storage._load_from_bytes torch.serialization.load torch.package.PackageImporter
torch._utils._rebuild_device_tensor_from_numpy
torch.distributed.rpc.internal._internal_rpc_pickler.deserialize numpy.load
numpy.core.multiarray._reconstruct numpy.fromfile numpy.testing._private.utils.runstring
builtins.getattr __builtin__.getattr builtins.eval argparse.Namespace pathlib.PosixPath
mmengine.logging.history_buffer.HistoryBuffer functools.partial operator.attrgetter
importlib.import_module collections.namedtuple copyreg._reconstructor
mmengine.config.Config.fromfile pyskl.recipe.load.load_config pyskl.files.load_pickle
"""


def hostile_checkpoints(mark: str) -> dict[str, bytes]:
    mkdir, weights = Reduced(os.mkdir, mark), {'a': torch.ones(2)}
    inner, scalar = pickle.dumps(mkdir), np.float64(0).__reduce__()[0]
    empty = b'\x80\x02}.'
    in_meta = {
        'os.mkdir in meta': mkdir,
        'numpy scalar of objects': Reduced(scalar, np.dtype('O'), inner),
        'numpy scalar of pointers': Reduced(scalar, Flags(), b'A' * 8),
        'numpy scalar of text': np.str_('a'),
        'a structured dtype': np.void(b'ab'),
    }
    as_pickle = {
        'os.mkdir as the key of a dict': b'}' + body(mkdir) + b'Ns',
        'as the state of an OrderedDict': (
            as_global('collections.OrderedDict') + b')R' + inner[2:-1] + b'b'
        ),
        **{
            f'as the state of {name}': as_global(name) + b')\x81' + body(mkdir) + b'b'
            for name in (
                'torch.Tensor',
                'mmengine.logging.history_buffer.HistoryBuffer',
                'argparse.Namespace',
            )
        },
        'a method of something else': (
            as_global('__builtin__.getattr')
            + as_global('torch.Tensor')
            + short_text('numpy')
            + b'\x86R'
        ),
        'extension code': b'\x82\xf0' + short_text(mark) + b'\x85R',
        'a storage of 4 TB': (
            as_global('torch._utils._rebuild_tensor_v2')
            + b'((X\x07\x00\x00\x00storage'
            + as_global('torch.FloatStorage')
            + b'X\x01\x00\x00\x000X\x03\x00\x00\x00cpu\x8a\x06\x00\x00\x00\x00\x00\x01tQK\x00('
            + b'\x8a\x06\x00\x00\x00\x00\x00\x01t(K\x01t\x89'
            + as_global('collections.OrderedDict')
            + b')RtR'
        ),
        **{name: as_global(name) + short_text(mark) + b'\x85R' for name in CALLABLES.split()},
    }
    return {
        **{
            name: saved({'state_dict': weights, 'meta': {'x': value}})
            for name, value in in_meta.items()
        },
        'os.mkdir in meta, old format': saved(
            {'state_dict': weights, 'meta': {'x': mkdir}}, zipped=False
        ),
        'os.mkdir as a weight': saved({'state_dict': {'a': mkdir}}),
        'os.mkdir as the optimiser': saved(
            {'state_dict': weights, 'meta': {'epoch': 1}, 'optimizer': mkdir}
        ),
        'an object array': saved({'state_dict': {'a': np.array([mkdir], object)}}),
        **{name: in_archive(instructions) for name, instructions in as_pickle.items()},
        'a bare pickle': inner,
        'a bare pickle of protocol 2': pickle.dumps(mkdir, 2),
        'TorchScript': archive(
            ('archive/data.pkl', b'\x80\x02N.'),
            ('archive/constants.pkl', b'\x80\x02N.'),
            ('archive/code/__torch__.py', b'import os'),
            ('archive/version', b'3\n'),
        ),
        'a packed archive, 20 MB of zeros': archive(
            ('archive/data.pkl', empty), ('archive/data/0', bytes(20 << 20)), packed=True
        ),
        'a path that climbs out': archive(('../../../ran', b'x'), ('archive/data.pkl', empty)),
        'text': b'not a checkpoint at all\n',
        'nothing': b'',
        'a zip of nothing': archive(),
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
        # The bare pickle has run when torch finds that it is none of its own.
        with contextlib.suppress(RuntimeError):
            torch.load(tmp_path / 'odd.pth', weights_only=False)
        mark.rmdir()


@pytest.mark.parametrize('name', hostile_checkpoints('mark'))
def test_no_hostile_checkpoint_is_read(name, tmp_path, mark):
    (tmp_path / 'odd.pth').write_bytes(hostile_checkpoints(str(mark))[name])
    with pytest.raises(CheckpointError, match='odd.pth: ') as error:
        read_checkpoint(tmp_path / 'odd.pth')
    assert len(str(error.value)) < 600 and 'weights_only' not in str(error.value), error.value


@pytest.mark.parametrize('command, line', CHECKPOINT_DOORS)
def test_no_hostile_checkpoint_gets_through_any_door(command, line, world, mark, refuse):  # noqa: F811
    config(line)(world)
    for name, raw in hostile_checkpoints(str(mark)).items():
        refuse(command, 'odd.pth', name, raw)


# Configs ------------------------------------------------------------------------------------------


PICKED_UP = """
sitecustomize usercustomize conftest setup __init__ __main__ other joint tiny2 numpy torch mmcv
mmengine pyskl yaml json tensorboard torchvision accelerate scipy typing_extensions
"""


def test_nothing_but_the_config_its_bases_and_its_imports_is_executed(world, tmp_path):  # noqa: F811
    """Beside the config lie files that Python, a test runner or a careless loader might pick up;
    each would leave a mark.
    """
    marking = f'open({str(tmp_path / "ran_")!r} + __name__.replace(".", "_"), "w").close()\n'
    for name in PICKED_UP.split():
        (world / f'{name}.py').write_text(marking)
    (world / 'base.py').write_text(marking + (world / 'tiny.py').read_text())
    (world / 'mine.py').write_text(marking)
    (world / 'bad.py').write_text(
        marking + "_base_ = ['base.py']\ncustom_imports = dict(imports=['mine'])\n"
    )
    done = run('tools/train.py', 'bad.py', '--dry-run', cwd=world)
    assert done.returncode == 0, done.stderr
    ran = {p.name.removeprefix('ran_') for p in tmp_path.glob('ran_*')}
    assert 'mine' in ran and ran <= {'mine', 'builtins'}, ran


def test_options_of_the_command_line_are_never_run(world, mark, capfd, monkeypatch):  # noqa: F811
    mkdir = f'__import__("os").mkdir("{mark}")'
    for value in (
        mkdir,
        f'{{{{{mkdir}}}}}',
        f'dict(a={mkdir})',
        f'[{mkdir}]',
        f'(lambda:{mkdir})()',
        f'$(mkdir${{IFS}}{mark})',
    ):
        command = f'print_config tiny.py --cfg-options data.videos_per_gpu={value}'
        call(Row(command, value, 'videos_per_gpu'), world, capfd, monkeypatch)
