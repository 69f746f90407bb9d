"""Receives what the user names, work dirs or score files; hands on streams: scores with config, checkpoint and log, and the clips."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations import open_annotations
from ..apis.test import counts_of_checkpoint
from ..errors import DataError, printable
from ..files.given import split_part
from ..files.texts import read_text
from ..recipe import dataset_configs
from ..scores.score_file import Scores, load_scores
from ..wording import plain
from .literal import literal_config

RESULTS = ('scores.npz', 'result.pkl')
LATEST = 'latest.pth'
SPLITS = ('test', 'val', 'train')  # of the config, in the order in which they are tried
MAX_CONFIG_BYTES = 512 << 10  # to parse Python takes up to 500 times its size; configs have 10 KB
MAX_LOG_BYTES = 64 << 20
MANY = 2**31  # epochs and iterations: no run logs so many


@dataclass
class Stream:
    """One stream of the report: a score file, and what its work dir tells of it.

    config       values of the config as far as they can be read without running it; {} when there is none
    config_file  the file they stand in
    named        the config as the command line named it: the only one that was run, and that may bring modules of its own
    checkpoint   the file of the checkpoint that was tested, or what stands in for it; checkpoint_name says which was tested
    log          rows of the .log.json files, oldest first
    temperature  softmax(log p / temperature) of its scores is blended
    """

    name: str
    scores: Scores
    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    config_file: Path | None = None
    named: Any = None
    checkpoint: Path | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    temperature: float = 1.0

    @property
    def file(self) -> Path:
        """The score file."""
        return split_part(self.scores.path)[0]

    @property
    def part(self) -> str | None:
        """Which of several answers in the file its scores are: 'rgb' of scores.npz:rgb; None: the joint one."""
        return split_part(self.scores.path)[1]

    @property
    def report_file(self) -> Path:
        """Where its report goes: scores.npz -> report.html, val_scores.npz -> val_report.html, scores.npz:rgb -> rgb_report.html."""
        of_file = [] if self.file.name in RESULTS else [self.file.stem.removesuffix('_scores')]
        return self.file.with_name(
            '_'.join([*of_file, *([self.part] if self.part else []), 'report.html'])
        )

    @property
    def checkpoint_name(self) -> str | None:
        """As the scores say, else as the file is called (a link: what it leads to); None when nobody knows."""
        return self.scores.checkpoint or (
            None if self.checkpoint is None else self.checkpoint.resolve().name
        )

    @property
    def tested(self) -> str:
        """When the score file was written, 'YYYY-MM-DD HH:MM'."""
        return time.strftime('%Y-%m-%d %H:%M', time.localtime(os.path.getmtime(self.file)))


@dataclass
class Clips:
    """The clips that scores are of, in that order: a sequence of annotations, labels (N,) -1 where unknown, where they stand,
    and how many others without a label were left out."""

    annotations: Sequence[Mapping[str, Any]]
    labels: np.ndarray
    source: str
    left_out: int = 0


def read_stream(
    path: str | os.PathLike,
    config: Any = None,
    checkpoint: str | os.PathLike | None = None,
    work_dir: str | os.PathLike | None = None,
) -> Stream:
    """A stream from a work dir (its scores.npz or result.pkl) or from a score file.

    config   as load_config gives it
    config, checkpoint, work_dir   when they are known better than the file's folder tells. A folder without a config is no
             work dir: it tells nothing
    raises   DataError: no such file, a folder without scores, wrong scores
    """
    given = path
    path, part = split_part(path)
    if path.is_dir():
        found = next((path / name for name in RESULTS if (path / name).is_file()), None)
        if found is None:
            raise DataError(
                f'{path}: holds neither {" nor ".join(RESULTS)}. Test first (tools/test.py CONFIG '
                f'--work-dir {path}), or name a score file.'
            )
        given = path = found
    scores, folder = load_scores(given), Path(work_dir) if work_dir is not None else path.parent
    file, values = (
        _config_of(folder) if config is None else (Path(config.filename), config._cfg_dict)
    )
    if checkpoint is None and file is not None:
        tested = folder / Path(scores.checkpoint or LATEST).name
        checkpoint = next(
            (place.resolve() for place in (tested, folder / LATEST) if place.is_file()), None
        )
    own = path.stem.removesuffix('_scores')  # val_scores.npz: 'val'
    name = own if file is None else file.stem if path.name in RESULTS else f'{file.stem} {own}'
    name = name if part is None else f'{name} {part}'
    return Stream(
        printable(name),
        scores,
        folder,
        values,
        file,
        config,
        None if checkpoint is None else Path(checkpoint),
        [] if file is None else read_log(folder),
    )


def name_apart(streams: Sequence[Stream]) -> None:
    """Give streams of one name their folders' names, and if need be a number."""
    for again in (
        lambda i, s: printable(f'{s.folder.resolve().name}/{s.name}'),
        lambda i, s: f'{s.name} ({i + 1})',
    ):
        names = [stream.name for stream in streams]
        for i, stream in enumerate(streams):
            if names.count(stream.name) > 1 or stream.name == 'ensemble' and len(streams) > 1:
                stream.name = again(i, stream)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The rows of all .log.json of a work dir, oldest file first: of those that a stopped run logged twice the later ones."""
    rows: dict[tuple, dict[str, Any]] = {}
    for file in sorted(p for p in folder.glob('*.log.json') if p.is_file()):
        try:
            lines = read_text(file, limit=MAX_LOG_BYTES, errors='replace').splitlines()
        except DataError:
            continue
        for line in lines:
            row = _row(line)
            if row is not None:
                rows[row['mode'], row['epoch'], row['iter']] = row
    return list(rows.values())


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None  # a line that a killed run left half-written, or no log at all
    whole = (
        isinstance(row, dict)
        and isinstance(row.get('mode'), str)
        and all(type(row.get(key)) is int and 0 <= row[key] < MANY for key in ('epoch', 'iter'))
    )
    return row if whole else None


def _config_of(folder: Path) -> tuple[Path | None, dict[str, Any]]:
    """The newest config dump of a work dir and its values. Other .py files may lie there, too."""
    dumps = sorted(
        (p for p in folder.glob('*.py') if p.is_file()), key=lambda p: p.stat().st_mtime_ns
    )
    for file in reversed(dumps):
        try:
            values = literal_config(read_text(file, limit=MAX_CONFIG_BYTES, errors='replace'))
        except DataError:
            continue
        if said(values, 'data', Mapping):
            return file, values
    return None, {}


def said(cfg: Any, key: str, kind: type | tuple[type, ...]) -> Any:
    """cfg[key] of a config that nobody checked; None when it is not there, or of another kind."""
    value = cfg.get(key) if isinstance(cfg, Mapping) else None
    return value if isinstance(value, kind) else None


def find_clips(
    streams: Sequence[Stream], ids: Sequence[str] | None, ann_file: str | os.PathLike | None = None
) -> Clips:
    """The annotations of the clips that were scored.

    ids       the clips, in the order wanted; None: all of the file, when there are as many as scores
    ann_file  where they are; None: the first file of the configs' test, val and train data that holds them all
    raises    DataError: no file named, none that is there, none with all the clips
    """
    named = (
        [(str(ann_file), None)]
        if ann_file
        else list(
            dict.fromkeys(
                place
                for split in SPLITS
                for stream in streams
                for place in annotation_files(stream, split)
            )
        )
    )
    if not named:
        raise DataError(
            f'{streams[0].scores.path}: there is no config beside it that says which clips these '
            'are. Give the annotation file: --ann-file FILE.pkl'
        )
    complaints = []
    for file, split in named:
        try:
            clips = open_annotations(file)
            clips = clips.split(split) if split is not None else clips
            return _in_order(clips, ids, len(streams[0].scores.scores), file)
        except DataError as error:
            complaints.append(printable(str(error)))
    raise DataError(
        complaints[0]
        if len(complaints) == 1
        else 'no annotation file fits these scores:\n  '
        + '\n  '.join(complaints)
        + '\nGive the right one: --ann-file FILE.pkl'
    )


def dataset_configs_of(stream: Stream, split: str) -> list[Mapping[str, Any]]:
    """The configs of the data sets inside data.SPLIT of a stream's config; [] where it says nothing."""
    data = said(stream.config, 'data', Mapping) or {}
    return [cfg for _, cfg in dataset_configs(data.get(split))]


