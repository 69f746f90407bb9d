"""MLflow: a tracking server, or a database on this machine (MLFLOW_TRACKING_URI)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .base import LOGGERS, Logger, RunFacts, package

_LONGEST = 500  # characters of a parameter, which every version of MLflow takes
_AT_ONCE = 100  # parameters


@LOGGERS.register_module()
class MlflowLoggerHook(Logger):
    """Send figures to MLflow.

    Args:
        exp_name: the experiment, made where there is none of that name; default: what
            MLFLOW_EXPERIMENT_NAME says, else 'Default'.
        tags: of the run.
        params: of the run, beside those of the config ('optimizer.lr').
        log_model: also send the newest checkpoint, when the training has come to its end.
    """

    def __init__(
        self,
        exp_name: str | None = None,
        tags: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        log_model: bool = False,
    ):
        self.exp_name = exp_name or os.environ.get('MLFLOW_EXPERIMENT_NAME') or 'Default'
        self.tags, self.params, self.log_model = dict(tags or {}), dict(params or {}), log_model
        self._library = package('mlflow', 'mlflow')
        self._client: Any = None
        self._run_id = ''

    def start(self, run: RunFacts, run_id: str | None) -> str:
        """Make the run, or go on with the one of that id."""
        self._client = self._library.MlflowClient()
        self._work_dir = run.work_dir
        if run_id is not None:  # whose parameters cannot be changed any more
            self._client.update_run(run_id, status='RUNNING')
            self._run_id = run_id
            return run_id
        found = self._client.get_experiment_by_name(self.exp_name)
        experiment = found.experiment_id if found else self._client.create_experiment(self.exp_name)
        made = self._client.create_run(experiment, run_name=run.name, tags=self.tags)
        self._run_id = made.info.run_id
        params = {**dict(_flat(run.config)), **run.facts, **self.params}
        entities = self._library.entities
        rows = [entities.Param(key, str(value)[:_LONGEST]) for key, value in params.items()]
        for first in range(0, len(rows), _AT_ONCE):
            self._client.log_batch(self._run_id, params=rows[first : first + _AT_ONCE])
        return self._run_id

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Send the figures with the time of the call."""
        now = int(time.time() * 1000)
        metric = self._library.entities.Metric
        rows = [metric(name, value, now, step) for name, value in values.items()]
        self._client.log_batch(self._run_id, metrics=rows)

    def finish(self, whole: bool) -> None:
        """Send the newest checkpoint if asked to, and close the run."""
        newest = Path(os.path.realpath(self._work_dir / 'latest.pth'))
        if self.log_model and whole and newest.is_file():
            self._client.log_artifact(self._run_id, str(newest), 'model')
        self._client.set_terminated(self._run_id, 'FINISHED' if whole else 'KILLED')


def _flat(config: Mapping[str, Any], place: str = '') -> Iterator[tuple[str, Any]]:
    """Yield the settings of nested dicts by their places, 'optimizer.lr'; a list is one setting."""
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f'{place}{key}.')
        else:
            yield f'{place}{key}', value
