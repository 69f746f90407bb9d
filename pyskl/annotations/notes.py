"""What was read otherwise than it stands in a file: one line a kind, which names the clips."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable

from ..wording import counted

_LOG = logging.getLogger('pyskl')
_said: set[str] = set()


class Notes:
    """Lines by kind, each with the clips that it is true of."""

    def __init__(self):
        self._clips: dict[str, list[str]] = {}

    def add(self, line: str, clip: str | None = None) -> None:
        """Add a line; of a clip, or of the file as a whole."""
        self._clips.setdefault(line, []).extend(() if clip is None else (clip,))

    def __len__(self) -> int:
        return len(self._clips)

    def items(self) -> Iterable[tuple[str, list[str]]]:
        """Return each kind with its clips."""
        return self._clips.items()

    def lines(self) -> list[str]:
        """Return every kind once: 'total_frames is ...: 2 clips (a, b).'"""
        return [
            f'{line.rstrip(".")}: {counted(clips, "clip")}.' if clips else f'{line}.'
            for line, clips in self._clips.items()
        ]

    def warn(self, where: str) -> None:
        """Log each line, and how to mend the file; a line of a file only once in a process."""
        for line in self.lines():
            warn_once(f'{where}: {line} To mend the file: {fix_command(where)}')


def warn_once(line: str, kind: str | None = None) -> None:
    """Log a warning unless this process has: train, val and test data often come from one file.

    With a `kind` only the first line of that kind is logged.
    """
    said = line if kind is None else kind
    if said not in _said:
        _said.add(said)
        _LOG.warning('%s', line)


def fix_command(where: str) -> str:
    """Return the command that mends a file as far as that can be done."""
    return f'python tools/check_data.py {shlex.quote(where)} --fix OUT.pkl'
