"""Write configs for skeletons of your own: configs/own/, filled in for an annotation file.

python tools/new_config.py data/mine.pkl
python tools/new_config.py data/mine.pkl --layout coco17 -o configs/mine
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat
from typing import Any

import numpy as np

from ..annotations import open_annotations
from ..annotations.clips import Annotations
from ..annotations.label_lists import from_one, lacks_class_0
from ..annotations.seen import sample
from ..errors import DataError, UserError
from ..files.atomic import atomic_write
from ..recipe.layout_option import read_layout
from ..skeletons import Layout, guess_layout, layout_of
from ..wording import count, some
from .calling import Parser, as_called, spoken
from .places import configs_folder

STREAMS = ('joint', 'limb', 'graph')
BLOCK = re.compile(r'(# --- your data -+\n).*?(# --- end of your data -+\n)', re.DOTALL)
STEPS = 500  # of 16 clips, about: what such a network learns in
SIDES = re.compile(r'\b(left|right)\b', re.IGNORECASE)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument('ann_file', help='annotation pickle or packed folder')
    parser.add_argument(
        '--layout',
        help='what the joints are: a known name, a dict as in configs, or a config file '
        '(default: what the file says, else by their number)',
    )
    parser.add_argument(
        '-o',
        '--out',
        type=Path,
        metavar='FOLDER',
        help='where to write (default: configs/NAME, as the file is called)',
    )
    parser.add_argument(
        '--splits',
        nargs=3,
        metavar=('TRAIN', 'VAL', 'TEST'),
        help="the file's splits (default: by their names)",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_args(argv)
    clips = open_annotations(args.ann_file)
    data = describe(clips, args.ann_file, args.layout, args.splits)
    name = Path(args.ann_file).stem
    folder = args.out or Path('configs') / name
    streams = STREAMS if data.layout.bones else STREAMS[:1]
    paths = [folder / f'{stream}.py' for stream in streams]
    there = [path for path in paths if path.exists()]
    if there:
        raise UserError(
            f'{some(map(str, there))}: there already. Remove them, or choose another folder with '
            '-o.'
        )
    for stream, path in zip(streams, paths):
        text = (configs_folder() / 'own' / path.name).read_text(encoding='utf-8')
        if stream == 'joint':
            text = BLOCK.sub(lambda match: match[1] + data.block(name) + match[2], text)
            text = re.sub(
                r'\A""".*?"""',
                f'"""{name}: the joint stream. What differs between data sets stands in the '
                'block."""',
                text,
                flags=re.DOTALL,
            )
        with atomic_write(path, 'w', encoding='utf-8') as f:
            f.write(text)
    print(f'{args.ann_file}: {data.summary()}')
    for note in data.notes():
        print(as_called(note))
    print(f'wrote {", ".join(map(str, paths))}\nNext: {spoken("train")} {paths[0]} --dry-run')


@dataclass(frozen=True)
class Data:
    """What the block of a config says of an annotation file."""

    ann_file: str
    splits: tuple[str, str, str]
    num_train: int
    names: tuple[str, ...] | None
    num_classes: int
    classes: np.ndarray  # those that have clips
    given: str | Mapping[str, Any]
    layout: Layout
    num_people: int
    in_space: bool
    frames: int

    @property
    def flips(self) -> bool:
        """Whether a mirrored clip has its class still, as far as the names tell."""
        return not any(SIDES.search(name) for name in self.names or ())

    @property
    def clip_len(self) -> int:
        return next((length for length, most in ((16, 24), (24, 48)) if self.frames <= most), 32)

    @property
    def total_epochs(self) -> int:
        return int(np.clip(round(STEPS * 16 / self.num_train), 5, 60))

    def block(self, name: str) -> str:
        """Return the lines between the marks of configs/own/joint.py."""
        values = {
            'ann_file': self.ann_file,
            'num_classes': self.num_classes,
            'layout': self.given,
            'num_people': self.num_people,
            'in_space': self.in_space,
            'flips': self.flips,
            'clip_len': self.clip_len,
            'total_epochs': self.total_epochs,
            'work_dir': f'./work_dirs/{name}/joint',
        }
        lines = [f'{key} = {_python(value)}' for key, value in values.items()]
        lines.insert(1, f'train_split, val_split, test_split = {", ".join(map(repr, self.splits))}')
        lines.insert(
            4, f'num_joints, num_limbs = {self.layout.num_joints}, {len(self.layout.bones)}'
        )
        return '\n'.join(lines) + '\n'

    def summary(self) -> str:
        what = 'x, y, z' if self.in_space else 'x, y'
        return (
            f'{count(self.num_train, "clip")} to train on (split {self.splits[0]!r}), '
            f'{count(self.num_classes, "class")}, {what} of '
            f'{count(self.layout.num_joints, "joint")} (layout {self.layout.name}), up to '
            f'{count(self.num_people, "person")} and {self.frames} frames a clip in the middle'
        )

    def notes(self) -> list[str]:
        """Return what to look at before training."""
        notes = []
        if lacks_class_0(self.classes, self.names):
            notes.append(
                f'No clip has label 0. {from_one(self.classes, len(self.classes), self.ann_file)}'
            )
        if not self.layout.bones:
            notes.append(
                'The joints have no known layout, so there is no limb and no graph stream, and '
                'nothing is mirrored. Name it with --layout, or write the bones and mirror pairs '
                'into the block (configs/README.md).'
            )
        elif not self.flips:
            notes.append(
                'The names of the classes speak of left and right, so no clip is mirrored (flips '
                '= False).'
            )
        if self.splits[1] == self.splits[2]:
            notes.append(
                f'The file has no third split: {self.splits[1]!r} both chooses the best '
                'checkpoint and tests it, so the test flatters. tools/join.py --split-by makes '
                'three.'
            )
        return notes


