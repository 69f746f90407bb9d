"""Files as data that is never executed and never half-written: arrays, pickles, atomic writes.

Nothing here knows what a gesture is.
"""

from .arrays import load_npy, load_npz
from .atomic import atomic_folder, atomic_write
from .safe_pickle import load_pickle

__all__ = ['atomic_folder', 'atomic_write', 'load_npy', 'load_npz', 'load_pickle']
