"""The annotation pickle: typed fields, safe reading, writing and checking; raw iMiGUE files -> annotations."""
from .safe_pickle import load_pickle

__all__ = ['load_pickle']
