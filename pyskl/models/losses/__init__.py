"""Losses: from the output of a network and its targets to a 0-dim tensor."""

from .accuracy import topk_accuracies
from .bce import BCELossWithLogits
from .class_contrast import ClassContrast
from .contrastive import ContrastiveLoss
from .cosine import CosineLoss
from .cross_entropy import CrossEntropyLoss
from .focal import FocalLoss
from .logit_adjusted import LogitAdjustedLoss
from .mse import MseLoss

__all__ = [
    'BCELossWithLogits',
    'ClassContrast',
    'ContrastiveLoss',
    'CosineLoss',
    'CrossEntropyLoss',
    'FocalLoss',
    'LogitAdjustedLoss',
    'MseLoss',
    'topk_accuracies',
]
