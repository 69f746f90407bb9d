"""When one of many processes is gone, the others say which, and leave with a message instead of a broken connection."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import torch.distributed as dist

from ..errors import UserError
from .distributed import Collectives, Ranks, finish

PATIENCE = 10.0  # seconds in which a rank that lives will notice, too, that one is gone


@contextlib.contextmanager
def together(ranks: Ranks) -> Iterator[Collectives]:
    """A collectives of all ranks for as long as they work together.

    A rank that leaves by an error leaves word of it; one that finds another gone says which one and, where it left word, why.
    raises  UserError on the ranks that are left behind
    """
    if ranks.world == 1:
        try:
            yield Collectives(ranks)
        finally:
            finish()
        return
    book = _Book(ranks)
    try:
        yield Collectives(ranks)
    except BaseException as error:
        if isinstance(error, Exception) and _is_broken_connection(error):
            raise UserError(
                f'rank {ranks.rank}: {book.who_is_gone()}. The others cannot go on alone. Start the same command again; '
                'training goes on from its newest checkpoint.'
            ) from error
        book.leave(error)
        finish()
        raise
    finish()


def _is_broken_connection(error: Exception) -> bool:
    """gloo's errors have no class of their own; they name the file in gloo that they come from."""
    return (
        isinstance(error, dist.DistError)
        or isinstance(error, RuntimeError)
        and 'gloo' in str(error)
    )


class _Book:
    """Words that ranks leave for each other in the store where they met."""

    def __init__(self, ranks: Ranks):
        self.ranks = ranks
        self._store = dist.PrefixStore('roll call', dist.distributed_c10d._get_default_store())

    def leave(self, error: BaseException) -> None:
        with contextlib.suppress(RuntimeError):  # the store may be gone with rank 0
            self._store.set(f'left {self.ranks.rank}', str(error) or type(error).__name__)

    def who_is_gone(self) -> str:
        """What became of the other ranks, in words. Waits until all have been heard of, PATIENCE seconds at most."""
        others = [rank for rank in range(self.ranks.world) if rank != self.ranks.rank]
        try:
            self._store.set(f'here {self.ranks.rank}', '')
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end and not all(self._heard(rank) for rank in others):
                time.sleep(0.1)
            return self._in_words(others)
        except RuntimeError:
            return 'lost the meeting point of all ranks, and with it rank 0, without a word'

    def _heard(self, rank: int) -> bool:
        return self._store.check([f'left {rank}']) or self._store.check([f'here {rank}'])

    def _in_words(self, others: list[int]) -> str:
        left = [rank for rank in others if self._store.check([f'left {rank}'])]
        if left:
            return '; '.join(
                f'rank {rank} stopped first, saying: {self._store.get(f"left {rank}").decode()}'
                for rank in left
            )
        silent = [rank for rank in others if not self._heard(rank)]
        if silent:
            names = ' and '.join(f'rank {rank}' for rank in silent)
            return f'lost {names} without a word (killed, out of memory, or its machine is down)'
        return 'the ranks lost touch with each other, though all still run (is the network down?)'
