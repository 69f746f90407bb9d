"""Where the figures of a training go beside its own log: what `log_config.hooks` may list."""

from .base import LOGGERS, Logger, RunFacts
from .mlflow import MlflowLoggerHook
from .run import Loggers
from .tensorboard import TensorboardLoggerHook
from .text import TextLoggerHook
from .trackio import TrackioLoggerHook
from .wandb import WandbLoggerHook

__all__ = [
    'LOGGERS',
    'Logger',
    'Loggers',
    'MlflowLoggerHook',
    'RunFacts',
    'TensorboardLoggerHook',
    'TextLoggerHook',
    'TrackioLoggerHook',
    'WandbLoggerHook',
]
