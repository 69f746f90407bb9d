"""What an annotation file says about all its clips: names of the classes, layout of the joints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError, DataError
from ..labels import listed_names
from ..skeletons import Layout
from ..skeletons.lookup import layout_of
from ..wording import brief


@dataclass(frozen=True)
class About:
    """What a file says about all its clips; upstream's files say neither.

    Attributes:
        label_names: name of each class, in class order; None: missing.
        layout: the joints of `keypoint`: the name of a known layout, or a dict as in configs; None:
            missing.
    """

    label_names: tuple[str, ...] | None = None
    layout: str | Mapping[str, Any] | None = None

    @classmethod
    def of(cls, data: Any, where: str) -> About:
        """Read the keys `label_names` and `layout`, which a file has beside `annotations`.

        Args:
            data: the content of the file.
            where: the file, for messages.

        Raises:
            DataError: names that are no texts, or an invalid layout.
        """
        if not isinstance(data, Mapping):
            return cls()
        return cls(_names(data.get('label_names'), where), _layout(data.get('layout'), where))

    def entries(self) -> dict[str, Any]:
        """Return these entries as they are written into a file, in plain Python."""
        entries = {
            'label_names': self.label_names and list(self.label_names),
            'layout': self.layout,
        }
        return {name: value for name, value in entries.items() if value is not None}

    def known_layout(self) -> Layout | None:
        """Return the layout itself; None where the file has none."""
        return None if self.layout is None else layout_of(self.layout)


def _names(value: Any, where: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = listed_names(value.tolist() if isinstance(value, np.ndarray) else value)
    if names is None:
        raise DataError(
            f'{where}: label_names is {brief(value)}. Expected a list of texts, the name of each '
            'class in class order.'
        )
    return tuple(names)


def _layout(value: Any, where: str) -> str | dict[str, Any] | None:
    if value is None:
        return None
    try:
        layout_of(value)
    except ConfigError as error:
        raise DataError(
            f'{where}: layout: {error} It names the joints of keypoint; remove the entry if they '
            'are not known.'
        ) from error
    return value if isinstance(value, str) else dict(value)