def _python(value: Any) -> str:
    """Write a value as configs do: a dict as dict(...), an entry a line."""
    if not isinstance(value, Mapping):
        return repr(value)
    entries = (
        pformat(entry, width=110, compact=True).replace('\n', '\n    ') for entry in value.values()
    )
    return 'dict(\n' + ',\n'.join(f'    {key}={entry}' for key, entry in zip(value, entries)) + ')'


def describe(
    clips: Annotations, ann_file: str, layout: str | None, splits: Sequence[str] | None
) -> Data:
    """Look at an annotation file as a config has to know it.

    Raises:
        DataError: it has no splits, or no labels.
        UserError: splits that are not there.
    """
    splits = tuple(splits) if splits else _splits(clips, ann_file)
    train = clips.split(splits[0])
    for split in splits[1:]:
        clips.split(split)
    labels = train.labels
    if not (labels >= 0).any():
        raise DataError(
            f'{ann_file}: no clip of split {splits[0]!r} has a label. Give them labels: '
            'tools/join.py --labels FILE.'
        )
    names = clips.about.label_names
    num_classes = max(int(clips.labels.max()) + 1, len(names or ()))
    if num_classes < 2:
        raise DataError(
            f'{ann_file}: all clips are of class 0, so there is nothing to tell apart. Expected '
            'two classes or more.'
        )
    some_clips = [clips[i] for i in sample(len(clips))]
    joints, channels = some_clips[0]['keypoint'].shape[2:]
    given = _layout(clips, joints, layout)
    return Data(
        ann_file,
        splits,
        len(train),
        names,
        num_classes,
        np.unique(labels[labels >= 0]),
        given,
        layout_of(given),
        num_people=min(max(a['keypoint'].shape[0] for a in some_clips), 2),
        in_space=channels == 3,
        frames=int(np.median(clips.column('total_frames'))),
    )


def _splits(clips: Annotations, ann_file: str) -> tuple[str, str, str]:
    """The splits for training, validation and test, by their names: 'val', 'xsub_val', 'test'."""
    there = clips.store.split_names

    def named(*ends: str) -> str | None:
        return next(
            (name for end in ends for name in there if name == end or name.endswith(f'_{end}')),
            None,
        )

    train, val, test = (
        named('train', 'training'),
        named('val', 'valid', 'validation', 'dev'),
        named('test'),
    )
    if train is None or not (val or test):
        found = f'its splits are {some(there)}' if there else 'it has no splits'
        name = 'name them with --splits TRAIN VAL TEST, or ' if there else ''
        raise DataError(
            f'{ann_file}: {found}. Expected train and val, and better test, too: {name}make them: '
            f'python tools/join.py {shlex.quote(ann_file)} -o OUT.pkl --split-by '
            'video:train=0.7,val=0.15,test=0.15 (clips of one video stay together; or random:..., '
            'regex:..., list:FILE)'
        )
    return train, val or test, test or val


def _layout(clips: Annotations, joints: int, chosen: str | None) -> str | dict[str, Any]:
    """The layout as a config says it: chosen, or the file's own, or the one known layout of that many joints."""
    given: Any = read_layout(chosen) or clips.about.layout
    if given is None:
        known = guess_layout(joints)
        given = (
            known.name
            if known
            else {
                'name': 'mine',
                'joints': [f'joint {j}' for j in range(joints)],
                'bones': [],
                'mirror': [],
                'centre': 0,
            }
        )
    layout = layout_of(given)
    if layout.num_joints != joints:
        raise UserError(
            f'{clips.store.where}: keypoint has {joints} joints, but layout {layout.name} has '
            f'{layout.num_joints}. Give the layout of these clips with --layout.'
        )
    return given
