"""The description in an exported file: its inputs, the steps before its graph, its class names."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..annotations.plausibility import Expected
from ..datasets import pipelines
from ..datasets.pipelines.base import Step
from ..errors import ConfigError, DataError
from ..inference.clips import Wanted
from ..labels import listed_names
from ..signature import check_call
from ..skeletons import layout_of
from ..wording import brief

KEY = 'pyskl'  # the entry of the file's metadata that holds the description, as JSON
VERSION = 1
MAX_CHARACTERS = 1 << 20

# Limits for files of strangers, which must not fill the memory.
MAX_COUNT = 10_000  # frames, samples or people
MAX_FRAMES = 1_000_000  # of all samples of a clip
MAX_PIXELS = 1 << 30  # of all frames of a clip

# Pipeline steps that may come before a graph. They are deterministic and need no torch, only numpy
# and, for frames, OpenCV and decord.
STEPS = (
    'BodyUnits2D',
    'BoneVectors',
    'CenterCrop',
    'DecompressPose',
    'DecordDecode',
    'DecordInit',
    'FormatGCNInput',
    'GenSkeFeat',
    'JointToBone',
    'Kinetics_Transform',
    'MMCompact',
    'MMDecode',
    'MMPad',
    'MMUniformSampleFrames',
    'MergeSkeFeat',
    'PadTo',
    'PoseCompact',
    'PoseDecode',
    'PreNormalize2D',
    'PreNormalize3D',
    'Project3D',
    'Rename',
    'Resize',
    'SampleFrames',
    'TenCrop',
    'ThreeCrop',
    'ToMotion',
    'UniformSample',
    'UniformSampleDecode',
    'UniformSampleFrames',
)
_COUNTS = ('num_clips', 'length', 'num_person', 'max_person')


@dataclass(frozen=True)
class GraphAbout:
    """The description of an exported network.

    Attributes:
        version: of this description's format.
        made_by: version of this package.
        config: name of the config file.
        precision: 'fp32' or 'fp16', of the weights.
        num_classes: K.
        label_names: K names; None if they are not known.
        layouts: names of the skeleton layouts in config and checkpoint.
        steps: configs of the pipeline steps before the graph.
        draws: whether the graph takes key points in pixels and draws heatmaps.
        mirrors: whether testing averages each sample and its mirrored copy.
        wanted_step: see Wanted.step.
        in_space: see Wanted.in_space.
        num_joints: see Wanted.num_joints.
        in_pixels: see Expected.in_pixels.
        by: see Expected.by.
        layout: config of the layout of the clips' joints; None if it is not known.
        pictures: see Wanted.pictures.
        segments: views of a 2-D network whose features are averaged before the class scores; they
            pass the graph together. None: all views of a clip. 1 for other networks.
    """

    version: int
    made_by: str
    config: str
    precision: str
    num_classes: int
    label_names: list | None
    layouts: list
    steps: list
    draws: bool
    mirrors: bool
    wanted_step: str | None
    in_space: bool
    num_joints: int | None
    in_pixels: bool
    by: str
    layout: dict | None
    pictures: Literal['no', 'beside', 'alone'] = 'no'
    segments: int | None = 1

    def to_json(self) -> str:
        """Return the description as JSON."""
        return json.dumps(asdict(self), separators=(',', ':'))

    @classmethod
    def from_json(cls, text: str | None, file: str) -> GraphAbout:
        """Read and check the description of a file, which may come from a stranger.

        Args:
            text: the JSON; None if the file has none.
            file: the file's name, for messages.

        Raises:
            DataError: there is no description, or a wrong one.
        """
        if text is None:
            raise DataError(
                f'{file}: does not say which clips it takes (no {KEY!r} in its metadata). '
                'Expected a file that tools/export.py wrote.'
            )
        if len(text) > MAX_CHARACTERS:
            raise DataError(f'{file}: its metadata are longer than {MAX_CHARACTERS:,} characters.')
        where = f'{file}: metadata {KEY!r}'
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f'{where}: is no JSON ({brief(str(error))}). Export it again.'
            ) from None
        if not isinstance(content, dict) or content.get('version') != VERSION:
            found = brief(content.get('version')) if isinstance(content, dict) else brief(content)
            raise DataError(
                f'{where}: version {found}, expected {VERSION}. Export the network again with this '
                'version of the package.'
            )
        try:
            check_call(cls, content, where)
        except ConfigError as error:
            raise DataError(str(error)) from None
        about = cls(**content)
        about._check(where)
        return about

    def _check(self, where: str) -> None:
        names, layouts = self.label_names, self.layouts
        if not 1 <= self.num_classes <= MAX_COUNT:
            raise DataError(
                f'{where}.num_classes = {self.num_classes}: expected 1 to {MAX_COUNT:,}.'
            )
        if names is not None and len(listed_names(names) or ()) != self.num_classes:
            raise DataError(f'{where}.label_names: expected {self.num_classes} names, or null.')
        if not all(isinstance(name, str) for name in layouts):
            raise DataError(f'{where}.layouts = {brief(layouts)}: expected names.')
        if self.segments is not None and self.segments < 1:
            raise DataError(f'{where}.segments = {self.segments}: expected 1 or more, or null.')

    def build_steps(self, file: str) -> list[Step]:
        """Build the steps before the graph.

        Raises:
            DataError: an unknown step or argument, or sizes beyond the limits above.
        """
        steps = [self._step(config, f'{file}: step {i}') for i, config in enumerate(self.steps)]
        lengths = [length for step in steps for length in _clip_lengths(step)]
        counts = [getattr(step, name, 1) for step in steps for name in _COUNTS] + lengths
        frames = [getattr(s, 'num_clips', 1) * n for s in steps for n in _clip_lengths(s)]
        if max(counts, default=1) > MAX_COUNT or max(frames, default=1) > MAX_FRAMES:
            raise DataError(
                f'{file}: a step asks for {max(*counts, *frames):,} frames or people; expected at '
                f'most {MAX_COUNT:,}, and {MAX_FRAMES:,} frames of all samples.'
            )
        pixels = max(map(_pixels, steps), default=0) * max(frames, default=1)
        if self.pictures != 'no' and pixels > MAX_PIXELS:
            raise DataError(
                f'{file}: its steps make {pixels:,.0f} pixels of each clip; expected at most '
                f'{MAX_PIXELS:,}.'
            )
        return steps

    def _step(self, config: Any, where: str) -> Step:
        if not isinstance(config, Mapping) or config.get('type') not in STEPS:
            kind = config.get('type') if isinstance(config, Mapping) else config
            raise DataError(f'{where}: {brief(kind)} is no step that may come before a graph.')
        arguments = {name: value for name, value in config.items() if name != 'type'}
        step = getattr(pipelines, config['type'])
        try:
            check_call(step, arguments, f'{where} ({step.__name__})')
            return step(**arguments)
        except (ConfigError, ValueError, TypeError, OverflowError) as error:
            raise DataError(f'{where} ({step.__name__}): {error}') from None

    def wanted(self, file: str) -> Wanted:
        """Return what clips must be like.

        Raises:
            DataError: the layout is wrong.
        """
        try:
            layout = None if self.layout is None else layout_of(self.layout)
        except ConfigError as error:
            raise DataError(f'{file}: {error}') from None
        expected = Expected(self.in_pixels, self.by, layout)
        joints = self.num_joints
        return Wanted(file, self.wanted_step, self.in_space, joints, expected, self.pictures)


def _clip_lengths(step: Step) -> list[int]:
    """Return how many frames a step samples, for each modality; [] if it does not sample."""
    length = getattr(step, 'clip_len', {})
    return list(length.values() if isinstance(length, Mapping) else [length])


def _pixels(step: Step) -> float:
    """Return about how many pixels a step's frames have; 0 if that depends on the clip."""
    size = getattr(step, 'scale', None) or getattr(step, 'crop_size', None)
    if not isinstance(size, (tuple, list)):
        return 0
    edges = [edge for edge in size if 0 < edge < math.inf]
    return max(edges, default=0) * min(edges, default=0)
