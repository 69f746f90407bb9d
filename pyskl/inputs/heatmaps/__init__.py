"""Heatmaps: what to draw (HeatmapSpec), clips that are not drawn yet (Heatmaps) and the renderer, pure torch on any device."""
from .batch import Heatmaps
from .render import render
from .spec import HeatmapSpec

__all__ = ['HeatmapSpec', 'Heatmaps', 'render']
