"""What a training may be told besides its config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class TrainOptions:
    """What the command line of tools/train.py can say; see its --help for each."""

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
