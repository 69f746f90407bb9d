"""Values of an annotation's fields: their limits, whole numbers, and the error for a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..wording import brief

NO_LABEL = -1
MAX_LABEL = 2**31 - 1
MAX_SIDE = 2**31 - 1  # pixels
MAX_FRAME = 2**31 - 1  # number of a video's frame

Note = Callable[[str], None]  # takes a line on a value that was not used as it was written


def ignore_note(line: str) -> None:
    """Drop the line: a Note for callers that need none."""


class FieldError(Exception):
    """A field of a clip is wrong.

    Args:
        field: the field's name.
        what: what came, as a predicate: 'is missing'.
        wanted: what was expected, and what to try.
    """

    def __init__(self, field: str, what: str, wanted: str):
        super().__init__(f'{field} {what}. {wanted}')
        self.field, self.what, self.wanted = field, what, wanted


def shown(value: Any) -> str:
    """Return a value as an error message shows it; None as 'missing'."""
    return 'missing' if value is None else brief(value)


def whole_number(value: Any) -> int | None:
    """Return the integer that a value stands for: 16, 16.0, a numpy scalar or an array of one.

    None for anything else, including bools.
    """
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, (bool, np.bool_)):
        return None
    if isinstance(value, (float, np.floating)):
        return int(value) if float(value).is_integer() else None
    return int(value) if isinstance(value, (int, np.integer)) else None
