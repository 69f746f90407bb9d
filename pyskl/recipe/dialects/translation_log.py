"""What was left out of a translated config, and what could not be translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import Faults

# An argument of another toolbox -> the value that has no effect here, a test of it, or ANY.
Idle = Mapping[str, Any]


def ANY(value: Any) -> bool:  # noqa: N802 (used as a constant)
    """Accept any value."""
    return True


def all_ones(value: Any) -> bool:
    """Return whether a value is 1 or a list of ones."""
    return value == 1 or isinstance(value, (list, tuple)) and all(item == 1 for item in value)


def kind_of(cfg: Any) -> str | None:
    """Return the type in a component's config if it is a string; else None."""
    kind = cfg.get('type') if isinstance(cfg, Mapping) else None
    return kind if isinstance(kind, str) else None


def renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of some keys under new names: {old: new}."""
    return {new: given[old] for old, new in names.items() if old in given}


class TranslationLog:
    """Gathers notes and faults while a config is translated.

    Args:
        name: of the config, for messages.
        dialect: the toolbox it is written for; None: PYSKL.
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
                f"is written for {self.dialect} and was translated to PYSKL's names; "
                'tools/print_config.py shows the result.'
            ]
        left_out = [f'left out, since it is not needed here: {", ".join(self._left_out)}.']
        notes = [*head, *self._notes, *(left_out if self._left_out else [])]
        return tuple(f'{self.name}: {note}' for note in notes)

    def note(self, text: str) -> None:
        """Add a note, unless the same text is there already."""
        if text not in self._notes:
            self._notes.append(text)

    def cannot(self, place: str, text: str) -> None:
        """Add a fault: what cannot be translated, and what to write instead."""
        self.faults.add(f'{self.name}: {place} {text}')

    def unknown(self, place: str, value: Any, instead: str = 'Leave it out.') -> None:
        """Add a fault: a value that has no counterpart here."""
        self.cannot(f'{place} = {value!r}', f'is not known here. {instead}')

    def leave_out(self, *places: str) -> None:
        """Add places of the config to the list of what was left out."""
        self._left_out += [place for place in places if place not in self._left_out]

    def without_idle(
        self, given: Mapping[str, Any], idle: Idle, place: str, instead: str
    ) -> dict[str, Any]:
        """Return a dict of the config without the arguments that have no effect here.

        Args:
            given: the dict.
            idle: these arguments. Any other value than the one listed cannot be translated.
            place: of the dict, as the user knows it.
            instead: what to do about such a value.
        """
        kept = {}
        for key, value in given.items():
            if key not in idle:
                kept[key] = value
            elif idle[key](value) if callable(idle[key]) else value == idle[key]:
                self.leave_out(key)
            else:
                self.unknown(f'{place}.{key}', value, instead)
        return kept
