"""Find iMiGUE's files in a folder: raw arrays, and the videos of the csv and xlsx releases.

    train_data.npy train_label.pkl                           also valid_data.npy, VAL_DATA.NPY ...
    imigue_skeleton_train/0005/0005_light_hand.csv           35 points, beside 0005_label.csv
    0005/0005_openpose.xlsx                                  137 points
    0005_light_hand.csv 0005.csv                             all in one folder

The names of the folders above tell train, val or test. Only names are read, and the first lines of
csv files.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...annotations.notes import Notes
from ...errors import DataError
from ..tables import first_width

MAX_DEPTH = 6  # levels of folders below the given one
POINTS_SUFFIX = '_light_hand.csv'
MOST_LABEL_COLUMNS = 8
LEAST_POINT_COLUMNS = 75  # 25 points

_SPLITS = {
    'train': 'train', 'training': 'train',
    'val': 'val', 'valid': 'val', 'validate': 'val', 'validation': 'val',
    'test': 'test', 'testing': 'test',
}  # fmt: skip
_WORD = '|'.join(_SPLITS)
_SPLIT_AT_END = re.compile(rf'(?:^|[_\-. ])({_WORD})$')
_SPLIT_INSIDE = re.compile(rf'(?:^|[_\-. ])({_WORD})(?=[_\-. ]|$)')
_PHASE_2 = re.compile(r'phase[_\-. ]?2')  # the second phase of a challenge releases test

_RAW = re.compile(rf'({_WORD})_data(?:_joint)?\.npy')
_RAW_LABELS = re.compile(rf'({_WORD})_labels?\.pkl')
_COPY = re.compile(r'\s*\(\d+\)|\s+-\s+copy', re.IGNORECASE)

# Names of files of points, the preferred ones first.
_POINTS = (
    re.compile(r'(.+?)_light_hand\.csv'),
    re.compile(r'(.+?)_openpose\.csv'),
    re.compile(r'(.+?)(?:_openpose)?\.xlsx'),
)
_LABEL_SHEET = re.compile(r'.*label.*\.xlsx')
_BODY_ONLY = re.compile(r'(.+?)_light\.csv')

_FOREIGN = tuple(
    (re.compile(pattern), what)
    for pattern, what in (
        (
            r'sample\d+_(?:skeleton|finelabels|.*labels?)\.(?:csv|txt)',
            "SMG's release, not iMiGUE's. Convert it: python tools/convert.py smg PATH",
        ),
        (
            r'.*_keypoints\.json',
            "OpenPose's json files, one per frame. Convert them: python tools/convert.py openpose "
            'PATH',
        ),
        (
            r'.*\.skeleton',
            "NTU RGB+D's skeletons. Convert them: python tools/convert_ntu.py FOLDER",
        ),
        (r'.*\.(?:zip|rar|7z|tar|tgz|gz|bz2)', 'packed. Unpack it first, and name the folder'),
        (r'.*\.xls', 'the old form of Excel. Save it as .xlsx, or as csv'),
    )
)


@dataclass(frozen=True)
class RawPair:
    """One split as raw arrays: {split}_data.npy, and {split}_label.pkl if it exists."""

    split: str
    data: Path
    labels: Path | None


@dataclass(frozen=True)
class Video:
    """The files of one video.

    Attributes:
        name: '0187'.
        split: 'train', 'val', 'test', or None where no folder above tells.
        points: files that hold its points, the preferred ones first.
        labels: its label csv; several where nothing tells which one it is.
    """

    name: str
    split: str | None
    points: tuple[Path, ...]
    labels: tuple[Path, ...]


@dataclass
class Found:
    """Everything found.

    Attributes:
        raw: raw arrays.
        videos: videos of the csv and xlsx releases.
        left_out: files that are not read, and why.
        passed_over: number of files of macOS's archives.
    """

    raw: list[RawPair] = field(default_factory=list)
    videos: list[Video] = field(default_factory=list)
    left_out: Notes = field(default_factory=Notes)
    passed_over: int = 0


def find(
    paths: Sequence[Path],
    raw: bool = True,
    videos: bool = True,
    depth: int = MAX_DEPTH,
    own_name: bool = True,
) -> Found:
    """Look through folders, or take single files.

    Args:
        paths: folders and files.
        raw: whether to look for raw arrays.
        videos: whether to look for the csv and xlsx releases.
        depth: levels of folders below to look through.
        own_name: whether the names of `paths` themselves may tell the split, or only those below.

    Raises:
        DataError: there is nothing of iMiGUE; says what there is, as far as it is known.
    """
    found = Found()
    folders = [folder for path in paths for folder in _folders(Path(path), depth, own_name, found)]
    if raw:
        _find_raw(folders, found)
    if videos:
        _find_videos(folders, found)
    if not found.raw and not found.videos:
        raise _nothing(paths, found, raw, videos)
    return found


@dataclass(frozen=True)
class _Folder:
    """A folder and its files, by their names without marks of copies such as '(1)'."""

    path: Path
    split: str | None
    files: dict[str, Path]


def _folders(path: Path, depth: int, own_name: bool, found: Found) -> Iterator[_Folder]:
    """Yield the folder and those below."""
    if path.is_file():
        stem = re.split(r'[_.]', path.name)[0]
        same = [name for name in os.listdir(path.parent) if re.split(r'[_.]', name)[0] == stem]
        yield _Folder(
            path.parent,
            _split_of(path.parent, (), own_name),
            dict(_files(path.parent, same, found)),
        )
        return
    seen = set()
    for at, below, names in os.walk(path, followlinks=True):
        here = Path(at)
        parts = here.relative_to(path).parts
        real = os.path.realpath(at)
        skipped = here.name == '__MACOSX' and len(parts) > 0
        found.passed_over += len(names) * skipped
        if skipped or real in seen:
            below.clear()
            continue
        seen.add(real)
        # A folder with the name of an array: reading it reports that a file is expected.
        names += [folder for folder in below if _RAW.fullmatch(folder.lower())]
        below[:] = sorted(b for b in below if not b.startswith('.')) if len(parts) < depth else []
        yield _Folder(here, _split_of(path, parts, own_name), dict(_files(here, names, found)))


def _files(folder: Path, names: Sequence[str], found: Found) -> Iterator[tuple[str, Path]]:
    """Yield the files of a folder by name without '(1)'; leave out copies and other files."""
    known = {name.lower() for name in names}
    foreign: Counter[str] = Counter()
    for name in sorted(names):
        if name.startswith(('.', '~$')):
            found.passed_over += name.startswith('._')
            continue
        plain = _COPY.sub('', name)
        if plain != name and plain.lower() in known:
            why = 'a second copy; the file without "(1)" in its name is read'
            found.left_out.add(why, name, 'file', fault=False)
            continue
        known.add(plain.lower())
        what = next((what for pattern, what in _FOREIGN if pattern.fullmatch(name.lower())), None)
        if what:
            foreign[what] += 1
        else:
            yield plain, folder / name
    for what, number in foreign.items():
        detail = f'{number:,} of its files'
        found.left_out.add(what, folder.name, 'folder', detail, fault=False)


def _split_of(root: Path, below: tuple[str, ...], own_name: bool) -> str | None:
    """Return the split that the nearest folder tells; the root must end with it: 'x_train'."""
    root_name = _COPY.sub('', Path(os.path.abspath(root)).name).lower() if own_name else ''
    for folder in reversed(below):
        match = _SPLIT_INSIDE.search(folder.lower())
        if match:
            return _SPLITS[match[1]]
    match = _SPLIT_AT_END.search(root_name)
    if match:
        return _SPLITS[match[1]]
    names = (root_name, *below)
    return 'test' if any(_PHASE_2.search(name.lower()) for name in names) else None


def _find_raw(folders: list[_Folder], found: Found) -> None:
    """Pair the raw arrays with their labels; of several of one split, the first is read."""
    order = list(_SPLITS)
    chosen: dict[str, RawPair] = {}
    for folder in folders:
        arrays = _matching(_RAW, folder)
        labels = _matching(_RAW_LABELS, folder)
        for word in sorted(arrays, key=order.index):
            path, split = arrays[word], _SPLITS[word]
            if split in chosen:
                why = f'another {split} part is read. Name this one alone to read it'
                found.left_out.add(why, str(path), 'file', chosen[split].data.name)
                labels.pop(word, None)
                continue
            same = sorted((w for w in labels if _SPLITS[w] == split), key=lambda w: w != word)
            chosen[split] = RawPair(split, path, labels.pop(same[0]) if same else None)
        for path in labels.values():
            why = 'labels without their array. Expected {split}_data.npy beside {split}_label.pkl'
            found.left_out.add(why, path.name, 'file')
    found.raw = list(chosen.values())


def _matching(pattern: re.Pattern[str], folder: _Folder) -> dict[str, Path]:
    """Return the files whose names match, by the name's word for the split."""
    matches = ((pattern.fullmatch(name.lower()), path) for name, path in folder.files.items())
    return {match[1]: path for match, path in matches if match}


