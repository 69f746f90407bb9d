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
        pass

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        pass

    def finish(self, whole: bool) -> None:
        pass
