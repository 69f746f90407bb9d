"""A trained network as one graph of plain tensor operations, with most of its test pipeline inside.

features.py, heatmaps.py and frames.py hold pipeline steps as operations on batches; network.py
joins them with a network; plan.py decides which steps are inside; writing.py makes the files.
"""
