"""Stopping politely: a signal finishes the running iteration, and all ranks leave together."""

from __future__ import annotations

import signal
import time
from types import FrameType

from .distributed import Collectives

_SAME_CTRL_C = 1.0  # seconds in which a second SIGINT is the same Ctrl-C, once from the terminal and once from a launcher
_POLITE = [
    getattr(signal, name) for name in ('SIGTERM', 'SIGINT', 'SIGUSR1') if hasattr(signal, name)
]


class Stopped(Exception):
    """Training was asked to stop and has written `checkpoint`. The exit status is 128 + signal, as shells expect.

    quiet    another rank speaks for all
    advice   how to go on from there, in words
    """

    advice = 'The same command goes on from there.'

    def __init__(self, number: int, checkpoint: str, quiet: bool = False):
        super().__init__(
            f'stopped by {signal.Signals(number).name}; everything so far is in {checkpoint}'
        )
        self.status, self.checkpoint, self.quiet = 128 + number, checkpoint, quiet


class StopRequest:
    """Remembers SIGTERM, SIGINT (Ctrl-C) and SIGUSR1 (Slurm's warning before pre-emption) while active.

    with StopRequest(collectives) as stop:
        ...
        if number := stop.agreed(): ...     # the same answer on every rank

    A shell starts its background jobs with SIGINT ignored, so that a Ctrl-C meant for another
    program passes them by. Then it stays ignored, and `ignores_ctrl_c` is true.
    """

    def __init__(self, collectives: Collectives):
        self._collectives, self._number, self._before = collectives, 0, {}
        self._since = 0.0
        self.ignores_ctrl_c = False

    def __enter__(self) -> StopRequest:
        self.ignores_ctrl_c = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        heeded = [n for n in _POLITE if n != signal.SIGINT or not self.ignores_ctrl_c]
        self._before = {number: signal.signal(number, self._remember) for number in heeded}
        return self

    def __exit__(self, kind: type[BaseException] | None, *_) -> None:
        if kind is not None and self._collectives.ranks.world > 1:
            return  # this process is leaving; its launcher's SIGTERM must not cut off what it has to say
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
        """The signal that any rank has received, 0 when none has."""
        return self._collectives.highest(self._number)
