"""Errors for the user: where something is wrong, what came, what was expected, what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

JOINERS = '\u200c\u200d'  # zero-width characters that join or separate letters and emoji
LINES = '\n\t'  # the control characters of a message with several lines and tables


class UserError(Exception):
    """Something the user gave is wrong: what and where, what was expected, what to try."""


class ConfigError(UserError):
    """A config file, a config key or a command-line override is wrong.

    Attributes:
        messages: one message per fault; several when the error comes from `Faults`.
    """

    def __init__(self, message: str, messages: tuple[str, ...] = ()):
        super().__init__(message)
        self.messages = messages or (message,)


class DataError(UserError):
    """A data file (raw arrays, annotations, labels, scores) is wrong."""


class CheckpointError(UserError):
    """A checkpoint can't be read, or does not fit the model."""


class LostRankError(UserError):
    """Another process of a distributed run is gone, and the connection to it is broken.

    A script must leave without tearing the connection down, see `scripts.run_script`.
    """


class Faults:
    """Collects ConfigErrors, so that the user sees all faults at once instead of one per run.

    faults = Faults()
    for part in parts:
        with faults:
            check(part)
    faults.raise_any()
    """

    def __init__(self):
        self.messages: list[str] = []

    def add(self, message: str) -> None:
        """Add a fault, unless the same message is there already."""
        if message not in self.messages:
            self.messages.append(message)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, ConfigError):
            for message in error.messages:
                self.add(message)
        return isinstance(error, ConfigError)

    def raise_any(self, place: str = 'the config') -> None:
        """Raise the collected faults, if there are any, as one ConfigError.

        Args:
            place: heads the message when there are several faults; a single one is raised as it is.
        """
        if len(self.messages) == 1:
            raise ConfigError(self.messages[0])
        if self.messages:
            lines = '\n  '.join(self.messages)
            raise ConfigError(
                f'{place}: {len(self.messages)} faults:\n  {lines}', tuple(self.messages)
            )


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return ' Did you mean X?' for the closest known name, '' when none is close."""
    lowered = {k.lower(): k for k in known}
    near = difflib.get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.6)
    return f' Did you mean {lowered[near[0]]}?' if near else ''


def printable(text: str, keep: str = '') -> str:
    """Escape control characters in text that may hold names from files.

    Args:
        text: for a terminal, a log or a page.
        keep: control characters that stay, e.g. `LINES`. `JOINERS` always stay.
    """
    if text.isprintable():
        return text
    return ''.join(
        c if c.isprintable() or c in keep or c in JOINERS else c.encode('unicode_escape').decode()
        for c in text
    )
