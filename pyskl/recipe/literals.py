"""Values written as Python, read without running anything."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

# What reading an expression may raise: {[1]: 2}, a float of 400 digits, deep nesting.
NOT_READABLE = (SyntaxError, ValueError, TypeError, OverflowError, RecursionError, MemoryError)


def literal_value(node: ast.expr, read_name: Callable[[str], Any] | None = None) -> Any:
    """Return the value of an expression: literals, dict(...) and float('inf').

    Args:
        node: the expression.
        read_name: gives the value of a name; None: names have none.

    Raises:
        ValueError: only running the expression would tell its value; others of NOT_READABLE.
    """
    match node:
        case ast.List() | ast.Tuple():
            items = [literal_value(item, read_name) for item in node.elts]
            return items if isinstance(node, ast.List) else tuple(items)
        case ast.Dict():  # the key of {**other} is None, which literal_eval refuses
            keys = [literal_value(key, read_name) for key in node.keys]  # type: ignore[arg-type]
            return dict(zip(keys, (literal_value(value, read_name) for value in node.values)))
        case ast.Call(func=ast.Name('dict'), args=[]) if all(word.arg for word in node.keywords):
            return {word.arg: literal_value(word.value, read_name) for word in node.keywords}
        case ast.Call(func=ast.Name('float'), args=[text], keywords=[]):
            return float(ast.literal_eval(text))
        case ast.Name() if read_name is not None:
            return read_name(node.id)
        case ast.UnaryOp(operand=ast.Name('inf' | 'nan')) if read_name is not None:
            return float(ast.unparse(node))
    value = ast.literal_eval(node)
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    raise ValueError
