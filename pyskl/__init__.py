"""pyskl: micro-gesture recognition from skeletons."""
import os

__version__ = '0.1.0'

# Threads that wait for each other in a busy loop (OpenMP's default) bring a shared machine to a crawl: with two other jobs
# running, a training step took 6.3 s in place of 1.2 s. Read once, when torch is imported.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
