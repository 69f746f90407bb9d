"""The forms that tools/convert.py reads, one module each; importing a module adds it to FORMS."""

# isort: skip_file
from ..source import FORMS
from . import smg as smg
from . import ntu as ntu
from . import openpose as openpose
from . import h2o as h2o
from . import alphapose as alphapose
from . import mmpose as mmpose
from . import kinetics as kinetics
from . import mediapipe as mediapipe
from . import ultralytics as ultralytics
from . import coco as coco
from . import k400 as k400
from . import natops as natops
from . import project as project

__all__ = ['FORMS']
