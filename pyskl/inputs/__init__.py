"""What a network takes. Data sets and models meet only here.

base.py holds the contract; heatmaps/ draws key points as heatmaps, on any device;
frames.py normalises the frames of videos.
"""

from .base import Input, LazyArray, Target, compute_lazy, input_tensor, lazy_inputs
from .frames import Frames, LazyFrames, PixelScale

__all__ = [
    'Frames',
    'Input',
    'LazyArray',
    'LazyFrames',
    'PixelScale',
    'Target',
    'compute_lazy',
    'input_tensor',
    'lazy_inputs',
]
