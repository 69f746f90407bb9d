"""Heatmaps of joints and limbs.

spec.py holds the settings, batch.py the heatmaps of a batch before they are drawn, and frames.py
finds equal frames. render.py chooses between render_cpu.py and render_gpu.py, which draw the line
segments that geometry.py computes. reference.py is the slow, obvious renderer of the tests.
"""

from .batch import Heatmaps, LazyHeatmaps
from .spec import HeatmapSpec

__all__ = ['HeatmapSpec', 'Heatmaps', 'LazyHeatmaps']
