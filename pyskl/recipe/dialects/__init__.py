"""Configs of other toolboxes, translated to PYSKL's names when they are read.

There is one module for each dialect. They share `stages` (pipelines), `networks` (models) and
`remarks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from . import mmaction0, mmaction1
from .mmaction1 import SECTIONS
from .remarks import Remarks

__all__ = ['SECTIONS', 'Remarks', 'remember', 'translate', 'translated']

_DIALECTS = (mmaction1, mmaction0)
_ATTRIBUTE = '_remarks_on_translation'


def translate(values: Mapping[str, Any], name: str) -> tuple[dict[str, Any], Remarks]:
    """Translate a config that is recognised as MMAction2's.

    In any other only PYSKL's key_indicator is translated.

    Args:
        values: the config, plain values by key.
        name: of the config, for messages.

    Returns:
        The config with PYSKL's names, and remarks: notes, and what cannot be translated.
    """
    for dialect in _DIALECTS:
        if dialect.is_spoken(values):
            remarks = Remarks(name, dialect.NAME)
            return dialect.translate(values, remarks), remarks
    remarks = Remarks(name)
    return mmaction0.translate_best(values, remarks), remarks


def remember(cfg: Config, remarks: Remarks) -> None:
    """Attach the remarks to a config, for `translated`."""
    object.__setattr__(cfg, _ATTRIBUTE, remarks)  # Config.__setattr__ would add a key


def translated(cfg: Config | Mapping[str, Any], name: str) -> tuple[dict[str, Any], Remarks]:
    """Return a config's values with PYSKL's names, and the remarks; see `translate`.

    Args:
        cfg: from load_config, which has translated it already, or another one.
        name: of the config, for messages.
    """
    values = dict(cfg._cfg_dict if isinstance(cfg, Config) else cfg)
    remarks = getattr(cfg, _ATTRIBUTE, None) if isinstance(cfg, Config) else None
    return (values, remarks) if isinstance(remarks, Remarks) else translate(values, name)
