"""Sweeps: train and test configs with grids of options and seeds, and compare the runs in a table.

Nothing is imported here, since a run that submitit starts needs no PyTorch.
"""
