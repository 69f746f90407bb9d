"""Project annotation files of joints in space onto pictures, from one side or several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...annotations.about import About
from ...annotations.store import read_annotations
from ...errors import UserError
from ...skeletons.camera import Camera
from ..source import Annotation, LayoutConfig, Source, Unit, option

_CAMERA = Camera()


@dataclass
class Project(Source):
    """Pickles of clips with x, y, z; one clip per turn, named clip@30 where there are several."""

    form = 'project'
    reads = 'annotation pickles with keypoint (M, T, V, 3), x, y, z'
    suffixes = ('.pkl', '.pickle')

    axes: Sequence[str] = option(
        _CAMERA.axes,
        'the axes of the data that point right, down and away from the viewer, negative ones with '
        "'-', as one word: --axes=-x,-y,z (the default, Kinect's); x,y,z of a camera; x,-z,y with "
        'z up',
        type=lambda text: tuple(text.split(',')),
    )
    turns: Sequence[float] = option(
        (0.0,),
        'degrees by which people turn to their left, one clip each (default: 0)',
        type=float,
        nargs='+',
        metavar='DEGREES',
    )
    picture: int = option(_CAMERA.picture, 'side of the picture in pixels', type=int)
    scale: float | None = option(
        None,
        "pixels per unit, with the data's origin in the middle (default: fill the picture)",
        type=float,
    )
    distance: float | None = option(
        None, 'distance of the camera in sizes of the clip (default: infinite)', type=float
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            self._camera = Camera(
                tuple(self.axes), self.picture, scale=self.scale, distance=self.distance
            )
        except ValueError as error:
            raise UserError(f'project: {error}') from error
        odd = [turn for turn in self.turns if not -360 <= turn <= 360]
        if odd:
            raise UserError(f'--turns {odd[0]}: expected degrees from -360 to 360.')
        if len({f'{turn:g}' for turn in self.turns}) < len(self.turns):
            raise UserError(f'--turns {" ".join(map(str, self.turns))}: an angle occurs twice.')
        self._about = About()

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield each clip seen from every side."""
        data = read_annotations(unit.path)
        self._about = About.of(data, str(unit.path))
        for clip in self.clips_in(data, unit.path):
            if clip['keypoint'].shape[-1] != 3:
                shape = clip['keypoint'].shape
                self.leave_out(
                    f'{unit.path}: clip {clip["frame_dir"]}: keypoint has shape {shape}, expected '
                    '(people, frames, joints, 3): x, y, z. It is already in a picture.'
                )
                continue
            yield from map(self._seen, [clip] * len(self.turns), self.turns)

    def _seen(self, clip: Annotation, turn: float) -> Annotation:
        xy, there = self._camera.project(clip['keypoint'], turn)
        size = (self.picture, self.picture)
        return {
            **clip,
            'frame_dir': self._name(clip['frame_dir'], turn),
            'keypoint': xy,
            'keypoint_score': np.where(there, clip['keypoint_score'], np.float32(0)),
            'img_shape': size,
            'original_shape': size,
        }

    def _name(self, name: str, turn: float) -> str:
        return name if len(self.turns) == 1 else f'{name}@{turn:g}'

    def origin(self, name: str) -> str:
        """Return the clip in space."""
        return name if len(self.turns) == 1 else name.rpartition('@')[0]

    def layout(self, num_joints: int) -> LayoutConfig | None:
        """Return the layout of the file."""
        return self._about.layout

    def label_names(self) -> tuple[str, ...] | None:
        """Return the class names of the file."""
        return self._about.label_names

    def splits(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return the splits of the file, with all views of their clips."""
        present = set(names)
        return {
            split: [n for m in members for t in self.turns if (n := self._name(m, t)) in present]
            for split, members in self.own_splits.items()
        }