def annotation_files(stream: Stream, split: str) -> list[tuple[str, str | None]]:
    """(ann_file, split) of every data set inside data.SPLIT of a stream's config, each once."""
    files = [
        (said(cfg, 'ann_file', str), said(cfg, 'split', str))
        for cfg in dataset_configs_of(stream, split)
    ]
    return list(dict.fromkeys((file, part) for file, part in files if file))


def _in_order(clips: Any, ids: Sequence[str] | None, num_rows: int, file: str) -> Clips:
    if ids is None:
        if len(clips) != num_rows:
            raise DataError(
                f'{file}: holds {len(clips)} clips, but there are {num_rows} rows of scores '
                'without ids.'
            )
        return Clips(clips, np.asarray(clips.labels), file)
    place = {name: i for i, name in enumerate(clips.ids)}
    missing = [name for name in ids if name not in place]
    if missing:
        raise DataError(
            f'{file}: holds no clip {plain(missing[0])} ({len(missing)} of {len(ids)} ids are '
            'missing).'
        )
    clips = clips.take(np.array([place[name] for name in ids]))
    return Clips(clips, np.asarray(clips.labels), file)


def train_counts(
    streams: Sequence[Stream], meta: Mapping[str, Any], num_classes: int
) -> tuple[np.ndarray | None, str]:
    """(K,) training clips of each class, and where that was read; (None, '') when nobody knows.

    From the checkpoint's meta (class_counts), else from the annotation files of data.train, where they still are.
    """
    counts = counts_of_checkpoint(meta, num_classes)
    if counts is not None:
        return counts, 'the checkpoint'
    for stream in streams:
        places = annotation_files(stream, 'train')
        try:
            opened = [
                open_annotations(file) if split is None else open_annotations(file).split(split)
                for file, split in places
            ]
        except DataError:
            continue
        labels = (
            np.concatenate([np.asarray(clips.labels) for clips in opened])
            if opened
            else np.zeros(0, np.int64)
        )
        labels = labels[(labels >= 0) & (labels < num_classes)]
        if len(labels):
            return np.bincount(labels, minlength=num_classes), ', '.join(file for file, _ in places)
    return None, ''
