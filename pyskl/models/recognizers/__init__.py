"""Recognizers: a batch and its labels -> losses, a batch -> probabilities."""

from .recognizer3d import Recognizer3D
from .recognizer_gcn import RecognizerGCN

__all__ = ['Recognizer3D', 'RecognizerGCN']
