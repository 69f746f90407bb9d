"""Notes on what was changed, odd or left out in reading: one line for each kind, with names."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..wording import count, plain

MOST_NAMES = 100  # in a line where all matter
MOST_DETAILS = 3  # names of a line that are shown with their details
_LOG = logging.getLogger('pyskl')
_warned: set[str] = set()


@dataclass(frozen=True)
class _Entry:
    """One clip, video or file that a line is true of."""

    name: str
    detail: str
    fault: bool

    def __str__(self) -> str:
        return plain(self.name) + (f': {self.detail}' if self.detail else '')


class Notes:
    """Lines on clips, videos or files, each with the names of those it is true of."""

    def __init__(self):
        self._entries: dict[tuple[str, str], list[_Entry]] = {}  # by line and `what`

    def add(
        self,
        line: str,
        name: str | None = None,
        what: str = 'clip',
        detail: str = '',
        fault: bool = True,
    ) -> None:
        """Add a line about a clip, or about the file as a whole.

        Args:
            line: the note, equal for all of one kind.
            name: name of the clip; None: the line is about the file as a whole.
            what: 'clip', 'video', 'file' or 'folder'.
            detail: what is specific to this one: line, numbers.
            fault: whether it matters; False for what nobody would miss.
        """
        entries = self._entries.setdefault((line, what), [])
        if name is not None:
            entries.append(_Entry(name, detail, fault))

    def extend(self, others: Notes) -> None:
        """Add the lines of other notes."""
        for key, entries in others._entries.items():
            self._entries.setdefault(key, []).extend(entries)

    def faults(self) -> Notes:
        """Return the notes that matter."""
        notes = Notes()
        for key, entries in self._entries.items():
            if kept := [entry for entry in entries if entry.fault]:
                notes._entries[key] = kept
        return notes

    def __len__(self) -> int:
        return len(self._entries)

    def items(self) -> Iterable[tuple[str, list[str]]]:
        """Return each line with its names."""
        for (line, _), entries in self._entries.items():
            yield line, [entry.name for entry in entries]

    def lines(self, most: int = 5) -> list[str]:
        """Return every line once: 'total_frames is ...: 2 clips (a, b).'.

        Args:
            most: names in a line.
        """
        return [
            f'{line.rstrip(".")}: {_counted(entries, what, most)}.' if entries else f'{line}.'
            for (line, what), entries in self._entries.items()
        ]

    def message(self, begin: str, most: int = MOST_NAMES) -> str:
        """Return the text of an error: `begin`, and an indented line for each of several kinds."""
        lines = self.lines(most)
        if len(lines) < 2:
            return ' '.join([f'{begin}.', *lines])
        return '\n  '.join([f'{begin}:', *lines])

    def warn(self, where: str) -> None:
        """Log each line, once in a process, and the command that mends the file.

        Args:
            where: the file.
        """
        for line in self.lines():
            warn_once(f'{where}: {line} To mend the file: {fix_command(where)}')


def _counted(entries: Sequence[_Entry], what: str, most: int) -> str:
    """Return '7 clips (a: line 3, b, c and 4 more)', with the details of the first few."""
    names = [str(entry) for entry in entries[:MOST_DETAILS]]
    names += [plain(entry.name) for entry in entries[MOST_DETAILS:most]]
    more = f' and {len(entries) - most} more' if len(entries) > most else ''
    return f'{count(len(entries), what)} ({", ".join(names[:most])}{more})'


def warn_once(line: str, kind: str | None = None) -> None:
    """Log a warning once in a process: train, val and test data often come from one file.

    Args:
        line: the warning.
        kind: with it, only the first line of that kind is logged.
    """
    key = line if kind is None else kind
    if key not in _warned:
        _warned.add(key)
        _LOG.warning('%s', line)


def fix_command(where: str) -> str:
    """Return the command that mends a file as far as that can be done."""
    return f'python tools/check_data.py {shlex.quote(where)} --fix OUT.pkl'
