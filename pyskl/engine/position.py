"""Where training stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Position:
    """Where training stands.

    Attributes:
        epoch: whole epochs done.
        inner: batches done in the current epoch.
    """

    epoch: int = 0
    inner: int = 0
