"""Read raw data as annotations.

iMiGUE's releases (imigue/), what pose estimators and other data sets write (forms/), key points
from videos (video_poses/), synthetic people (synthetic/).
"""

from .pack import pack_file

__all__ = ['pack_file']
