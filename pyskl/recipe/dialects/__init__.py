"""Configs of other toolboxes, translated at the door into the words of this one, which are PYSKL's.

One module a dialect; what they share is in `stages` (pipelines), `networks` (models) and `remarks`.
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
    """Translate a config that MMAction2's words give away; any other stays as it is, but for
    PYSKL's key_indicator.

    Args:
        values: the config, plain values by key.
        name: of the config, for messages.

    Returns:
        The config in PYSKL's words, and remarks: notes, and what cannot be
        translated.
    """
    for dialect in _DIALECTS:
        if dialect.is_spoken(values):
            remarks = Remarks(name, dialect.NAME)
            return dialect.translate(values, remarks), remarks
    remarks = Remarks(name)
    return mmaction0.translate_best(values, remarks), remarks


def remember(cfg: Config, remarks: Remarks) -> None:
    """Keep the remarks on a config with it, for `translated`."""
    object.__setattr__(cfg, _ATTRIBUTE, remarks)  # Config's own __setattr__ would make a key of it


def translated(cfg: Config | Mapping[str, Any], name: str) -> tuple[dict[str, Any], Remarks]:
    """Return a config's values in PYSKL's words and the remarks; see translate.

    Args:
        cfg: from load_config, which has translated it already, or another one.
        name: of the config, for messages.
    """
    values = dict(cfg._cfg_dict if isinstance(cfg, Config) else cfg)
    remarks = getattr(cfg, _ATTRIBUTE, None) if isinstance(cfg, Config) else None
    return (values, remarks) if isinstance(remarks, Remarks) else translate(values, name)
