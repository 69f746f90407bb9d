"""Recognise formats of key points and labels by their content, and say how to convert them.

Messages about files that are no annotation files come from here.
"""

from __future__ import annotations

import os
import shlex
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files.arrays import load_npy
from ..files.safe_pickle import open_regular
from ..files.texts import read_json
from .clip_names import VIDEOS
from .label_files import are_columns, is_row

_HEAD = 65536  # bytes that are read
_BY_HAND = (
    "In Python: clip = make_annotation('clip_1', keypoint, label=0, img_shape=(height, width)) "
    'with keypoint (M, T, V, 3), people, frames, joints, x y score in pixels; then '
    "write_annotations('FILE.pkl', {'train': ['clip_1', ...]}, [clip, ...]), both of "
    'pyskl.annotations.'
)
_UNPACK = 'Unpack it and give what is in it.'
_AS_PICKLE = (
    'Where the file is your own, in Python: {how}; turn tensors and tables into arrays '
    "(tensor.cpu().numpy()); pickle.dump(data, open('FILE.pkl', 'wb'), protocol=4)."
)


@dataclass(frozen=True)
class FileFormat:
    """A format of files.

    Attributes:
        what: the rest of the sentence 'this is ...'.
        way: how to make an annotation file of it; `{path}` and `{folder}` stand for the file and
            its folder.
    """

    what: str
    way: str

    def message(self, path: str | os.PathLike) -> str:
        """Return 'is .... Expected an annotation file. <way in>'."""
        return f'is {self.what}. Expected an annotation file. {self.way_in(path)}'

    def way_in(self, path: str | os.PathLike) -> str:
        """Return the command or lines that make an annotation file of it."""
        path = str(path)
        way = self.way.replace("'{path}'", repr(path)).replace('{path}', shlex.quote(path))
        return way.replace('{folder}', shlex.quote(str(Path(path).parent)))


def _converted(what: str, name: str, place: str = '{path}') -> FileFormat:
    return FileFormat(what, f'python tools/convert.py {name} {place} -o FILE.pkl makes one of it.')