def _find_videos(folders: list[_Folder], found: Found) -> None:
    """Find the files of points and match them with label csv files, first in the same folder."""
    # Sort the files by kind.
    points: dict[tuple[str | None, str], list[tuple[int, Path]]] = defaultdict(list)
    labels: dict[Path, dict[str, list[tuple[str, Path]]]] = {}
    places: dict[tuple[str | None, str], Path] = {}
    body_only: dict[tuple[str | None, str], Path] = {}
    for folder in folders:
        beside = labels.setdefault(folder.path, defaultdict(list))
        for name, path in folder.files.items():
            kind, video = _kind(name, path)
            key = (folder.split, video)
            if kind == 'labels':
                stem = name.rsplit('.', 1)[0]
                for prefix in _prefixes(stem):
                    beside[prefix].append((stem, path))
            elif kind == 'body':
                body_only[key] = path
            elif isinstance(kind, int):
                if places.setdefault(key, folder.path) == folder.path:
                    points[key].append((kind, path))
                else:
                    why = 'the same video again in another folder; the first is read'
                    found.left_out.add(why, str(path), 'video', fault=False)

    # Match labels with videos, by the beginning of their names.
    everywhere: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for beside in labels.values():
        for prefix, pairs in beside.items():
            everywhere[prefix] += pairs
    claimed: set[Path] = set()
    for (split, video), files in sorted(points.items(), key=lambda item: item[0][1]):
        matching = _label_files(labels[places[split, video]].get(video, []), video)
        matching = matching or _label_files(everywhere.get(video, []), video)
        claimed |= set(matching)
        found.videos.append(Video(video, split, tuple(path for _, path in sorted(files)), matching))

    # Report points without hands, and labels without points.
    for (_, video), path in body_only.items():
        if all((split, video) not in points for split in (*set(_SPLITS.values()), None)):
            why = f'25 points of the body, no hands. Expected NNNN{POINTS_SUFFIX} beside it'
            found.left_out.add(why, video, 'video', path.name)
    unclaimed = {path for pairs in everywhere.values() for _, path in pairs} - claimed
    for path in sorted(unclaimed):
        if re.fullmatch(r'\d+(_.*)?|.*_labels?', path.stem.lower()):
            wanted = f'NNNN{POINTS_SUFFIX} or NNNN_openpose.xlsx'
            why = f'a label csv without points. Expected {wanted} beside it'
            found.left_out.add(why, path.name, 'file')


