"""Losses: network outputs and targets -> a 0-dim tensor."""
from .accuracy import topk_accuracies
from .cross_entropy import CrossEntropyLoss
from .mse import MseLoss

__all__ = ['CrossEntropyLoss', 'MseLoss', 'topk_accuracies']
