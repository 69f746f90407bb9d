"""Write configs for your own skeletons, filled in from an annotation file.

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
from ..annotations.measures import sample_rows
from ..errors import DataError, UserError
from ..files.atomic import atomic_write_text
from ..recipe.layout_option import read_layout
from ..skeletons import Layout, guess_layout, layout_of
from ..wording import count, some
from .calling import Parser, as_called, shell_command
from .places import configs_folder

STREAMS = ('joint', 'limb', 'graph')
BLOCK = re.compile(r'(# --- your data -+\n).*?(# --- end of your data -+\n)', re.DOTALL)
STEPS = 500  # about: enough for such a network
BATCH = 16  # clips per step, videos_per_gpu of the template
MAX_EPOCHS = 250
SIDES = re.compile(r'\b(left|right)\b', re.IGNORECASE)


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__.splitlines()[0])
    add = parser.add_argument
    add('ann_file', help='annotation pickle or packed folder')
    add(
        '--layout',
        help='layout of the joints: a known name, a dict as in configs, or a config file '
        '(default: from the file, else the number of joints)',
    )
    add(
        '-o',
        '--out',
        type=Path,
        metavar='FOLDER',
        help='folder to write (default: configs/NAME, with the name of the file)',
    )
    add(
        '--splits',
        nargs=3,
        metavar=('TRAIN', 'VAL', 'TEST'),
        help='splits of the file (default: by their names)',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    args = parse_args(argv)
    clips = open_annotations(args.ann_file)
    data = describe(clips, args.ann_file, args.layout, args.splits)
    name = Path(args.ann_file).stem
    folder = args.out or Path('configs') / name
    streams = STREAMS if data.layout.bones else STREAMS[:1]
    paths = [folder / f'{stream}.py' for stream in streams]
    existing = [path for path in paths if path.exists()]
    if existing:
        raise UserError(
            f'{some(map(str, existing))}: exists already. Remove it, or choose another folder '
            'with -o.'
        )
    for stream, path in zip(streams, paths):
        text = (configs_folder() / 'own' / path.name).read_text(encoding='utf-8')
        if stream == 'joint':
            text = BLOCK.sub(lambda match: match[1] + data.block(name) + match[2], text)
            text = re.sub(
                r'\A""".*?"""',
                f'"""{name}: the joint stream. The block holds what depends on the data set."""',
                text,
                flags=re.DOTALL,
            )
        atomic_write_text(path, text)
    print(f'{args.ann_file}: {data.summary()}')
    for note in data.notes():
        print(as_called(note))
    print(
        f'wrote {", ".join(map(str, paths))}\nNext: {shell_command("train")} {paths[0]} --dry-run'
    )


@dataclass(frozen=True)
class Data:
    """What the block of a config says about an annotation file.

    Attributes:
        ann_file: annotation file.
        splits: splits for training, validation and test.
        num_train: clips to train on.
        names: class names, if they are known.
        num_classes: number of classes.
        classes: classes that have clips.
        given: layout as a config names it.
        layout: the layout itself.
        num_people: people of a clip, at most 2.
        in_space: whether key points are x, y, z.
        frames: median length of a clip.
    """

    ann_file: str
    splits: tuple[str, str, str]
    num_train: int
    names: tuple[str, ...] | None
    num_classes: int
    classes: np.ndarray
    given: str | Mapping[str, Any]
    layout: Layout
    num_people: int
    in_space: bool
    frames: int

    @property
    def flips(self) -> bool:
        """Whether mirrored clips keep their class, as far as the names tell."""
        return not any(SIDES.search(name) for name in self.names or ())

    @property
    def clip_len(self) -> int:
        """Frames to sample from a clip."""
        return next((length for length, most in ((16, 24), (24, 48)) if self.frames <= most), 32)

    @property
    def total_epochs(self) -> int:
        """Epochs of about STEPS steps in total."""
        return int(np.clip(round(STEPS * BATCH / self.num_train), 5, MAX_EPOCHS))

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
        """Describe the data in one line."""
        coordinates = 'x, y, z' if self.in_space else 'x, y'
        return (
            f'{count(self.num_train, "clip")} to train on (split {self.splits[0]!r}), '
            f'{count(self.num_classes, "class")}, {coordinates} of '
            f'{count(self.layout.num_joints, "joint")} (layout {self.layout.name}), up to '
            f'{count(self.num_people, "person")} and {self.frames} frames a clip in the middle'
        )

    def notes(self) -> list[str]:
        """Return remarks to read before training."""
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
    """Return a value as in configs: a dict as dict(...), with a line for each entry."""
    if not isinstance(value, Mapping):
        return repr(value)
    lines = []
    for key, entry in value.items():
        text = pformat(entry, width=110, compact=True).replace('\n', '\n    ')
        lines.append(f'    {key}={text}')
    return 'dict(\n' + ',\n'.join(lines) + ')'


def describe(
    clips: Annotations, ann_file: str, layout: str | None, splits: Sequence[str] | None
) -> Data:
    """Find out what a config has to know about an annotation file.

    Args:
        clips: clips of the file.
        ann_file: path of the file.
        layout: what --layout names.
        splits: splits for training, validation and test; None to choose them by name.

    Raises:
        DataError: the file has no splits or labels.
        UserError: a split or layout that does not fit.
    """
    train_split, val_split, test_split = splits or _splits(clips, ann_file)
    train = clips.split(train_split)
    for split in (val_split, test_split):
        clips.split(split)  # raises if it does not exist
    labels = train.labels
    if not (labels >= 0).any():
        raise DataError(
            f'{ann_file}: no clip of split {train_split!r} has a label. Give them labels: '
            'tools/join.py --labels FILE.'
        )
    names = clips.about.label_names
    num_classes = max(int(clips.labels.max()) + 1, len(names or ()))
    if num_classes < 2:
        raise DataError(
            f'{ann_file}: all clips are of class 0, so there is nothing to tell apart. Expected '
            'two classes or more.'
        )
    some_clips = [clips[i] for i in sample_rows(len(clips))]
    joints, channels = some_clips[0]['keypoint'].shape[2:]
    given = _layout(clips, joints, layout)
    return Data(
        ann_file,
        (train_split, val_split, test_split),
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
    """Return the splits for training, validation and test, by names like 'val' and 'xsub_val'."""
    names = clips.store.split_names

    def named(*ends: str) -> str | None:
        found = (name for end in ends for name in names if f'_{name}'.endswith(f'_{end}'))
        return next(found, None)

    train, test = named('train', 'training'), named('test')
    val = named('val', 'valid', 'validation', 'dev')
    other = val or test
    if train is None or other is None:
        found = f'its splits are {some(names)}' if names else 'it has no splits'
        name = 'name them with --splits TRAIN VAL TEST, or ' if names else ''
        raise DataError(
            f'{ann_file}: {found}. Expected train and val, and better test, too: {name}make them: '
            f'python tools/join.py {shlex.quote(ann_file)} -o OUT.pkl --split-by '
            'video:train=0.7,val=0.15,test=0.15 (clips of one video stay together; or random:..., '
            'regex:..., list:FILE)'
        )
    return train, other, test or other


def _layout(clips: Annotations, joints: int, chosen: str | None) -> str | dict[str, Any]:
    """Return the layout as in configs: the chosen one, the file's, or the known one."""
    given: Any = read_layout(chosen) or clips.about.layout
    if given is None and (known := guess_layout(joints)):
        given = known.name
    elif given is None:
        names = [f'joint {j}' for j in range(joints)]
        given = {'name': 'mine', 'joints': names, 'bones': [], 'mirror': [], 'centre': 0}
    layout = layout_of(given)
    if layout.num_joints != joints:
        raise UserError(
            f'{clips.store.where}: keypoint has {joints} joints, but layout {layout.name} has '
            f'{layout.num_joints}. Give the layout of these clips with --layout.'
        )
    return given
