"""Faster layers that compute the same numbers, put into a plain model from outside.

`speed_up` swaps in layers for the CPU; `fuse_conv_bn` folds BatchNorms away for testing, on any
device.
"""
