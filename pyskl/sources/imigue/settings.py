"""What a conversion is asked for, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...annotations import About
from ...annotations.notes import Notes
from .arrays import IMG_SHAPE
from .joints import Joints


@dataclass(frozen=True)
class Settings:
    """What the user asks for.

    Attributes:
        splits: train, val, test: only these; where no folder says what its videos are, the one split
            that they are. Empty: those that are there.
        img_shape: (h, w) px; None: 1080 x 1920 unless the data reach beyond it.
        joints: which ones to keep.
        val_videos: to take out of train, for val.
        keep_labels: keep labels of test that look like dummies.
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
        """(h, w) px of the picture as far as nothing contradicts it."""
        return self.img_shape or IMG_SHAPE

    @property
    def only_split(self) -> str:
        """What videos are whose folder does not say."""
        return self.splits[0] if len(self.splits) == 1 else 'train'


@dataclass
class Conversion:
    """What came of it.

    Attributes:
        clips: annotations of each split, in the order train, val, test.
        about: what each split's file says of all its clips; None: nothing, as in the published files.
        left_out: what was not converted.
        facts: lines to tell.
        warnings: lines to heed.
    """

    clips: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    about: dict[str, About | None] = field(default_factory=dict)
    left_out: Notes = field(default_factory=Notes)
    facts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
