"""The options of a report, and what can be checked before anything is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from ..drawing.writing import check_suffix
from ..engine.distributed import choose_device
from ..errors import ConfigError, UserError

PAGES = ('.html', '.htm')


@dataclass
class ReportOptions:
    """The options of `pyskl report`; its --help explains each."""

    out: str | None = None
    weights: Sequence[float] | None = None
    weights_from: str | None = None
    ann_file: str | None = None
    config: str | None = None
    cfg_options: Sequence[str] | None = None
    checkpoint: str | None = None
    labels: str | None = None
    layout: str | None = None
    title: str | None = None
    compare: str | None = None
    people: str | None = None
    occlusion: bool = False
    occlusion_clips: int = 10
    pictures: bool = False
    device: str | None = None

    def check(self, inputs: Sequence[str | os.PathLike]) -> None:
        """Raise a UserError for options that are wrong or do not go together."""
        if not inputs:
            raise UserError('no work dir or score file was given: expected at least one.')
        if self.out:
            # a slip must not put a page in the place of scores or annotations
            check_suffix(self.out, PAGES)
        if self.occlusion_clips < 1:
            raise ConfigError(
                f'--occlusion-clips {self.occlusion_clips}: expected 1 or more clips of each class.'
            )
        if self.occlusion or self.device:
            choose_device(self.device)
        if len(inputs) > 1 and (self.config or self.checkpoint):
            raise ConfigError(
                '--config and --checkpoint belong to one stream, but several were given. Leave '
                'them out: each work dir holds its own.'
            )
        if self.cfg_options and not self.config:
            raise ConfigError('--cfg-options override a config. Name it: --config CONFIG.')
