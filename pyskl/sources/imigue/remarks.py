"""Remarks on what a conversion left out or found odd, grouped by kind at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...wording import count, plain

MOST_NAMES = 100  # of one kind in a line
MOST_DETAILS = 3


@dataclass(frozen=True)
class Remark:
    """Something that was not converted, or that was odd and read all the same.

    Attributes:
        what: 'video', 'clip', 'file' or 'folder'.
        name: its name, as its folder spells it.
        why: the remark, equal for all of one kind.
        detail: what is specific to this one: line, numbers.
        fault: whether `--strict` refuses it; False for what nobody would miss.
    """

    what: str
    name: str
    why: str
    detail: str = ''
    fault: bool = True


def describe(remarks: Iterable[Remark]) -> list[str]:
    """Return one line per kind: how many, why, which ones, and the details of the first.

    Example:
        >>> describe([Remark('video', '0203', 'no label csv')])
        ['1 video: no label csv: 0203']
    """
    kinds: dict[tuple[str, str], list[Remark]] = {}
    for item in remarks:
        kinds.setdefault((item.what, item.why), []).append(item)
    return [
        f'{count(len(same), what)}: {why}: {_names(same)}' for (what, why), same in kinds.items()
    ]


def _names(same: list[Remark]) -> str:
    detailed = [
        plain(item.name) + (f' ({item.detail})' if item.detail else '')
        for item in same[:MOST_DETAILS]
    ]
    others = [plain(item.name) for item in same[MOST_DETAILS:MOST_NAMES]]
    more = f' and {len(same) - MOST_NAMES} more' if len(same) > MOST_NAMES else ''
    return ', '.join(detailed + others) + more


def listed(where: str, what: str, remarks: Iterable[Remark]) -> str:
    """Return the text of an error: one line for a single kind, else an indented line per kind."""
    lines = describe(remarks)
    if len(lines) < 2:
        return ' '.join([f'{where}: {what}.', *lines])
    return '\n  '.join([f'{where}: {what}:', *lines])
