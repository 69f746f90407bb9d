"""The streams that a page is about, read from work dirs or score files, and their clips."""

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
from ..annotations.clips import Annotations
from ..apis.test import counts_of_checkpoint
from ..errors import DataError, printable
from ..files.path_checks import split_part
from ..files.texts import read_text
from ..recipe import dataset_configs
from ..scores import kind_of, soften
from ..scores.id_list import find_rows
from ..scores.score_file import Scores, load_scores
from .literal import literal_config

RESULTS = ('scores.npz', 'result.pkl')
LATEST = 'latest.pth'
SPLITS = ('test', 'val', 'train')  # in the order in which they are searched for the clips
MAX_CONFIG_BYTES = 512 << 10  # configs have 10 KB; parsing takes up to 500 times the file's size
MAX_LOG_BYTES = 64 << 20
MAX_COUNT = 2**31  # epochs and iterations: no run logs more


@dataclass
class Stream:
    """One stream of the report: a score file, and what its work dir says about it.

    Attributes:
        name: name on the page.
        scores: the scores.
        folder: work dir.
        config: values of the config, as far as they can be read without running it.
        config_file: file of the config.
        named: the config that the command line names: the only one that was run, and that may
            import modules of its own.
        checkpoint: file of the tested checkpoint, or its best substitute; `checkpoint_name` says
            which was tested.
        log: rows of the .log.json files, oldest first.
        temperature: softmax(log p / temperature) of the scores is blended.
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
        """Part of a file with several scores: 'rgb' for scores.npz:rgb, None for the joint one."""
        return split_part(self.scores.path)[1]

    @property
    def report_file(self) -> Path:
        """Path of its report.

        scores.npz -> report.html, val_scores.npz -> val_report.html, scores.npz:rgb ->
        rgb_report.html.
        """
        of_file = [] if self.file.name in RESULTS else [self.file.stem.removesuffix('_scores')]
        of_part = [self.part] if self.part else []
        return self.file.with_name('_'.join([*of_file, *of_part, 'report.html']))

    @property
    def checkpoint_name(self) -> str | None:
        """Name of the checkpoint that the scores give, else of its file; None if unknown."""
        of_file = None if self.checkpoint is None else self.checkpoint.resolve().name
        return self.scores.checkpoint or of_file

    @property
    def tested(self) -> str:
        """When the score file was written, 'YYYY-MM-DD HH:MM'."""
        return time.strftime('%Y-%m-%d %H:%M', time.localtime(os.path.getmtime(self.file)))

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Return (N, K) scores of this stream as probabilities at its temperature."""
        if self.temperature != 1 or kind_of(scores) == 'logits':
            return soften(scores, self.temperature)
        return scores


@dataclass
class Clips:
    """The clips of the scores, in their order.

    Attributes:
        annotations: annotations of the clips.
        labels: (N,) labels, -1 where unknown.
        source: annotation file.
        left_out: clips without a label that were left out.
    """

    annotations: Annotations
    labels: np.ndarray
    source: str
    left_out: int = 0


def read_stream(
    path: str | os.PathLike,
    config: Any = None,
    checkpoint: str | os.PathLike | None = None,
    work_dir: str | os.PathLike | None = None,
) -> Stream:
    """Read a stream from a work dir (its scores.npz or result.pkl) or from a score file.

    A folder without a config is not taken as a work dir: nothing but scores is read from it.

    Args:
        path: work dir or score file.
        config: config as load_config returns it, if not the work dir's.
        checkpoint: tested checkpoint, if not the work dir's.
        work_dir: folder of config, log and checkpoint, if not that of the scores.

    Raises:
        DataError: no such file, a folder without scores, or wrong scores.
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
        places = [folder / Path(scores.checkpoint or LATEST).name, folder / LATEST]
        checkpoint = next((place.resolve() for place in places if place.is_file()), None)
    of_file = path.stem.removesuffix('_scores')  # 'val' for val_scores.npz
    names = [] if file is None else [file.stem]
    names += [of_file] if file is None or path.name not in RESULTS else []
    names += [] if part is None else [part]
    return Stream(
        printable(' '.join(names)),
        scores,
        folder,
        values,
        file,
        config,
        None if checkpoint is None else Path(checkpoint),
        [] if file is None else read_log(folder),
    )


def name_apart(streams: Sequence[Stream]) -> None:
    """Give streams of the same name their folders' names, and numbers if those are equal too."""
    for form in ('{folder}/{name}', '{name} ({number})'):
        names = [stream.name for stream in streams]
        for number, stream in enumerate(streams, 1):
            is_taken = names.count(stream.name) > 1
            if is_taken or stream.name == 'ensemble' and len(streams) > 1:
                folder = stream.folder.resolve().name
                stream.name = printable(form.format(folder=folder, name=stream.name, number=number))


def log_texts(folder: Path) -> list[str]:
    """Return the texts of all .log.json files of a work dir, oldest file first."""
    files = sorted(path for path in folder.glob('*.log.json') if path.is_file())
    return [readable_text(file, MAX_LOG_BYTES) for file in files]


