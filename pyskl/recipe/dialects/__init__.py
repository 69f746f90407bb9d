"""Configs of other toolboxes, translated to PYSKL's names when they are read.

There is one module for each dialect. They share `stages` (pipelines), `networks` (models) and
`log`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from . import mmaction0, mmaction1
from .mmaction1 import SECTIONS
from .translation_log import TranslationLog

__all__ = ['SECTIONS', 'TranslationLog', 'remember', 'translate', 'translated']

_DIALECTS = (mmaction1, mmaction0)
_ATTRIBUTE = '_translation_log'


def translate(values: Mapping[str, Any], name: str) -> tuple[dict[str, Any], TranslationLog]:
    """Translate a config that is recognised as MMAction2's.

    In any other only PYSKL's key_indicator is translated.

    Args:
        values: the config, plain values by key.
        name: of the config, for messages.

    Returns:
        The config with PYSKL's names, and notes and faults of the translation.
    """
    for dialect in _DIALECTS:
        if dialect.is_spoken(values):
            log = TranslationLog(name, dialect.NAME)
            return dialect.translate(values, log), log
    log = TranslationLog(name)
    return mmaction0.translate_best(values, log), log


def remember(cfg: Config, log: TranslationLog) -> None:
    """Attach the log to a config, for `translated`."""
    object.__setattr__(cfg, _ATTRIBUTE, log)  # Config.__setattr__ would add a key


def translated(cfg: Config | Mapping[str, Any], name: str) -> tuple[dict[str, Any], TranslationLog]:
    """Return a config's values with PYSKL's names, and the log; see `translate`.

    Args:
        cfg: from load_config, which has translated it already, or another one.
        name: of the config, for messages.
    """
    values = dict(cfg._cfg_dict if isinstance(cfg, Config) else cfg)
    log = getattr(cfg, _ATTRIBUTE, None) if isinstance(cfg, Config) else None
    return (values, log) if isinstance(log, TranslationLog) else translate(values, name)
