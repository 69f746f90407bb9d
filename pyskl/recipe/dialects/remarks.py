"""What a translation has to say: what it left out, and what it could not translate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import Faults

# An argument of another toolbox -> the value with which it does nothing here, a test of the value, or ANY.
Idle = Mapping[str, Any]


def ANY(value: Any) -> bool:  # noqa: N802 (a constant)
    return True


def all_ones(value: Any) -> bool:
    return value == 1 or isinstance(value, (list, tuple)) and all(item == 1 for item in value)


def kind_of(cfg: Any) -> str | None:
    """Return a component's type where its config has one in words; else None."""
    kind = cfg.get('type') if isinstance(cfg, Mapping) else None
    return kind if isinstance(kind, str) else None


class Remarks:
    """Gathers notes and faults while a config is translated.

    Args:
        name: of the config, for messages.
        dialect: whose words it is written in; None: PYSKL's.
    """

    def __init__(self, name: str, dialect: str | None = None):
        self.name, self.dialect = name, dialect
        self.faults = Faults()
        self._notes: list[str] = []
        self._left_out: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the log, each with the config's name."""
        head = []
        if self.dialect:
            head = [
                f"is written for {self.dialect} and was read in PYSKL's words; tools/print_config.py shows it."
            ]
        left_out = [f'left out, since nothing here needs it: {", ".join(self._left_out)}.']
        notes = [*head, *self._notes, *(left_out if self._left_out else [])]
        return tuple(f'{self.name}: {note}' for note in notes)

    def note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    def cannot(self, place: str, text: str) -> None:
        """Say that something has no counterpart, and what to write in its place."""
        self.faults.add(f'{self.name}: {place} {text}')

    def leave_out(self, *places: str) -> None:
        self._left_out += [place for place in places if place not in self._left_out]

    def without_idle(
        self, given: Mapping[str, Any], idle: Idle, place: str, instead: str
    ) -> dict[str, Any]:
        """Return a dict of the config without the arguments that do nothing here.

        Args:
            given: the dict.
            idle: these arguments. With another value than the one noted, they cannot be translated.
            place: the dict's, as the user knows it.
            instead: what to do about such a value.
        """
        kept = {}
        for key, value in given.items():
            if key not in idle:
                kept[key] = value
            elif idle[key](value) if callable(idle[key]) else value == idle[key]:
                self.leave_out(key)
            else:
                self.cannot(f'{place}.{key} = {value!r}', f'is not known here. {instead}')
        return kept
