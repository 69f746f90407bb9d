"""Allow one training at a time in a work dir."""

from __future__ import annotations

from pathlib import Path

from ..engine.collectives import Collectives
from ..errors import UserError
from ..files.locks import Lock

LOCK_NAME = '.training.lock'


class WorkDirLock:
    """A lock that all ranks of a training hold on its work dir until the end of the `with` block.

    Attributes:
        notes: lines for the log where the file system has no locks.
    """

    def __init__(self, work_dir: Path, collectives: Collectives):
        self.notes: list[str] = []
        self._work_dir, self._collectives = work_dir, collectives
        self._lock = Lock(self._work_dir / LOCK_NAME)

    def take(self, make: bool = False) -> None:
        """Lock the work dir; called on every rank.

        Args:
            make: create the folder if it is missing; otherwise a missing folder is not locked.

        Raises:
            UserError: another training has the lock, or the folder cannot be written.
        """
        is_main = self._collectives.ranks.is_main
        if problem := self._collectives.tell(self._problem(make) if is_main else None):
            raise UserError(f'{self._work_dir}: {problem}')

    def _problem(self, make: bool) -> str | None:
        try:
            if make:
                self._work_dir.mkdir(parents=True, exist_ok=True)
            elif not self._work_dir.is_dir():
                return None
            holder = self._lock.take()
        except OSError as error:
            return f'cannot be written ({error.strerror}). Choose another --work-dir.'
        if holder:
            return (
                f'another training runs in it ({holder}). Wait until it ends, or choose another '
                '--work-dir.'
            )
        if self._lock.before and not self.notes:
            self.notes.append(
                f'{self._work_dir}: is on a file system without locks. A training began in it '
                f'({self._lock.before}) and has not ended properly: if it still runs, stop one of '
                'the two, or their checkpoints will be mixed.'
            )
        return None

    def __enter__(self) -> WorkDirLock:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()
