"""Receives the text of a config dump; hands on its values. Nothing in it is run, so a work dir from a stranger can be reported on."""

from __future__ import annotations

import ast
from typing import Any


class _Unreadable(ValueError):
    """An expression that only running it could answer."""


def literal_config(text: str) -> dict[str, Any]:
    """The top-level values of a config as tools/train.py leaves it in the work dir: literals, dict(...) and float('inf').

    Assignments of anything else are left out, and so is all of a text that is no Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    values: dict[str, Any] = {}
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
        ):
            try:
                values[node.targets[0].id] = _value(node.value)
            except (
                ValueError,
                TypeError,
                OverflowError,
                RecursionError,
                MemoryError,
            ):  # {[1]: 2}, float(10 ** 400 written out)
                continue
    return values


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        if None in node.keys:
            raise _Unreadable
        return {ast.literal_eval(key): _value(item) for key, item in zip(node.keys, node.values)}
    if isinstance(node, ast.Call):
        return _call(node)
    return ast.literal_eval(node)  # ValueError for what is no literal


def _call(node: ast.Call) -> Any:
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name == 'dict' and not node.args and all(word.arg is not None for word in node.keywords):
        return {word.arg: _value(word.value) for word in node.keywords}
    if name == 'float' and len(node.args) == 1 and not node.keywords:
        return float(ast.literal_eval(node.args[0]))
    raise _Unreadable
