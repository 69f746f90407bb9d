"""Read long recordings whole: their key points, and the segments in their label files.

A file for each form: imigue.py and smg.py for the two releases, annotation_files.py for any
skeleton. find.py lists what there is.
"""

from .base import Recording, RecordingFile
from .find import find_recordings
from .labels import id_of_class

__all__ = ['Recording', 'RecordingFile', 'find_recordings', 'id_of_class']
