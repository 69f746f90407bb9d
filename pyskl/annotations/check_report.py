"""The report of a check of annotations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Report:
    """What was found in an annotation file.

    Attributes:
        errors: why the data cannot be used as they are.
        warnings: what looks wrong.
        facts: numbers by name, fit for JSON.
    """

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def spread(values: list[int]) -> str:
    """Return '90', or 'lowest .. median .. highest', of some numbers."""
    low, high = min(values), max(values)
    return str(low) if low == high else f'{low} .. {int(np.median(values))} .. {high}'
