"""A self-contained HTML page about a test: figures, confusions, moving skeletons, curves."""

from .build import Report, build_report
from .options import ReportOptions

__all__ = ['Report', 'ReportOptions', 'build_report']
