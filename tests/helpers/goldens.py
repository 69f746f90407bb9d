"""Find the full golden outputs of the published solution; tests that need them skip otherwise."""

import os
from pathlib import Path

import numpy as np
import pytest

_candidates = [os.environ.get('PYSKL_GOLDEN'), Path(__file__).parents[3] / 'shared' / 'golden']
GOLDEN = next((Path(p) for p in _candidates if p and Path(p).is_dir()), None)
needs_golden = pytest.mark.skipif(
    GOLDEN is None,
    reason='the full golden outputs are not at hand (set PYSKL_GOLDEN to their folder)',
)

# The small copies that travel with the project.
SMALL = Path(__file__).parents[1] / 'golden'


def small(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a small golden file by their names."""
    with np.load(SMALL / name) as arrays:
        return dict(arrays)


def below(arrays: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Return the arrays called 'name/KEY', by KEY."""
    start = f'{name}/'
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}
