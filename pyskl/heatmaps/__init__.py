"""Heatmaps: what to draw (HeatmapSpec), clips that are not drawn yet (PoseClips) and the renderer, pure torch on any device."""
from .clips import PoseClips
from .render import render
from .spec import HeatmapSpec

__all__ = ['HeatmapSpec', 'PoseClips', 'render']
