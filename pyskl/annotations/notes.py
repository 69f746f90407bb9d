"""Notes on what was not read as it is written in a file, one line for each kind, with the clips."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable

from ..wording import counted

_LOG = logging.getLogger('pyskl')
_warned: set[str] = set()


class Notes:
    """Lines by kind, each with the clips it is true of."""

    def __init__(self):
        self._clips: dict[str, list[str]] = {}

    def add(self, line: str, clip: str | None = None) -> None:
        """Add a line about a clip, or about the file as a whole."""
        self._clips.setdefault(line, []).extend(() if clip is None else (clip,))

    def __len__(self) -> int:
        return len(self._clips)

    def items(self) -> Iterable[tuple[str, list[str]]]:
        """Return each line with its clips."""
        return self._clips.items()

    def lines(self) -> list[str]:
        """Return every line once: 'total_frames is ...: 2 clips (a, b).'."""
        return [
            f'{line.rstrip(".")}: {counted(clips, "clip")}.' if clips else f'{line}.'
            for line, clips in self._clips.items()
        ]

    def warn(self, where: str) -> None:
        """Log each line, once in a process, and the command that mends the file.

        Args:
            where: the file.
        """
        for line in self.lines():
            warn_once(f'{where}: {line} To mend the file: {fix_command(where)}')


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
