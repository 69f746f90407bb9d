"""Annotations, pickled or packed: typed fields, safe reading, writing and checking; raw iMiGUE files -> annotations."""
from .arrays import load_npy, load_npz
from .baseline import mean_pose_nearest_neighbour
from .opening import open_annotations
from .packing import pack_file, write_packed
from .safe_pickle import load_pickle
from .store import make_annotation, read_annotations, write_annotations

__all__ = ['load_npy', 'load_npz', 'load_pickle', 'make_annotation', 'mean_pose_nearest_neighbour', 'open_annotations', 'pack_file',
           'read_annotations', 'write_annotations', 'write_packed']
