"""Many runs in one command: receives configs, option grids and seeds; hands on trained and tested runs and a table of them.

Nothing is imported here: a run that submitit starts needs no PyTorch.
"""
