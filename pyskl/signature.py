"""Checks of a call before it is made: are its arguments known, complete and of the annotated types?

The same checks serve registered components (their __init__) and the settings of a config (their
dataclasses).
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from .errors import Faults, did_you_mean

_PLAIN = {
    int: 'a whole number',
    float: 'a number',
    str: 'a string',
    bool: 'True or False',
    dict: 'a dict',
    list: 'a list',
    tuple: 'a list',
    type(None): 'None',
    Sequence: 'a list',
    Mapping: 'a dict',
}


def check_call(
    target: Callable,
    arguments: Mapping[str, Any],
    where: str,
    given_by_us: Sequence[str] = (),
    prefix: str = '',
) -> None:
    """Check the arguments of `target(**arguments)` without calling it.

    A class whose **kwargs are the settings of its parts checks them in a classmethod
    `check_settings(arguments, where)`, which gets all arguments and raises ConfigError itself.

    Args:
        target: a class or function, annotated with the types it accepts.
        arguments: the keywords as the config gives them.
        where: their place as the user knows it, 'joint.py: model.backbone (ResNet3dSlowOnly)'.
        given_by_us: required arguments that the program adds later, so that a config need not.
        prefix: what the config writes before each name: 'gcn_' where its gcn_adaptive is the
            argument 'adaptive'.

    Raises:
        ConfigError: arguments are unknown, missing or of another type; it lists all of them.
    """
    parameters, open_ended = _keywords(target)
    hints, faults = argument_hints(target), Faults()
    check_settings = getattr(target, 'check_settings', None)
    for name, value in arguments.items():
        if name not in parameters:
            if open_ended or check_settings is not None:
                continue
            known = [
                prefix + known for known in parameters if not prefix or known not in given_by_us
            ]
            shown = prefix + name if prefix else name  # a config's key may be anything, None too
            faults.add(
                f'{where}: unknown argument {shown!r}.{did_you_mean(shown, known)} '
                f'Known: {", ".join(known) or "none"}.'
            )
        elif name in hints and not fits(value, hints[name]):
            faults.add(f'{inside(where, prefix + name)} = {_mismatch(value, hints[name])}')
    for name, parameter in parameters.items():
        if (
            parameter.default is parameter.empty
            and name not in arguments
            and name not in given_by_us
        ):
            faults.add(
                f'{where}: {prefix + name!r} is missing; it has no default. '
                f'Expected {describe(hints.get(name, Any))}.'
            )
    if check_settings is not None:
        with faults:
            check_settings(arguments, where)
    faults.raise_any(where)


def inside(where: str, name: object) -> str:
    """Return the place of a key inside another: 'joint.py: data.train', or 'joint.py: data'.

    Args:
        where: the outer place, 'joint.py: data', or 'joint.py:' for the file itself.
        name: the key, 'train' or 'data'.
    """
    return f'{where} {name}' if where.endswith(':') else f'{where}.{name}'


def _mismatch(value: Any, hint: Any) -> str:
    """Describe a value that does not fit its type hint, with the near miss among known words."""
    words = [
        word
        for option in (hint, *get_args(hint))
        if get_origin(option) is Literal
        for word in get_args(option)
    ]
    if isinstance(value, str) and words and all(isinstance(word, str) for word in words):
        return f'{value!r} is unknown. Known: {", ".join(words)}.{did_you_mean(value, words)}'
    return f'{value!r}: expected {describe(hint)}.'


def accepted(target: Callable) -> dict[str, inspect.Parameter]:
    """Return the keywords that a target takes, with those of parents that get its **kwargs."""
    return _keywords(target)[0]


def _keywords(target: Callable) -> tuple[dict[str, inspect.Parameter], bool]:
    """Return the keywords that a target takes, and whether it takes any other as well.

    It does where it has **kwargs and no parent's signature limits them.
    """
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters: dict[str, inspect.Parameter] = {}
    open_ended = False
    for owner in target.__mro__ if inspect.isclass(target) else [target]:
        if owner is object or inspect.isclass(owner) and '__init__' not in vars(owner):
            continue
        if getattr(owner, '__module__', '') == 'torch.nn.modules.module':  # nn.Module takes none
            return parameters, False
        owned = inspect.signature(owner).parameters.values()
        for parameter in owned:
            if parameter.kind in kinds:
                parameters.setdefault(parameter.name, parameter)
        open_ended = any(p.kind is p.VAR_KEYWORD for p in owned)
        if not open_ended:
            break
    return parameters, open_ended


def argument_hints(target: Callable) -> dict[str, Any]:
    """Return the types of a target's arguments by name, with those of a class's parents."""
    hints: dict[str, Any] = {}
    for owner in target.__mro__ if inspect.isclass(target) else [target]:
        function = vars(owner).get('__init__') if inspect.isclass(owner) else owner
        if inspect.isfunction(function):
            try:
                found = typing.get_type_hints(function)
            except Exception:  # the annotations may name what only a type checker imports
                found = {}
            for name, hint in found.items():
                hints.setdefault(name, hint)
    return hints


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value has the type of a hint.

    Lists pass for tuples and whole numbers for floats, as configs are written by hand.
    """
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any or isinstance(hint, typing.TypeVar):
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, arg) for arg in args)
    if origin is Literal:
        return any(value == arg and type(value) is type(arg) for arg in args)
    if hint is None or hint is type(None):
        return value is None
    if hint is float or hint is int:
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    kind = origin or hint
    if kind in (list, tuple, Sequence):
        if not isinstance(value, (list, tuple)):
            return False
        if kind is tuple and args and args[-1] is not Ellipsis:
            return len(value) == len(args) and all(fits(v, a) for v, a in zip(value, args))
        return not args or all(fits(v, args[0]) for v in value)
    if kind in (dict, Mapping):
        return isinstance(value, Mapping)
    if kind is Callable:
        return callable(value)
    try:
        return isinstance(value, kind) if inspect.isclass(kind) else True
    except TypeError:  # a Protocol that isinstance refuses
        return True


def describe(hint: Any) -> str:
    """Return a type hint in words: 'a whole number or None', 'a list of 2: a number, a number'."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return 'a value'
    if origin in (Union, types.UnionType):
        return ' or '.join(describe(arg) for arg in args)
    if origin is Literal:
        return ' or '.join(repr(arg) for arg in args)
    if origin is tuple and args and args[-1] is not Ellipsis:
        return f'a list of {len(args)}: ' + ', '.join(describe(arg) for arg in args)
    if origin in (list, tuple, Sequence) and args:
        return f'a list, each {describe(args[0])}'
    kind = origin or hint
    return _PLAIN.get(kind, getattr(kind, '__name__', str(kind)))
