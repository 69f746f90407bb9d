"""Receives the scores of several streams on labelled validation clips; hands on weights and temperatures, and what they are worth."""
from .command import fit_on_clips, labels_by_name
from .estimate import Estimate, Gain, cross_validate, leave_one_out
from .fitting import OBJECTIVES, Fit, fit_blend, fit_temperature, judge, simplex_grid
from .probabilities import kind_of, log_probabilities, soften
from .saved import SavedFit, load_fit, save_fit
from .separation import refuse_same_clips

__all__ = ['OBJECTIVES', 'Estimate', 'Fit', 'Gain', 'SavedFit', 'cross_validate', 'fit_blend', 'fit_on_clips', 'fit_temperature', 'judge',
           'kind_of', 'labels_by_name', 'leave_one_out', 'load_fit', 'log_probabilities', 'refuse_same_clips', 'save_fit', 'simplex_grid',
           'soften']
