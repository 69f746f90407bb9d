"""Heatmaps of joints and limbs: what to draw (spec.py), not drawn yet (batch.py), and the renderers.

render.py chooses between render_cpu.py and render_gpu.py; both get the shapes to draw
from geometry.py. reference.py is the slow, obvious way that tests hold them against.
"""

from .batch import Heatmaps, LazyHeatmaps
from .render import render
from .spec import HeatmapSpec

__all__ = ['HeatmapSpec', 'Heatmaps', 'LazyHeatmaps', 'render']
