"""What a training can be given besides its config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ..models import Recognizer


@dataclass
class TrainOptions:
    """The options of tools/train.py; see its --help."""

    work_dir: str | None = None
    seed: int | None = None
    deterministic: bool = False
    validate: bool = True
    test_last: bool = False
    test_best: bool = False
    resume: str | None = None
    no_resume: bool = False
    launcher: Literal['none', 'pytorch', 'slurm'] | None = None
    amp: Literal['bf16', 'fp16'] | None = None
    compile: bool = False
    device: str | None = None
    autoscale_lr: bool = False
    on_nan: Literal['stop', 'skip'] = 'stop'
    dry_run: bool = False
    allow_odd_data: bool = False


@dataclass
class Given:
    """What a caller of `train_model` supplies.

    Attributes:
        model: a built model.
        dataset: a built data set.
        timestamp: names the logs; by default the present time.
        meta: goes into the checkpoints.
    """

    model: Recognizer
    dataset: Any
    timestamp: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