_LABELS = FileFormat(
    'labels alone, names of clips and their classes',
    'Beside *_data.npy: python tools/readlabel.py --data-dir {folder}. Beside an annotation file: '
    'python tools/join.py KEYPOINTS.pkl --labels {path} -o FILE.pkl. A list of videos is for the '
    'data set VideoDataset, and for tools/check_data.py {path} --videos FOLDER.',
)
_VIDEO = FileFormat(
    'a video',
    'python tools/extract_pose.py {path} -o FILE.pkl finds key points in it; of those that MMPose, '
    'OpenPose, AlphaPose ... found, tools/convert.py makes one.',
)
_TORCH = FileFormat(
    'a PyTorch file (torch.save)',
    _AS_PICKLE.replace('{how}', "data = torch.load('{path}', weights_only=False)"),
)
_JSON = FileFormat(
    'JSON', f'tools/convert.py --help lists the forms of JSON that are read. {_BY_HAND}'
)
FILE_FORMATS = {
    'openpose': _converted("OpenPose's JSON, one file a frame", 'openpose', '{folder}'),
    'openpose folder': _converted("a folder of OpenPose's JSON, one file a frame", 'openpose'),
    'mmpose': _converted("MMPose's JSON, instances a frame", 'mmpose'),
    'alphapose': _converted("AlphaPose's JSON, one entry a person and picture", 'alphapose'),
    'kinetics': _converted('Kinetics-skeleton JSON, one file a clip', 'kinetics', '{folder}'),
    'coco': _converted(
        "COCO's JSON (images, annotations), of bodies or whole bodies", 'coco_wholebody'
    ),
    'halpe': _converted("Halpe's JSON (images, annotations of 136 or 26 key points)", 'halpe'),
    'ultralytics': _converted("Ultralytics' JSON, boxes and key points", 'ultralytics'),
    'h2o': _converted(
        'JSON of one clip with skeletons, left_hand and right_hand apart', 'h2o', '{folder}'
    ),
    'annotation JSON': FileFormat(
        'annotations in JSON', 'python tools/join.py {path} -o FILE.pkl writes the pickle.'
    ),
    'json': _JSON,
    'json folder': FileFormat('a folder of JSON files', _JSON.way),
    'ntu npz': _converted("NTU RGB+D as CTR-GCN's npz (x_train, y_train ...)", 'ntu'),
    'ntu': _converted("NTU RGB+D's .skeleton text", 'ntu', '{folder}'),
    'ntu folder': _converted("a folder of NTU RGB+D's .skeleton files", 'ntu'),
    'smg': _converted("SMG's csv, 25 joints x 11 numbers a frame", 'smg', '{folder}'),
    'smg folder': _converted("a folder of SMG's csv files", 'smg'),
    'mediapipe': _converted("MediaPipe's landmarks as csv", 'mediapipe'),
    'natops': _converted('NATOPS in the .ts form of the UEA archive', 'natops', '{folder}'),
    'raw npy': FileFormat(
        'a raw array (clips, 3, frames, joints, people)',
        "iMiGUE's: python tools/readlabel.py --data-dir {folder}. SMG's: python tools/convert.py "
        'smg {folder} -o FILE.pkl.',
    ),
    'npy': FileFormat('an .npy array', _BY_HAND),
    'npz': FileFormat('an .npz archive of arrays', _BY_HAND),
    'imigue csv': FileFormat(
        "a table of iMiGUE's csv release", 'python tools/readlabel.py FOLDER reads the release.'
    ),
    'imigue folder': FileFormat(
        "a folder of iMiGUE's release", 'python tools/readlabel.py {path} reads it.'
    ),
    'csv': FileFormat(
        'a table (csv)',
        'tools/convert.py --help lists the tables that are read; docs/own_skeletons.md shows how '
        f'to read one of your own. {_BY_HAND}',
    ),
    'xlsx': FileFormat(
        'an Excel workbook (xlsx)',
        "iMiGUE's *_openpose.xlsx: python tools/readlabel.py FOLDER. Another: save it as csv. "
        + _BY_HAND,
    ),
    'labels': _LABELS,
    'scores': FileFormat(
        'a list of score arrays, as test.py writes result.pkl',
        'ensemble/ensemble.py and tools/report.py take scores.',
    ),
    'annotation folder': FileFormat(
        'a folder of annotation pickles', 'python tools/join.py {path} -o FILE.pkl joins them.'
    ),
    'video': _VIDEO,
    'video folder': FileFormat('a folder of videos', _VIDEO.way),
    'torch': _TORCH,
    'joblib': FileFormat(
        'a joblib file', _AS_PICKLE.replace('{how}', "data = joblib.load('{path}')")
    ),
    'pandas': FileFormat(
        'a pickled pandas table', _AS_PICKLE.replace('{how}', "data = pandas.read_pickle('{path}')")
    ),
    'gzip': FileFormat('compressed by gzip', 'gunzip {path} unpacks it (one named .gz).'),
    'packed': FileFormat('a zip, tar, 7z, rar, xz or bz2 archive', _UNPACK),
    'hdf5': FileFormat('an HDF5 or MATLAB file', _BY_HAND),
    'picture': FileFormat('a picture', 'Key points are wanted: ' + _VIDEO.way),
}
_MAGIC = {
    'gzip': (b'\x1f\x8b',),
    'torch': (b'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.',),
    'packed': (b'7z\xbc\xaf', b'Rar!', b'\xfd7zXZ', b'BZh'),
    'hdf5': (b'\x89HDF', b'MATLAB 5.0'),
    'picture': (b'\x89PNG', b'\xff\xd8\xff', b'GIF8', b'BM'),
    'video': (b'\x1aE\xdf\xa3', b'\x00\x00\x01\xba', b'FLV'),
    'joblib': (b'ZF', b'\x78\x9c', b'\x78\x5e'),
}


