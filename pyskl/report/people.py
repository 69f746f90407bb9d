"""Figures by person or video: which clips belong together is read from their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..wording import plain as quoted
from .figures import plain

FEWEST = 5  # groups for an interval that draws them
# How names say whose clip it is: (pattern, what the group is).
KNOWN = (
    (re.compile(r'S\d{3}C\d{3}P(\d{3})R\d{3}A\d{3}'), 'person (P... in the id)'),
    (re.compile(r'(.+)_\d+'), 'video (the id before its last _)'),
)


@dataclass(frozen=True)
class Groups:
    """Clips that belong together.

    Attributes:
        kind: what a group is, in words.
        names: of the G groups.
        of: (N,) number of each clip's group.
    """

    kind: str
    names: list[str]
    of: np.ndarray

    @property
    def for_intervals(self) -> np.ndarray | None:
        """Return `of` where there are groups enough to draw from."""
        return self.of if len(self.names) >= FEWEST else None


def find_groups(ids: Sequence[str], pattern: str | None = None) -> Groups | None:
    """Return the groups that clips' names tell of; None where they tell of none.

    Args:
        ids: N names.
        pattern: a regular expression that is found in every name; its first group, else all of it,
            names the person. None: as the names of NTU RGB+D and of iMiGUE are built.

    Raises:
        ConfigError: a pattern that cannot be read, or is not found in a name.
    """
    if pattern is not None:
        return _grouped(_asked(ids, pattern), f'group ({pattern} in the id)')
    for known, kind in KNOWN:
        found = [match[1] for name in ids if (match := known.fullmatch(name))]
        if len(found) == len(ids):
            groups = _grouped(found, kind)
            # as many groups as clips say nothing of people
            return groups if 1 < len(groups.names) <= len(ids) / 2 else None
    return None


def by_group(right: np.ndarray, groups: Groups) -> dict[str, Any]:
    """Return {kind, drawn, rows: [[name, clips, accuracy, clip indices], ...]}, the lowest accuracy first.

    Args:
        right: (N,) whether a clip is recognised.
        groups: of the clips.
    """
    rows = []
    for number, name in enumerate(groups.names):
        own = np.flatnonzero(groups.of == number)
        rows.append([name, len(own), plain(right[own].mean()), own.tolist()])
    drawn = groups.for_intervals is not None
    return {'kind': groups.kind, 'drawn': drawn, 'rows': sorted(rows, key=lambda row: row[2])}


def _asked(ids: Sequence[str], pattern: str) -> list[str]:
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(f'--people {pattern!r} is no regular expression ({error}).') from None
    names = []
    for name in ids:
        found = compiled.search(name)
        group = found and found[1 if compiled.groups else 0]
        if group is None:
            raise ConfigError(
                f'--people {pattern!r} is not found in the name {quoted(name)}. Expected a pattern '
                "that every clip's name has, its first (group) naming the person."
            )
        names.append(group)
    return names


def _grouped(names: Sequence[str], kind: str) -> Groups:
    unique, of = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    return Groups(kind, unique.tolist(), of)
