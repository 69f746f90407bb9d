"""NATOPS' .ts files (sources/natops.py), projected onto a picture or in space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ...errors import UserError
from ...seeds import seed_number
from ...wording import count
from .. import natops
from ..source import Annotation, Source, Unit, option


@dataclass
class Natops(Source):
    """NATOPS_TRAIN.ts and NATOPS_TEST.ts."""

    form = 'natops'
    reads = 'NATOPS_TRAIN.ts and NATOPS_TEST.ts of the UEA & UCR archive'
    layouts = {natops.NUM_JOINTS: 'natops8'}

    projection: str = option(
        'xy',
        'the two axes of the picture, or xyz for key points in space (default: xy)',
        choices=(*natops.PROJECTIONS, natops.SPACE),
    )
    folds: int = option(3, 'parts of train: each is a val, the rest its fit (default: 3)', type=int)
    people_seed: int = option(
        0, 'seed that divides the people of train into parts (default: 0)', type=seed_number
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        natops.check_folds(self.folds)
        self._series: dict[str, natops.Series] = {}

    def find(self, paths: Sequence[Path]) -> list[Unit]:
        """Return the two files, train first."""
        folders = (sorted(path.glob('*.ts')) if path.is_dir() else [path] for path in paths)
        files = sorted(chain(*folders), key=lambda file: 'TRAIN' not in file.name)
        if len(files) != 2:
            raise UserError(
                f'natops: {count(len(files), "file")}. Expected NATOPS_TRAIN.ts and NATOPS_TEST.ts.'
            )
        return [Unit(file, split) for file, split in zip(files, ('train', 'test'))]

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clips of a file."""
        series = self._series[unit.name] = natops.read_ts(unit.path)
        natops.check_same_classes(self._series.values(), unit.path)
        yield from natops.annotations_of(series, unit.name, self.projection)

    def label_names(self) -> tuple[str, ...] | None:
        """Return the gestures' names where the file has the archive's six labels."""
        return natops.label_names(next(iter(self._series.values())))

    def splits(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return train and test, and train in parts."""
        if len(self._series) < 2:
            return {}
        return natops.splits(
            self._series['train'], self._series['test'], self.folds, self.people_seed
        )
