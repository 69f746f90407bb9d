"""Figures by person or video, which are read from the clips' names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..wording import plain as quoted
from .figures import plain

MIN_GROUPS = 5  # for an interval that draws groups
# Known forms of names: (pattern whose first group is the person, kind of group).
NAME_FORMS = (
    (re.compile(r'S\d{3}C\d{3}P(\d{3})R\d{3}A\d{3}'), 'person (P... in the id)'),
    (re.compile(r'(.+)_\d+'), 'video (the id before its last _)'),
)


@dataclass(frozen=True)
class Groups:
    """Clips that belong together.

    Attributes:
        kind: kind of group, in words.
        names: names of the G groups.
        of: (N,) number of each clip's group.
    """

    kind: str
    names: list[str]
    of: np.ndarray

    @property
    def for_intervals(self) -> np.ndarray | None:
        """`of`, if there are enough groups to draw from."""
        return self.of if len(self.names) >= MIN_GROUPS else None


def find_groups(ids: Sequence[str], pattern: str | None = None) -> Groups | None:
    """Return the groups of clips that their names tell, or None if they tell none.

    Args:
        ids: N names.
        pattern: regular expression to search for in every name; its first group, else the whole
            match, names the person. None: the forms of NTU RGB+D and of iMiGUE.

    Raises:
        ConfigError: a pattern that is wrong, or that a name does not contain.
    """
    if pattern is not None:
        return _grouped(_searched(ids, pattern), f'group ({pattern} in the id)')
    for known, kind in NAME_FORMS:
        people = [match[1] for name in ids if (match := known.fullmatch(name))]
        if len(people) == len(ids):
            groups = _grouped(people, kind)
            # about as many groups as clips are no persons
            return groups if 1 < len(groups.names) <= len(ids) / 2 else None
    return None


def by_group(right: np.ndarray, groups: Groups) -> dict[str, Any]:
    """Return {kind, drawn, rows: [[name, clips, accuracy, clip indices], ...]}, the worst first.

    Args:
        right: (N,) whether each clip is recognised.
        groups: groups of the clips.
    """
    rows = []
    for number, name in enumerate(groups.names):
        members = np.flatnonzero(groups.of == number)
        rows.append([name, len(members), plain(right[members].mean()), members.tolist()])
    drawn = groups.for_intervals is not None
    return {'kind': groups.kind, 'drawn': drawn, 'rows': sorted(rows, key=lambda row: row[2])}


def _searched(ids: Sequence[str], pattern: str) -> list[str]:
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
                "that is found in every clip's name, its first (group) naming the person."
            )
        names.append(group)
    return names


def _grouped(names: Sequence[str], kind: str) -> Groups:
    unique, of = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    return Groups(kind, unique.tolist(), of)
