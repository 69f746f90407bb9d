"""Exported networks, run by onnxruntime: numpy in, names and probabilities out, without torch.

recognizer.py answers as `pyskl.apis.inference_recognizer` does, about.py is what a file says of itself.
"""

from .about import GraphAbout
from .recognizer import GraphRecognizer, OnnxRecognizer

__all__ = ['GraphAbout', 'GraphRecognizer', 'OnnxRecognizer']
