"""What an exported file says of itself: what it takes, what comes before its graph, what its classes are called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..annotations.plausibility import Expected
from ..datasets import pipelines
from ..datasets.pipelines.base import Step
from ..errors import ConfigError, DataError
from ..inference.clips import Wanted
from ..labels import listed_names
from ..signature import check_call
from ..skeletons import layout_of
from ..wording import brief

KEY = 'pyskl'  # under which the metadata of a file hold it, as JSON
VERSION = 1
MAX_CHARACTERS = 1 << 20
MOST = 10_000  # frames, samples, people: a forged file must not fill the memory
MOST_FRAMES = 1_000_000  # of all samples of a clip

# The pipeline's steps that may come before a graph: they need numpy alone and draw nothing at random.
STEPS = (
    'BodyUnits2D',
    'BoneVectors',
    'CenterCrop',
    'DecompressPose',
    'FormatGCNInput',
    'GenSkeFeat',
    'JointToBone',
    'Kinetics_Transform',
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
    'ToMotion',
    'UniformSample',
    'UniformSampleDecode',
    'UniformSampleFrames',
)
_COUNTS = ('clip_len', 'num_clips', 'length', 'num_person', 'max_person')


@dataclass(frozen=True)
class GraphAbout:
    """What an exported file says of itself.

    Attributes:
        version: of this form.
        made_by: version of this package.
        config: name of the config file that it was made from.
        precision: 'fp32' or 'fp16', of the weights.
        num_classes: K.
        label_names: K names; None: nobody said them.
        layouts: names of the skeleton layouts that config and checkpoint speak of.
        steps: configs of the pipeline's steps that come before the graph.
        draws: whether the graph takes key points in pixels and draws heatmaps.
        mirrors: whether testing averages each sample and its mirrored copy.
        wanted_step: see Wanted.step.
        in_space: see Wanted.in_space.
        num_joints: see Wanted.num_joints.
        in_pixels: see Expected.in_pixels.
        by: see Expected.by.
        layout: config of the layout of the clips' joints; None: not known.
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

    def to_json(self) -> str:
        """Return it as the file holds it."""
        return json.dumps(asdict(self), separators=(',', ':'))

    @classmethod
    def from_json(cls, text: str | None, file: str) -> GraphAbout:
        """Read and check what a file says; it may come from a stranger.

        Raises:
            DataError: naming the file and what is wrong.
        """
        if text is None:
            raise DataError(
                f'{file}: says nothing about the clips that it takes (no {KEY!r} in its metadata). '
                'Expected a file that tools/export.py wrote.'
            )
        if len(text) > MAX_CHARACTERS:
            raise DataError(f'{file}: its metadata are longer than {MAX_CHARACTERS:,} characters.')
        where = f'{file}: metadata {KEY!r}'
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f'{where}: no JSON ({brief(str(error))}). Export it again.') from None
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
        if not 1 <= self.num_classes <= MOST:
            raise DataError(f'{where}.num_classes = {self.num_classes}: expected 1 to {MOST:,}.')
        if names is not None and len(listed_names(names) or ()) != self.num_classes:
            raise DataError(f'{where}.label_names: expected {self.num_classes} names, or null.')
        if not all(isinstance(name, str) for name in layouts):
            raise DataError(f'{where}.layouts = {brief(layouts)}: expected names.')

    def build_steps(self, file: str) -> list[Step]:
        """Build the steps that come before the graph.

        Raises:
            DataError: a step or an argument that is not known, or numbers that no clip needs.
        """
        steps = [self._step(config, f'{file}: step {i}') for i, config in enumerate(self.steps)]
        counts = [getattr(step, name, 1) for step in steps for name in _COUNTS]
        frames = [getattr(s, 'clip_len', 1) * getattr(s, 'num_clips', 1) for s in steps]
        if max(counts, default=1) > MOST or max(frames, default=1) > MOST_FRAMES:
            raise DataError(
                f'{file}: a step asks for {max(*counts, *frames):,} frames or people; expected at '
                f'most {MOST:,}, and {MOST_FRAMES:,} frames of all samples.'
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
        """Return what clips must be.

        Raises:
            DataError: the layout is none.
        """
        try:
            layout = None if self.layout is None else layout_of(self.layout)
        except ConfigError as error:
            raise DataError(f'{file}: {error}') from None
        expected = Expected(self.in_pixels, self.by, layout)
        return Wanted(file, self.wanted_step, self.in_space, self.num_joints, expected)
