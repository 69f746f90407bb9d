"""The settings of a conversion and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...annotations import About
from ...annotations.notes import Notes
from ..source import Annotation
from .arrays import IMG_SHAPE
from .joints import Joints


@dataclass(frozen=True)
class Settings:
    """What the user asks for.

    Attributes:
        splits: convert only these of train, val, test; by default all. A single one is the split of
            videos whose folder does not tell.
        img_shape: (h, w) px; by default 1080 x 1920, or larger if the data reach beyond it.
        joints: the joints to keep.
        val_videos: videos to move from train to val.
        keep_labels: keep labels of test that look like placeholders.
        id_mod_99: the raw arrays' labels are id % 99; turn them into id - 1.
        strict: refuse to leave anything out.
    """

    splits: Sequence[str] = ()
    img_shape: tuple[int, int] | None = None
    joints: Joints = field(default_factory=Joints)
    val_videos: Sequence[str] = ()
    keep_labels: bool = False
    id_mod_99: bool = False
    strict: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Size (h, w) px of the picture unless the data contradict it."""
        return self.img_shape or IMG_SHAPE


@dataclass
class Conversion:
    """The result of a conversion.

    Attributes:
        clips: annotations of each split, in the order train, val, test.
        about: layout and class names of each split's file; None for none, as in the published
            files.
        left_out: what was not converted.
        facts: lines of information.
        warnings: lines of warning.
    """

    clips: dict[str, list[Annotation]] = field(default_factory=dict)
    about: dict[str, About | None] = field(default_factory=dict)
    left_out: Notes = field(default_factory=Notes)
    facts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
