"""The values of a config dump, read without running it: a work dir may come from a stranger."""

from __future__ import annotations

import ast
from typing import Any

# What reading an expression may raise: {[1]: 2}, a float of 400 digits, deep nesting.
_NOT_READABLE = (ValueError, TypeError, OverflowError, RecursionError, MemoryError)


class _Unreadable(ValueError):
    """An expression whose value only running it would tell."""


def literal_config(text: str) -> dict[str, Any]:
    """Return the top-level values of a config dump: literals, dict(...) and float('inf').

    Assignments of anything else are left out. A text that is not Python has no values.
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
            except _NOT_READABLE:
                continue
    return values


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    if isinstance(node, ast.Dict):
        keys = [key for key in node.keys if key is not None]
        if len(keys) < len(node.keys):  # {**other}
            raise _Unreadable
        return {ast.literal_eval(key): _value(item) for key, item in zip(keys, node.values)}
    if isinstance(node, ast.Call):
        return _call(node)
    return ast.literal_eval(node)  # ValueError unless it is a literal


def _call(node: ast.Call) -> Any:
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name == 'dict' and not node.args and all(word.arg is not None for word in node.keywords):
        return {word.arg: _value(word.value) for word in node.keywords}
    if name == 'float' and len(node.args) == 1 and not node.keywords:
        return float(ast.literal_eval(node.args[0]))
    raise _Unreadable
