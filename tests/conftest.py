"""Settings of the whole test suite."""
from hypothesis import settings

settings.register_profile('pyskl', deadline=None, print_blob=True)
settings.load_profile('pyskl')
