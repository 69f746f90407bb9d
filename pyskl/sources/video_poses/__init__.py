"""Videos -> key points: people found in every frame by a pose estimator, and followed from frame to frame."""

from .estimator import Estimator
from .videos import Videos

__all__ = ['Estimator', 'Videos']
