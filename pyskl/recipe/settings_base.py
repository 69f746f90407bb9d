"""How a setting is declared, and how a dict from a config becomes checked settings."""

from __future__ import annotations

import dataclasses
import math
import operator
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from ..errors import ConfigError, Faults
from ..signature import check_call, fits, inside

T = TypeVar('T', bound=Any)
MISSING = dataclasses.MISSING


def setting(
    default: Any = MISSING,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    finite: bool = True,
) -> Any:
    """Declare a dataclass field with a default and a range.

    Ranges hold for numbers and for each number of a list.

    Args:
        default: without one, the setting is required.
        at_least: lower limit, itself allowed.
        above: lower limit, itself not allowed.
        at_most: upper limit, itself allowed.
        finite: whether infinity is refused; NaN always is.
    """
    allowed = {'at_least': at_least, 'above': above, 'at_most': at_most, 'finite': finite}
    return dataclasses.field(default=default, metadata=allowed)


def nested_settings(hint: Any) -> Any:
    """Return the settings class in a type: GradClip for `GradClip | None`; None without one."""
    options = (hint, *typing.get_args(hint))
    return next((option for option in options if dataclasses.is_dataclass(option)), None)


def hints_of(cls: type) -> dict[str, Any]:
    """Return the types of the fields that a config may give, by name."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def read_settings(cls: type[T], given: Any, where: str) -> T:
    """Read a dict of a config into an instance of a settings class.

    Args:
        cls: the settings class.
        given: the dict.
        where: its place as the user knows it, 'joint.py: lr_config'.

    Raises:
        ConfigError: not a dict; keys that are unknown, missing, of the wrong type or out of range;
            keys that contradict each other. It lists all faults.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(
            f'{where} = {given!r}: expected a dict with some of {", ".join(hints_of(cls))}.'
        )
    values, hints, faults = dict(given), hints_of(cls), Faults()
    unread: list[str] = []
    for name, hint in hints.items():
        if name in given:
            unread.append(name)
            with faults:
                values[name] = _read_nested(hint, given[name], inside(where, name))
                unread.pop()
    readable = {name: value for name, value in values.items() if name not in unread}
    with faults:
        check_call(cls, readable, where, given_by_us=unread)
    for field in dataclasses.fields(cls):
        if field.name in readable and fits(readable[field.name], hints[field.name]):
            with faults:
                _check_range(readable[field.name], field.metadata, inside(where, field.name))
    faults.raise_any(where.removesuffix(':'))
    try:
        return cls(**values)
    except (ValueError, ConfigError) as error:  # of __post_init__, which does not know the place
        raise ConfigError(f'{where.removesuffix(":")}: {error}') from error


def _read_nested(hint: Any, given: Any, where: str) -> Any:
    inner = nested_settings(hint)
    if inner and not (given is None and type(None) in typing.get_args(hint)):
        return read_settings(inner, given, where)
    return given


def _check_range(value: Any, allowed: Mapping[str, Any], where: str) -> None:
    if isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            _check_range(item, allowed, f'{where}[{i}]')
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not allowed:
        return
    if isinstance(value, float) and (math.isnan(value) or allowed['finite'] and math.isinf(value)):
        raise ConfigError(f'{where} = {value}: expected a finite number.')
    for name, words, fine in (
        ('at_least', 'at least', operator.ge),
        ('above', 'more than', operator.gt),
        ('at_most', 'at most', operator.le),
    ):
        if allowed[name] is not None and not fine(value, allowed[name]):
            raise ConfigError(f'{where} = {value}: expected {words} {allowed[name]}.')
