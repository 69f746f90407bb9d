"""What scripts and users call: train, test, and recognise single clips."""
from .inference import inference_recognizer, init_recognizer
from .options import TrainOptions
from .test import TestOptions, TestResult, test
from .train import train, train_model

__all__ = ['TestOptions', 'TestResult', 'TrainOptions', 'inference_recognizer', 'init_recognizer', 'test', 'train', 'train_model']
