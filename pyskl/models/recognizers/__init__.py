"""Recognizers: from a batch to losses or class probabilities."""

from .mm_recognizer3d import MMRecognizer3D
from .recognizer2d import Recognizer2D
from .recognizer3d import Recognizer3D
from .recognizer_gcn import RecognizerGCN

__all__ = ['MMRecognizer3D', 'Recognizer2D', 'Recognizer3D', 'RecognizerGCN']
