"""Weights & Biases, online or (WANDB_MODE=offline) as files in the work dir."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .base import LOGGERS, Logger, RunFacts, package

_STEP = 'iteration'  # the axis of all curves: W&B's own step may not go back, as a resumed run does
_LOGS = ('*.py', '*.log', '*.log.json')


@LOGGERS.register_module()
class WandbLoggerHook(Logger):
    """Send figures to Weights & Biases.

    Args:
        init_kwargs: arguments of `wandb.init`: project, entity, name, tags, mode ...
        define_metric_cfg: which value of a figure stands in the table of runs: its last, or of
            'val/top1_acc' say the greatest: {'val/top1_acc': 'max'}.
        log_artifact: also send the config and the logs in the work dir, when the run ends.
    """

    def __init__(
        self,
        init_kwargs: dict[str, Any] | None = None,
        define_metric_cfg: dict[str, Literal['min', 'max', 'mean', 'last']] | None = None,
        log_artifact: bool = False,
    ):
        self.init_kwargs = dict(init_kwargs or {})
        self.define_metric_cfg = dict(define_metric_cfg or {})
        self.log_artifact = log_artifact
        self._library = package('wandb', 'wandb')
        self._run: Any = None

    def start(self, run: RunFacts, run_id: str | None) -> str:
        """Make the run, or go on with the one of that id."""
        config = {**run.config, **run.facts}
        ours = {'name': run.name, 'dir': str(run.work_dir), 'config': config}
        known = {} if run_id is None else {'id': run_id, 'resume': 'allow'}
        self._run = self._library.init(**{**ours, **self.init_kwargs, **known})
        self._run.define_metric(_STEP)
        self._run.define_metric('*', step_metric=_STEP)
        for name, summary in self.define_metric_cfg.items():
            self._run.define_metric(name, step_metric=_STEP, summary=summary)
        self._work_dir = run.work_dir
        return self._run.id

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Send the figures over the axis of iterations."""
        self._run.log({_STEP: step, **values})

    def finish(self, whole: bool) -> None:
        """Send config and logs if asked to, and close the run."""
        if self.log_artifact:
            files = self._library.Artifact(f'run-{self._run.id}-logs', type='logs')
            for path in sorted({p for form in _LOGS for p in self._work_dir.glob(form)}):
                files.add_file(str(path))
            self._run.log_artifact(files)
        self._run.finish(exit_code=0 if whole else 1)
