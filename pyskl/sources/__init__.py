"""Raw data of the field -> annotations: iMiGUE's releases, other forms in forms/ (tools/convert.py), made-up people in
synthetic/.
"""

from .pack import pack_file

__all__ = ['pack_file']
