"""Made-up micro-gestures in iMiGUE's raw format: a kinematic upper body that plays a table of gestures."""
from .gestures import GESTURES
from .writing import class_counts, make_split, write_demo_data, write_split

__all__ = ['GESTURES', 'class_counts', 'make_split', 'write_demo_data', 'write_split']
