"""The forms that tools/convert.py reads, one module each; importing a module adds it to FORMS."""

# isort: skip_file
from ..source import FORMS
from . import (  # noqa: F401 (in the order of the command's help)
    smg,
    ntu,
    openpose,
    h2o,
    alphapose,
    mmpose,
    kinetics,
    mediapipe,
    ultralytics,
    coco,
    k400,
    natops,
    project,
)

__all__ = ['FORMS']
