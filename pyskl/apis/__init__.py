"""What scripts and users call: train, test, and recognise single clips."""

from ..onnx import OnnxRecognizer
from .export import ExportOptions, export_network
from .inference import inference_recognizer, init_recognizer
from .options import TrainOptions
from .spotting import Spotter, load_spotter
from .stream import Stream
from .test import TestOptions, TestResult, test
from .train import train, train_model

__all__ = [
    'ExportOptions',
    'OnnxRecognizer',
    'Spotter',
    'Stream',
    'TestOptions',
    'TestResult',
    'TrainOptions',
    'export_network',
    'inference_recognizer',
    'init_recognizer',
    'load_spotter',
    'test',
    'train',
    'train_model',
]