def readable_text(file: Path, limit: int) -> str:
    """Return a text from a work dir, '' if it cannot be read."""
    try:
        return read_text(file, limit=limit, errors='replace')
    except DataError:
        return ''


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of all .log.json files of a work dir, oldest file first.

    Of rows that a resumed run logged twice, the later ones are kept.
    """
    rows: dict[tuple, dict[str, Any]] = {}
    for text in log_texts(folder):
        for row in filter(None, map(_row, text.splitlines())):
            rows[row['mode'], row['epoch'], row['iter']] = row
    return list(rows.values())


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None  # half a line of a killed run, or no log at all
    counts = [typed_value(row, key, int) for key in ('epoch', 'iter')]
    whole = all(type(n) is int and 0 <= n < MAX_COUNT for n in counts)
    return row if whole and typed_value(row, 'mode', str) is not None else None


def _config_of(folder: Path) -> tuple[Path | None, dict[str, Any]]:
    """Return the newest config dump of a work dir and its values; other .py files are skipped."""
    files = (path for path in folder.glob('*.py') if path.is_file())
    dumps = sorted(files, key=lambda path: path.stat().st_mtime_ns)
    for file in reversed(dumps):
        values = literal_config(readable_text(file, MAX_CONFIG_BYTES))
        if typed_value(values, 'data', Mapping):
            return file, values
    return None, {}


def typed_value(cfg: Any, key: str, kind: type | tuple[type, ...]) -> Any:
    """Return cfg[key] of an unchecked config, or None if it is missing or of another type."""
    value = cfg.get(key) if isinstance(cfg, Mapping) else None
    return value if isinstance(value, kind) else None


def find_clips(
    streams: Sequence[Stream], ids: Sequence[str] | None, ann_file: str | os.PathLike | None = None
) -> Clips:
    """Return the annotations of the clips that were scored.

    Args:
        streams: streams, whose configs name annotation files.
        ids: clips in the order wanted; None for all of the file, if they are as many as scores.
        ann_file: annotation file; None for the first file of the configs' test, val and train data
            that holds all clips.

    Raises:
        DataError: no file is named, none exists, or none holds all the clips.
    """
    named: list[tuple[str, str | None]] = [(str(ann_file), None)] if ann_file else []
    if not ann_file:
        for split in SPLITS:
            for stream in streams:
                named += annotation_files(stream, split)
    if not named:
        raise DataError(
            f'{streams[0].scores.path}: no config beside it names the annotation file of these '
            'clips. Give it: --ann-file FILE.pkl'
        )
    complaints = []
    for file, part in dict.fromkeys(named):
        try:
            return _in_order(_open(file, part), ids, len(streams[0].scores.scores), file)
        except DataError as error:
            complaints.append(printable(str(error)))
    if len(complaints) == 1:
        raise DataError(complaints[0])
    listed = '\n  '.join(complaints)
    raise DataError(
        f'no annotation file fits these scores:\n  {listed}\n'
        'Give the right one: --ann-file FILE.pkl'
    )


def dataset_configs_of(stream: Stream, split: str) -> list[Mapping[str, Any]]:
    """Return the configs of the data sets inside data.SPLIT of a stream's config."""
    data = typed_value(stream.config, 'data', Mapping) or {}
    return [cfg for _, cfg in dataset_configs(data.get(split))]


def annotation_files(stream: Stream, split: str) -> list[tuple[str, str | None]]:
    """Return (ann_file, split) of the data sets in data.SPLIT of a stream's config, once each."""
    files = [
        (typed_value(cfg, 'ann_file', str), typed_value(cfg, 'split', str))
        for cfg in dataset_configs_of(stream, split)
    ]
    return list(dict.fromkeys((file, part) for file, part in files if file))


def _open(file: str, split: str | None) -> Annotations:
    clips = open_annotations(file)
    return clips if split is None else clips.split(split)


def _in_order(clips: Annotations, ids: Sequence[str] | None, num_rows: int, file: str) -> Clips:
    if ids is None:
        if len(clips) != num_rows:
            raise DataError(
                f'{file}: holds {len(clips)} clips, but there are {num_rows} rows of scores '
                'without ids.'
            )
        return Clips(clips, np.asarray(clips.labels), file)
    advice = 'Give the annotation file that the scores were made from.'
    clips = clips.take(np.array(find_rows(clips.ids, ids, file, advice)))
    return Clips(clips, np.asarray(clips.labels), file)


def train_counts(
    streams: Sequence[Stream], meta: Mapping[str, Any], num_classes: int
) -> tuple[np.ndarray | None, str]:
    """Count the training clips of each class.

    The counts come from the checkpoint (class_counts), else from the annotation files of
    data.train, if they still exist.

    Returns:
        (K,) counts and their source, or (None, '') if they are unknown.
    """
    counts = counts_of_checkpoint(meta, num_classes)
    if counts is not None:
        return counts, 'the checkpoint'
    for stream in streams:
        places = annotation_files(stream, 'train')
        try:
            opened = [_open(file, split) for file, split in places]
        except DataError:
            continue
        labels = [label for clips in opened for label in clips.labels if 0 <= label < num_classes]
        if labels:
            return np.bincount(labels, minlength=num_classes), ', '.join(file for file, _ in places)
    return None, ''
