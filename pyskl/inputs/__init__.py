"""What a network takes. Data sets and models meet only here.

base.py holds the contract; heatmaps/ draws key points as heatmaps, on any device.
"""
from .base import Input, LazyArray, Target, compute_lazy, input_tensor, lazy_inputs

__all__ = ['Input', 'LazyArray', 'Target', 'compute_lazy', 'input_tensor', 'lazy_inputs']
