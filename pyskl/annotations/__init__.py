"""The annotation file: its fields, reading, writing, packing and checking."""

from .about import About
from .opening import open_annotations
from .packing import write_packed
from .store import make_annotation, read_annotations, write_annotations

__all__ = [
    'About',
    'make_annotation',
    'open_annotations',
    'read_annotations',
    'write_annotations',
    'write_packed',
]
