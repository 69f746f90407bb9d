"""What inference takes and gives, whatever computes the scores: nothing here needs torch.

clips.py reads clips in the forms that callers have them in, answers.py makes names and probabilities.
"""
