"""The logs of a run: lines for people in TIMESTAMP.log, rows for programs in TIMESTAMP.log.json.

Both are in PYSKL's format.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import LINES, printable


class _LogFile(logging.FileHandler):
    """A log file that reports a full disk once, instead of a traceback for every line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        _give_up(self.baseFilename, sys.exc_info()[1])
        self.setLevel(logging.CRITICAL + 1)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


class _Lines(logging.Formatter):
    """Formats lines so that names from files cannot control a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), LINES)


def _give_up(path: str | Path, error: BaseException | None) -> None:
    print(
        f'warning: {path}: could not be written ({error}); nothing more is logged there. Training '
        'goes on.',
        file=sys.stderr,
    )


def get_logger(
    level: str = 'INFO', file: Path | None = None, quiet: bool = False
) -> logging.Logger:
    """Set up the logger 'pyskl', which writes to stderr.

    Args:
        level: the lowest level that is logged.
        file: also written to.
        quiet: log errors only, and to no file; for ranks other than 0.
    """
    logger = logging.getLogger('pyskl')
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = False
    logger.setLevel('ERROR' if quiet else level)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if file is not None and not quiet:
        handlers.append(_LogFile(file, encoding='utf-8'))
    for handler in handlers:
        handler.setFormatter(_Lines('%(asctime)s - %(name)s - %(levelname)s - %(message)s'))
        logger.addHandler(handler)
    return logger


class JsonLog:
    """Appends rows to a .log.json file, one per line.

    Args:
        path: the file; None writes nothing.
        meta: of the run, the first row.
    """

    def __init__(self, path: Path | None, meta: Mapping[str, Any] | None = None):
        self.path = path
        if meta:
            self.write(meta)

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a row, with floats rounded to five digits."""
        if self.path is not None:
            rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}
            try:
                with open(self.path, 'a', encoding='utf-8') as f:
                    f.write(json.dumps(rounded) + '\n')
            except OSError as error:  # a full disk: the next checkpoint will not fit either
                _give_up(self.path, error)
                self.path = None


def as_text(values: Mapping[str, float]) -> str:
    """Return values as in a log line: 'top1_acc: 0.0500, loss: 5.8507'."""
    return ', '.join(f'{name}: {value:.4f}' for name, value in values.items())


def duration(seconds: float) -> str:
    """Return seconds as hours:minutes:seconds, '0:01:25'."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02d}:{seconds:02d}'


def timestamp() -> str:
    """Return the local time as it names log files, '20240131_235959'."""
    return time.strftime('%Y%m%d_%H%M%S')
