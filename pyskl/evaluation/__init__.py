"""Numpy in, numbers out: what scores are worth when the labels are known."""
from .metrics import METRICS, check_labels, confusion_matrix, evaluate, macro_f1, mean_class_accuracy, top_k_accuracy
from .report import ClassReport, format_report, per_class_report

__all__ = ['METRICS', 'ClassReport', 'check_labels', 'confusion_matrix', 'evaluate', 'format_report', 'macro_f1',
           'mean_class_accuracy', 'per_class_report', 'top_k_accuracy']
