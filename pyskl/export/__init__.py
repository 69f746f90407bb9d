"""A trained network as one graph of plain operations, with as much of its test pipeline inside as can be.

pictures.py and features.py hold the pipeline's steps as operations on batches, network.py the whole
graph, plan.py which steps of a pipeline are in it, and writing.py the files.
"""
