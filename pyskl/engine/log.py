"""Logs of a run as PYSKL has them: TIMESTAMP.log for people, TIMESTAMP.log.json for programs."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from ..errors import LINES, printable


class _LogFile(logging.FileHandler):
    """A log file that warns once when it cannot be written, for instance on a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        _give_up(self.baseFilename, sys.exc_info()[1])
        self.setLevel(logging.CRITICAL + 1)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


class _CurrentStderr(logging.StreamHandler):
    """Write to what `sys.stderr` is now, since notebooks and test runners replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr


class _PrintableLines(logging.Formatter):
    """Escape control characters, so that names from files cannot move a terminal's cursor."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), LINES)


def _give_up(path: str | Path, error: BaseException | None) -> None:
    """Warn once that a log cannot be written."""
    print(
        f'warning: {path}: could not be written ({error}); '
        'nothing more is logged there. Training goes on.',
        file=sys.stderr,
    )


def get_logger(
    level: str = 'INFO', file: Path | None = None, quiet: bool = False
) -> logging.Logger:
    """Return the logger 'pyskl', set up anew.

    Args:
        level: of what is logged.
        file: a log file to append to, beside stderr.
        quiet: log errors only and write no file, as on ranks other than 0.
    """
    logger = logging.getLogger('pyskl')
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = False
    logger.setLevel('ERROR' if quiet else level)
    handlers: list[logging.Handler] = [_CurrentStderr()]
    if file is not None and not quiet:
        handlers.append(_LogFile(file, encoding='utf-8'))
    for handler in handlers:
        handler.setFormatter(
            _PrintableLines('%(asctime)s - %(name)s - %(levelname)s - %(message)s')
        )
        logger.addHandler(handler)
    return logger


class JsonLog:
    """A .log.json file with a row of JSON in each line.

    Args:
        path: where rows are appended; with None nothing is written.
        meta: what is known of the run, written as the first row.
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
            except OSError as error:  # a full disk, for instance
                _give_up(self.path, error)
                self.path = None


def as_text(values: Mapping[str, float]) -> str:
    """Return values as they are logged: 'top1_acc: 0.0500, loss: 5.8507'."""
    return ', '.join(f'{name}: {value:.4f}' for name, value in values.items())


def duration(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds: '0:01:25'."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02d}:{seconds:02d}'


def timestamp() -> str:
    """Return the local time as it stands in names of files: '20230517_093000'."""
    return time.strftime('%Y%m%d_%H%M%S')
