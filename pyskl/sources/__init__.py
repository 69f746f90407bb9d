"""Raw data of the field -> annotations: one file for each release, made-up people in synthetic/."""
from .pack import pack_file

__all__ = ['pack_file']
