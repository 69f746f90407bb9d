"""What the other ranks do when one of several processes is gone.

They name it and leave with a message, instead of an error about a broken connection.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import torch.distributed as dist

from ..errors import LostRankError
from .collectives import Collectives
from .distributed import Ranks, finish

PATIENCE = 10.0  # seconds in which every living rank notices that one is gone


@contextlib.contextmanager
def together(ranks: Ranks) -> Iterator[Collectives]:
    """Give the ranks their collectives for as long as they work together.

    A rank that leaves by an error leaves its message for the others. A rank that loses the
    connection names the rank that is gone and, where there is one, quotes its message.

    Raises:
        LostRankError: on the ranks that are left behind.
    """
    if ranks.world == 1:
        try:
            yield Collectives(ranks)
        finally:
            finish()
        return
    messages = _RankMessages(ranks)
    try:
        yield Collectives(ranks)
    except BaseException as error:
        if isinstance(error, Exception) and _is_broken_connection(error):
            raise LostRankError(
                f'rank {ranks.rank}: {messages.describe_loss()}. The others cannot go on alone. '
                'Start the same command again; training goes on from its newest checkpoint.'
            ) from error
        messages.leave(error)
        finish()
        raise
    finish()


def _is_broken_connection(error: Exception) -> bool:
    """Return whether a collective failed; gloo's errors are RuntimeErrors that name its files."""
    return (
        isinstance(error, dist.DistError)
        or isinstance(error, RuntimeError)
        and 'gloo' in str(error)
    )


class _RankMessages:
    """Messages that ranks leave for each other in the store at which they met."""

    def __init__(self, ranks: Ranks):
        self.ranks = ranks
        self._store = dist.PrefixStore('rank messages', dist.distributed_c10d._get_default_store())

    def leave(self, error: BaseException) -> None:
        """Tell the others why this rank stops."""
        with contextlib.suppress(RuntimeError):  # the store may be gone with rank 0
            self._store.set(f'stopped {self.ranks.rank}', str(error) or type(error).__name__)

    def describe_loss(self) -> str:
        """Return what became of the other ranks, after waiting up to PATIENCE for word of them."""
        others = [rank for rank in range(self.ranks.world) if rank != self.ranks.rank]
        try:
            self._store.set(f'alive {self.ranks.rank}', '')
            _wait(lambda: all(map(self._has_answered, others)))
            summary = self._summary(others)
            self._store.set(f'informed {self.ranks.rank}', '')
            if self.ranks.is_main:  # the store ends with this process, and others still read it
                living = [rank for rank in others if self._has('alive', rank)]
                _wait(lambda: all(self._has('informed', rank) for rank in living))
            return summary
        except RuntimeError:
            return 'lost the meeting point of all ranks, and with it rank 0, without a word'

    def _has(self, word: str, rank: int) -> bool:
        return self._store.check([f'{word} {rank}'])

    def _has_answered(self, rank: int) -> bool:
        return self._has('stopped', rank) or self._has('alive', rank)

    def _summary(self, others: list[int]) -> str:
        stopped = [rank for rank in others if self._has('stopped', rank)]
        if stopped:
            return '; '.join(
                f'rank {rank} stopped first, saying: {self._store.get(f"stopped {rank}").decode()}'
                for rank in stopped
            )
        silent = [rank for rank in others if not self._has_answered(rank)]
        if silent:
            names = ' and '.join(f'rank {rank}' for rank in silent)
            return f'lost {names} without a word (killed, out of memory, or its machine is down)'
        return 'the ranks lost touch with each other, though all still run (is the network down?)'


def _wait(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, PATIENCE at most."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not condition():
        time.sleep(0.1)
