"""The annotation pickle: typed fields, safe reading, writing and checking; raw iMiGUE files -> annotations."""
from .arrays import load_npy, load_npz
from .baseline import mean_pose_nearest_neighbour
from .safe_pickle import load_pickle
from .store import make_annotation, read_annotations, write_annotations

__all__ = ['load_npy', 'load_npz', 'load_pickle', 'make_annotation', 'mean_pose_nearest_neighbour', 'read_annotations',
           'write_annotations']
