"""TensorBoard: event files that `tensorboard --logdir` shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import LOGGERS, Logger, RunFacts, package


@LOGGERS.register_module()
class TensorboardLoggerHook(Logger):
    """Write event files.

    Args:
        log_dir: their folder; default: tf_logs in the work dir.
    """

    def __init__(self, log_dir: str | None = None):
        self.log_dir = log_dir
        self._library = package('torch.utils.tensorboard', 'tensorboard')
        self._writer: Any = None

    def start(self, run: RunFacts, run_id: str | None) -> None:
        """Open an event file."""
        folder = self.log_dir or str(run.work_dir / 'tf_logs')
        # What was written beyond the checkpoint comes once more, and is shown once.
        repeated = run.iteration + 1 if run.iteration else None
        self._writer = self._library.SummaryWriter(folder, purge_step=repeated)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write the figures, at once."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def finish(self, whole: bool) -> None:
        """Close the event file."""
        self._writer.close()
