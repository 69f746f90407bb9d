"""pyskl: micro-gesture recognition from skeletons."""

import os

__version__ = '0.1.0'

# How long OpenMP's threads wait for each other in a busy loop before they sleep, read once when
# torch is imported. By default nearly for ever, which brings a shared machine to a crawl (6.3 s a
# step, against 1.2 s when they sleep at once); sleeping at once costs a quiet machine half its
# speed (0.28 s a step against 0.18 s). A short wait costs little there (0.19 s).
if 'OMP_WAIT_POLICY' not in os.environ:
    os.environ.setdefault('GOMP_SPINCOUNT', '30000')

# PyTorch's remarks in C++, to which no filter of Python's warnings applies: each rank of a training
# would say in its first step that find_unused_parameters, published as True, was not needed. Errors
# are still said; TORCH_CPP_LOG_LEVEL=WARNING brings all back.
os.environ.setdefault('TORCH_CPP_LOG_LEVEL', 'ERROR')
