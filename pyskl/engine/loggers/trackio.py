"""Trackio: figures in a database on this machine (TRACKIO_DIR), shown by `trackio show`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from .base import LOGGERS, Logger, RunFacts, package


@LOGGERS.register_module()
class TrackioLoggerHook(Logger):
    """Send figures to Trackio.

    Args:
        init_kwargs: arguments of `trackio.init`: project (default: what TRACKIO_PROJECT says, else
            'pyskl'), name, group, space_id ...
    """

    def __init__(self, init_kwargs: dict[str, Any] | None = None):
        self.init_kwargs = dict(init_kwargs or {})
        self._library = package('trackio', 'trackio')
        self._run: Any = None

    def start(self, run: RunFacts, run_id: str | None) -> str:
        """Make the run, or go on with the one of that name."""
        ours = {
            'project': os.environ.get('TRACKIO_PROJECT') or 'pyskl',
            'name': f'{run.name}-{time.strftime("%Y%m%d_%H%M%S")}',
            'config': {**run.config, **run.facts},
            'embed': False,
        }
        known = {} if run_id is None else {'name': run_id, 'resume': 'allow'}
        self._run = self._library.init(**{**ours, **self.init_kwargs, **known})
        return self._run.name

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Send the figures."""
        self._run.log(dict(values), step=step)

    def finish(self, whole: bool) -> None:
        """Close the run."""
        self._run.finish()
