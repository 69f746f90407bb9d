"""Packages that import a module when a name of it is used, so that light tools start fast."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy_exports(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the `__getattr__` and `__dir__` (PEP 562) of a package, in its `__init__.py`.

        if TYPE_CHECKING:
            from .geometry import Flip, Resize

        __all__ = ['Flip', 'Resize']
        __getattr__, __dir__ = lazy_exports(__name__)

    The imports below `if TYPE_CHECKING`, which type checkers read and Python skips, say where each
    name comes from: the first use of `Flip` imports `.geometry`. A name must not be called like
    one of the package's modules.

    Args:
        package: the package's `__name__`.
    """
    homes = _postponed_imports(package)

    def __getattr__(name: str) -> Any:
        if name in homes:
            value = getattr(import_module(f'{package}.{homes[name]}'), name)
        elif name in homes.values():
            value = import_module(f'{package}.{name}')
        else:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        setattr(sys.modules[package], name, value)  # the next use does not come here
        return value

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return __getattr__, __dir__


def _postponed_imports(package: str) -> dict[str, str]:
    """Read {name: module} from the imports below a package's `if TYPE_CHECKING`."""
    spec = sys.modules[package].__spec__
    loader: Any = spec.loader if spec else None  # has get_source, as a package is made of source
    blocks = [
        node.body
        for node in ast.parse(loader.get_source(package)).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == 'TYPE_CHECKING'
    ]
    return {
        alias.name: node.module
        for block in blocks
        for node in block
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
