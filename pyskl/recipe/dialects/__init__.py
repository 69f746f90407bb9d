"""Configs of other toolboxes, translated at the door into the words of this one, which are PYSKL's.

One module a dialect; what they share is in `stages` (pipelines), `networks` (models) and `said`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from . import mmaction0, mmaction1
from .mmaction1 import SECTIONS
from .said import Said

__all__ = ['SECTIONS', 'Said', 'remember', 'translate', 'translated']

_DIALECTS = (mmaction1, mmaction0)
_ATTRIBUTE = '_said_in_translation'


def translate(values: Mapping[str, Any], name: str) -> tuple[dict[str, Any], Said]:
    """Translate a config that MMAction2's words give away; any other stays as it is.

    Args:
        values: the config, plain values by key.
        name: of the config, for messages.

    Returns:
        The config in PYSKL's words, and what is to be said of it: notes, and what cannot be
        translated.
    """
    for dialect in _DIALECTS:
        if dialect.is_spoken(values):
            said = Said(name, dialect.NAME)
            return dialect.translate(values, said), said
    return dict(values), Said(name)


def remember(cfg: Config, said: Said) -> None:
    """Note on a config what was said when it was translated, for `translated`."""
    object.__setattr__(cfg, _ATTRIBUTE, said)  # Config's own __setattr__ would make a key of it


def translated(cfg: Config | Mapping[str, Any], name: str) -> tuple[dict[str, Any], Said]:
    """Return a config's values in PYSKL's words and what is to be said; see translate.

    Args:
        cfg: from load_config, which has translated it already, or another one.
        name: of the config, for messages.
    """
    values = dict(cfg._cfg_dict if isinstance(cfg, Config) else cfg)
    said = getattr(cfg, _ATTRIBUTE, None) if isinstance(cfg, Config) else None
    return (values, said) if isinstance(said, Said) else translate(values, name)
