"""Find people in videos with a pose estimator and follow them from frame to frame."""

from .estimator import Estimator
from .videos import Videos

__all__ = ['Estimator', 'Videos']
