"""The values of a config dump, read without running it: a work dir may come from a stranger."""

from __future__ import annotations

import ast
import contextlib
from typing import Any

from ..recipe.literals import NOT_READABLE, literal_value


def literal_config(text: str) -> dict[str, Any]:
    """Return the top-level values of a config dump: literals, dict(...) and float('inf').

    Assignments of anything else are left out. A text that is not Python has no values.
    """
    try:
        tree = ast.parse(text)
    except NOT_READABLE:
        return {}
    values: dict[str, Any] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]):
                with contextlib.suppress(*NOT_READABLE):
                    values[name] = literal_value(node.value)
    return values
