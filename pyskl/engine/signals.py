"""Stopping politely: a signal finishes the running iteration, and all ranks leave together."""
from __future__ import annotations

import signal
from types import FrameType

from .distributed import Council

_POLITE = [getattr(signal, name) for name in ('SIGTERM', 'SIGINT', 'SIGUSR1') if hasattr(signal, name)]


class Stopped(Exception):
    """Training was asked to stop and has written `checkpoint`. The exit status is 128 + signal, as shells expect."""

    def __init__(self, number: int, checkpoint: str):
        super().__init__(f'stopped by {signal.Signals(number).name}; everything so far is in {checkpoint}')
        self.status, self.checkpoint = 128 + number, checkpoint


class StopRequest:
    """Remembers SIGTERM, SIGINT (Ctrl-C) and SIGUSR1 (Slurm's warning before pre-emption) while active.

    with StopRequest(council) as stop:
        ...
        if number := stop.agreed(): ...     # the same answer on every rank
    """

    def __init__(self, council: Council):
        self._council, self._number, self._before = council, 0, {}

    def __enter__(self) -> StopRequest:
        self._before = {number: signal.signal(number, self._remember) for number in _POLITE}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and self._number == signal.SIGINT:
            raise KeyboardInterrupt             # a second Ctrl-C does not wait
        self._number = number

    def agreed(self) -> int:
        """The signal that any rank has received, 0 when none has."""
        return self._council.highest(self._number)
