"""Synthetic clips: a kinematic upper body that performs a table of gestures.

Micro-gestures in iMiGUE's raw format (`writing`), long recordings (`recordings`), and clips of
pictures and key points (`filming`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import lazy_exports

if TYPE_CHECKING:
    from .filming import write_video_data
    from .gestures import GESTURES
    from .writing import class_counts, make_split, write_demo_data, write_split

__all__ = [
    'GESTURES',
    'class_counts',
    'make_split',
    'write_demo_data',
    'write_split',
    'write_video_data',
]

__getattr__, __dir__ = lazy_exports(__name__)
