"""Equality down to types, key order, dtypes, shapes and memory order."""

from __future__ import annotations

from typing import Any

import numpy as np


def same(a: Any, b: Any) -> None:
    assert type(a) is type(b), (type(a), type(b))
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    elif isinstance(a, np.ndarray):
        assert (
            a.dtype == b.dtype
            and a.shape == b.shape
            and a.flags.f_contiguous == b.flags.f_contiguous
        )
        if a.dtype == object:
            same(a.ravel().tolist(), b.ravel().tolist())
        else:
            assert np.array_equal(a, b)
    else:
        assert a == b
