"""The run's own log."""

from __future__ import annotations

from collections.abc import Mapping

from .base import LOGGERS, Logger, RunFacts


@LOGGERS.register_module()
class TextLoggerHook(Logger):
    """TIMESTAMP.log and TIMESTAMP.log.json in the work dir.

    The training writes them whatever a config lists; this is PYSKL's name for them.
    """

    def start(self, run: RunFacts, run_id: str | None) -> None:
        """Do nothing: the training opens its log itself."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Do nothing: the training writes its log itself."""

    def finish(self, whole: bool) -> None:
        """Do nothing: the training closes its log itself."""
