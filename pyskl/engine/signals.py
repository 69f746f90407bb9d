"""Stopping by a signal: the running iteration is finished, and all ranks stop together."""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import Any

from .collectives import Collectives

# Seconds in which a second SIGINT is the same Ctrl-C: one from the terminal, one from a launcher.
_SAME_CTRL_C = 1.0
_SIGNALS = [
    getattr(signal, name) for name in ('SIGTERM', 'SIGINT', 'SIGUSR1') if hasattr(signal, name)
]


class Stopped(Exception):
    """Training was stopped by a signal and has written a checkpoint.

    Attributes:
        status: the exit status, 128 + signal, as shells expect.
        checkpoint: the file that was written.
        quiet: whether another rank prints the message.
        advice: how to go on from there.
    """

    advice = 'The same command goes on from there.'

    def __init__(self, number: int, checkpoint: str, quiet: bool = False):
        super().__init__(
            f'stopped by {signal.Signals(number).name}; everything so far is in {checkpoint}'
        )
        self.status, self.checkpoint, self.quiet = 128 + number, checkpoint, quiet


class StopRequest:
    """Remembers SIGTERM, SIGINT (Ctrl-C) and SIGUSR1 (Slurm's before pre-emption) while active.

        with StopRequest(collectives) as stop:
            ...
            if number := stop.agreed(): ...     # the same answer on every rank

    Attributes:
        ignores_ctrl_c: whether SIGINT stays ignored, as a shell starts its background jobs, so that
            a Ctrl-C for another program does not stop them.
    """

    def __init__(self, collectives: Collectives):
        self._collectives, self._number, self._since = collectives, 0, 0.0
        self._before: dict[int, Any] = {}
        self.ignores_ctrl_c = False

    def __enter__(self) -> StopRequest:
        self.ignores_ctrl_c = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        handled = [n for n in _SIGNALS if n != signal.SIGINT or not self.ignores_ctrl_c]
        self._before = {number: signal.signal(number, self._remember) for number in handled}
        return self

    def __exit__(self, kind: type[BaseException] | None, *_) -> None:
        if kind is not None and self._collectives.ranks.world > 1:
            return  # the launcher's SIGTERM must not cut off the error message of this rank
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _: FrameType | None) -> None:
        if (
            number == signal.SIGINT == self._number
            and time.monotonic() > self._since + _SAME_CTRL_C
        ):
            raise KeyboardInterrupt  # a second Ctrl-C does not wait
        self._number, self._since = number, time.monotonic()

    def agreed(self) -> int:
        """Return the signal that any rank has received, 0 when none has; the same on every rank."""
        return self._collectives.highest(self._number)