def _kind(name: str, path: Path) -> tuple[int | str | None, str]:
    """Return the kind of a file and its video.

    The kind is a rank for points (0 is preferred), 'labels', 'body' for points without hands, or
    None.
    """
    lower = name.lower()
    for i, pattern in enumerate(_POINTS):
        match = pattern.fullmatch(lower)
        if match and not _LABEL_SHEET.fullmatch(lower):
            return i, name[: match.end(1)]
    match = _BODY_ONLY.fullmatch(lower)
    if match:
        return 'body', name[: match.end(1)]
    if _LABEL_SHEET.fullmatch(lower):
        return 'labels', ''
    if not lower.endswith('.csv'):
        return None, ''
    width = first_width(path)
    if width <= MOST_LABEL_COLUMNS:
        return 'labels', ''
    video = name.rsplit('.', 1)[0].split('_')[0]
    return (len(_POINTS) if width >= LEAST_POINT_COLUMNS else None), video


def _prefixes(stem: str) -> list[str]:
    """Return the videos that 'a_b_label' may belong to: 'a_b_label', 'a_b' and 'a'."""
    words = stem.split('_')
    return ['_'.join(words[:n]) for n in range(len(words), 0, -1)]


def _label_files(pairs: list[tuple[str, Path]], video: str) -> tuple[Path, ...]:
    """Return NNNN.csv if it exists, or else all NNNN_*.csv."""
    exact = [path for stem, path in pairs if stem == video]
    return tuple(exact or (path for _, path in pairs))


def _nothing(paths: Sequence[Path], found: Found, raw: bool, videos: bool) -> DataError:
    """Return the error for paths without any of iMiGUE's files."""
    where = ', '.join(map(str, paths))
    missing = [str(path) for path in paths if not os.path.exists(path)]
    if found.left_out:
        what = 'holds nothing of iMiGUE that can be read'
        return DataError(found.left_out.message(f'{where}: {what}'))
    wanted = []
    if raw:
        wanted.append('train_data.npy, val_data.npy or test_data.npy')
    if videos:
        wanted.append(f'*{POINTS_SUFFIX} or *_openpose.xlsx')
    advice = 'Put the raw files there, or name their folder (data/README.md says what they are).'
    if missing:
        return DataError(
            f'{", ".join(missing)}: no such file or folder. Expected {", ".join(wanted)} in it. '
            f'{advice}'
        )
    return DataError(f'{where}: holds no {", no ".join(wanted)}. {advice}')
