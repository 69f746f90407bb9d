"""Input and output of inference, independent of what computes the scores; needs no torch.

clips.py and videos.py turn what callers give into annotations, answers.py turns class scores into
names and probabilities.
"""
