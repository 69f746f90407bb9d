"""What a run says: lines for people in TIMESTAMP.log, rows for programs in TIMESTAMP.log.json, both as PYSKL wrote them."""

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
    """A log file that, once it can't be written (a full disk), says so in one line instead of a traceback a line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        _give_up(self.baseFilename, sys.exc_info()[1])
        self.setLevel(logging.CRITICAL + 1)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


class _Lines(logging.Formatter):
    """Lines in which names from files cannot move a terminal's cursor."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), LINES)


def _give_up(path: str | Path, error: BaseException | None) -> None:
    print(
        f'warning: {path}: could not be written ({error}); nothing more is logged there. Training goes on.',
        file=sys.stderr,
    )


def get_logger(
    level: str = 'INFO', file: Path | None = None, quiet: bool = False
) -> logging.Logger:
    """The logger 'pyskl', to stderr and to `file`; quiet (ranks other than 0): errors only, no file."""
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
    """Appends rows to a .log.json file, a line each; the first row is the run's meta. Without a path it does nothing."""

    def __init__(self, path: Path | None, meta: Mapping[str, Any] | None = None):
        self.path = path
        if meta:
            self.write(meta)

    def write(self, row: Mapping[str, Any]) -> None:
        if self.path is not None:
            rounded = {k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}
            try:
                with open(self.path, 'a', encoding='utf-8') as f:
                    f.write(json.dumps(rounded) + '\n')
            except (
                OSError
            ) as error:  # a full disk: say so once; the next checkpoint will not fit either
                _give_up(self.path, error)
                self.path = None


def as_text(values: Mapping[str, float]) -> str:
    """'top1_acc: 0.0500, loss: 5.8507'."""
    return ', '.join(f'{name}: {value:.4f}' for name, value in values.items())


def duration(seconds: float) -> str:
    """'0:01:25', as an ETA is read."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02d}:{seconds:02d}'


def timestamp() -> str:
    return time.strftime('%Y%m%d_%H%M%S')
