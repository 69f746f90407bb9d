"""Evaluation of scores whose labels are known: numpy arrays in, numbers out."""

from .answers import by_prefix, evaluate_results, prefixes
from .baseline import mean_pose_nearest_neighbour
from .calibration import (
    ReliabilityBins,
    bootstrap_interval,
    expected_calibration_error,
    reliability_bins,
)
from .groups import class_groups, group_accuracy, is_long_tailed
from .metrics import (
    METRICS,
    ONE_LABEL_METRICS,
    check_labels,
    check_metrics,
    confusion_matrix,
    evaluate,
    macro_f1,
    mean_average_precision,
    mean_class_accuracy,
    top_k_accuracy,
)
from .one_sided import one_sided
from .paired import Paired, compare_answers
from .report import ClassReport, per_class_report

__all__ = [
    'METRICS',
    'ONE_LABEL_METRICS',
    'ClassReport',
    'Paired',
    'ReliabilityBins',
    'bootstrap_interval',
    'by_prefix',
    'check_labels',
    'check_metrics',
    'class_groups',
    'compare_answers',
    'confusion_matrix',
    'evaluate',
    'evaluate_results',
    'expected_calibration_error',
    'group_accuracy',
    'is_long_tailed',
    'macro_f1',
    'mean_average_precision',
    'mean_class_accuracy',
    'mean_pose_nearest_neighbour',
    'one_sided',
    'per_class_report',
    'prefixes',
    'reliability_bins',
    'top_k_accuracy',
]
