"""What a logger must offer."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ...registry import LOGGERS


@dataclass(frozen=True)
class RunFacts:
    """What loggers are told of a run before its first figures.

    Attributes:
        name: of the config, 'joint' for joint.py.
        work_dir: the folder of the run.
        iteration: iterations that are done already; 0 where the run begins.
        config: every setting, as dicts, lists, texts and numbers.
        facts: what the config does not say: versions, seed, number of processes.
    """

    name: str
    work_dir: Path
    iteration: int
    config: Mapping[str, Any]
    facts: Mapping[str, Any]


class Logger(ABC):
    """Sends the figures of one run to a tracker. Only the first process of a run calls it.

    `__init__` takes the arguments of the hook in `log_config.hooks`, and loads the tracker's
    package (see `package`); nothing is opened or written before `start`. Errors of `start` end a
    run that begins; whatever a logger raises later costs one warning, and the training goes on
    without it.
    """

    @abstractmethod
    def start(self, run: RunFacts, run_id: str | None) -> str | None:
        """Open the run.

        Args:
            run: see RunFacts.
            run_id: what this method returned when the run began, of a run that goes on; else None.

        Returns:
            The name under which the tracker finds the run again; None where the work dir is enough.
        """

    @abstractmethod
    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take the figures of a log line.

        Args:
            step: iterations of the whole run. A run that goes on from a checkpoint may repeat a few
                steps, with the same figures.
            values: by name, 'train/loss', 'train/lr', 'val/top1_acc'.
        """

    @abstractmethod
    def finish(self, whole: bool) -> None:
        """Close the run.

        Args:
            whole: whether the training came to its end; False after an error or a signal.
        """


LOGGERS.contract = Logger


def package(name: str, extra: str) -> ModuleType:
    """Import a tracker's package.

    Args:
        name: of the module.
        extra: what of pyskl's installs it.

    Raises:
        ValueError: it is not installed. The registry turns it into a ConfigError that names the
            hook.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ValueError(
            f"needs the package {extra} ({error}). Install it with pip install -e '.[{extra}]', or "
            'leave the hook out.'
        ) from error