def detect_format(path: str | os.PathLike) -> FileFormat | None:
    """Return the format of a file or folder that is no annotation pickle; None: not recognised.

    Examples:
        >>> detect_format('alphapose-results.json').what
        "AlphaPose's JSON, one entry a person and picture"
    """
    path = Path(path)
    if os.path.isdir(path):
        name = _of_folder(path)
    else:
        try:
            with open_regular(path) as f:
                name = _of_head(path, f.read(_HEAD))
        except (DataError, OSError):
            return None
    return FILE_FORMATS[name] if name else None


def _of_head(path: Path, head: bytes) -> str | None:
    """Tell a file by its first bytes."""
    for name, magics in _MAGIC.items():
        if head.startswith(magics):
            return name
    if head.startswith(b'PK\x03\x04'):
        return _of_zip(path)
    if head.startswith(b'\x93NUMPY'):
        return _of_npy(path)
    if head[4:8] == b'ftyp' or head[8:12] == b'AVI ':
        return 'video'
    if head[257:262] == b'ustar':
        return 'packed'
    if head.startswith((b'\x80', b'(', b'c')) and b'joblib' in head:
        return 'joblib'
    if head.startswith(b'\x80') and b'pandas' in head:
        return 'pandas'
    try:
        text = head.decode('utf-8-sig', errors='ignore' if len(head) == _HEAD else 'strict')
    except UnicodeDecodeError:
        return None
    return _of_text(path, text) if text.isprintable() or '\n' in text else None


def _of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # zipfile fails in many ways
        return 'packed'
    if any(name.endswith('data.pkl') for name in names):
        return 'torch'
    if any(name.startswith('xl/') for name in names):
        return 'xlsx'
    if names and all(name.endswith('.npy') for name in names):
        return 'ntu npz' if {'x_train.npy', 'x_test.npy'} & set(names) else 'npz'
    return 'packed'


def _of_npy(path: Path) -> str:
    try:
        return 'raw npy' if load_npy(path).ndim == 5 else 'npy'
    except DataError:
        return 'npy'


def _of_text(path: Path, text: str) -> str | None:
    start = text.lstrip()[:1]
    if start in ('{', '['):
        try:
            return _name_of_data(read_json(path)) or 'json'
        except DataError:
            return 'json'
    lines = [line.strip() for line in text.splitlines()[:5] if line.strip()]
    if not lines:
        return None
    # .skeleton files begin with frames, people, ten numbers of a person.
    counts = len(lines) > 2 and lines[0].isdigit() and lines[1].isdigit()
    if path.suffix.lower() == '.skeleton' or (counts and len(lines[2].split()) == 10):
        return 'ntu'
    if path.suffix.lower() == '.ts' and any(
        line.lower().startswith('@problemname natops') for line in text.splitlines()
    ):
        return 'natops'
    columns = max(lines[0].count(mark) for mark in ',;\t') + 1
    if columns in (106, 411, 412) or path.stem.endswith('_light_hand'):
        return 'imigue csv'
    if columns == 275 or path.stem.endswith('_skeleton'):
        return 'smg'
    if 'landmark' in lines[0].lower() or 'visibility' in lines[0].lower():
        return 'mediapipe'
    if path.suffix.lower() not in _TABLES:
        return None
    if columns in (2, 3) or columns == 1 and all(len(line.split()) == 2 for line in lines):
        return 'labels'
    return 'csv' if columns > 3 else None


_TABLES = ('.csv', '.tsv', '.txt', '.list', '.lst')


_IN_FOLDERS = (
    ('*_keypoints.json', 'openpose folder'),
    ('*.json', 'json folder'),
    ('*.skeleton', 'ntu folder'),
    ('*_light_hand.csv', 'imigue folder'),
    ('*/*_light_hand.csv', 'imigue folder'),
    ('*/*_openpose.xlsx', 'imigue folder'),
    ('*_data.npy', 'imigue folder'),
    ('*_skeleton.csv', 'smg folder'),
    ('*/*_skeleton.csv', 'smg folder'),
    ('*.pkl', 'annotation folder'),
    ('*/*.pkl', 'annotation folder'),
    *((f'*{ending}', 'video folder') for ending in VIDEOS),
)


