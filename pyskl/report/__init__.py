"""One self-contained HTML page about a test: figures, confusions, moving skeletons, curves.

sources -> figures, semantics, curves, occlusion -> packing -> page; build ties them together.
"""

from .build import Report, ReportOptions, build_report

__all__ = ['Report', 'ReportOptions', 'build_report']
