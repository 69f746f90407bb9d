"""pyskl: micro-gesture recognition from skeletons."""

__version__ = '0.1.0'