def _of_folder(path: Path) -> str | None:
    try:
        return next((name for glob, name in _IN_FOLDERS if next(path.glob(glob), None)), None)
    except OSError:
        return None


# -- by content: JSON, and pickles of the same data ------------------------------------------------


def format_of_data(data: Any) -> FileFormat | None:
    """Return the format of a JSON file's or pickle's content; None: annotations, or unknown."""
    name = _name_of_data(data)
    return FILE_FORMATS[name] if name and name != 'annotation JSON' else None


def _keys(data: Any) -> set:
    """Return the keys of a dict, or of the first dict in a list."""
    if isinstance(data, (list, tuple)) and data:
        data = data[0]
    return set(data) if isinstance(data, Mapping) else set()


def _in_list(data: Any, *keys: str) -> bool:
    return isinstance(data, (list, tuple)) and set(keys) <= _keys(data)


def _in_dict(data: Any, *keys: str) -> bool:
    return isinstance(data, Mapping) and set(keys) <= set(data)


def _num_values(data: Any) -> int:
    """Return how many numbers the 'keypoints' of the first in a list are."""
    first = data[0] if isinstance(data, (list, tuple)) and data else None
    value = first.get('keypoints') if isinstance(first, Mapping) else None
    return len(value) if isinstance(value, (list, tuple)) else 0


def _is_labels(data: Any) -> bool:
    if isinstance(data, Mapping):
        is_clips = not data or {'annotations', 'split'} & set(data)
        return not is_clips and all(isinstance(v, (int, str, np.integer)) for v in data.values())
    if not isinstance(data, (list, tuple)):
        return False
    if isinstance(data, tuple) and len(data) == 2 and data[1] is None:
        return is_row(data[0]) and all(isinstance(name, str) for name in data[0])
    if len(data) == 2 and are_columns(*data):
        return len(data[0]) > 0
    has_poses = any('keypoint' in _keys([entry]) for entry in data)
    keys = _keys(data)
    return not has_poses and {'label'} < keys and not {'frame_inds', 'raw_file'} & keys


def _is_scores(data: Any) -> bool:
    rows = data if isinstance(data, (list, tuple)) else ()
    return bool(rows) and all(
        isinstance(row, np.ndarray) and row.ndim == 1 and row.dtype.kind == 'f' for row in rows
    )


_BY_DATA: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ('annotation JSON', lambda d: 'keypoint' in _keys(d) or (
        _in_dict(d, 'annotations') and 'keypoint' in _keys(d['annotations']))),
    ('openpose', lambda d: _in_dict(d, 'people')),
    ('mmpose', lambda d: _in_dict(d, 'instance_info') or (
        _in_list(d, 'instances') or _in_list(d, 'keypoint_scores'))),
    ('alphapose', lambda d: _in_list(d, 'image_id', 'keypoints')),
    ('ultralytics', lambda d: _in_list(d, 'box', 'keypoints')),
    ('kinetics', lambda d: _in_dict(d, 'data') and 'skeleton' in _keys(d['data'])),
    ('h2o', lambda d: _in_dict(d, 'skeletons', 'left_hand') or (
        _in_list(d, 'skeletons', 'left_hand'))),
    ('halpe', lambda d: _in_dict(d, 'images', 'annotations') and (
        _num_values(d['annotations']) in (3 * 136, 3 * 26))),
    ('coco', lambda d: _in_dict(d, 'images', 'annotations')),
    ('labels', _is_labels),
    ('scores', _is_scores),
)  # fmt: skip


def _name_of_data(data: Any) -> str | None:
    return next((name for name, is_form in _BY_DATA if is_form(data)), None)
