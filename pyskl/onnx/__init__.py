"""Run exported networks with onnxruntime, without torch.

recognizer.py answers as `pyskl.apis.inference_recognizer` does; about.py describes a file.
"""

from .about import GraphAbout
from .recognizer import GraphRecognizer, OnnxRecognizer

__all__ = ['GraphAbout', 'GraphRecognizer', 'OnnxRecognizer']
