"""Scores of streams: read, align by clip, blend, fit weights, and write the submission.

joint, limb = load_scores('joint/scores.npz'), load_scores('limb/result.pkl')
aligned = align([joint, limb], ids=read_ids('test_id.txt'))
write_submission('ensemble', aligned.ids, blend(aligned.scores, (0.4, 0.6)).argmax(axis=1))
"""

from .agreement import doubts
from .align import Aligned, align
from .blend import PUBLISHED_WEIGHTS, blend, check_weights
from .cross_validation import Estimate, Gain, cross_validate, leave_one_out
from .fit_from_files import fit_on_clips, labels_by_name
from .fitting import OBJECTIVES, Fit, fit_blend, fit_temperature, judge, simplex_grid
from .id_list import check_ids, read_ids
from .leakage import refuse_same_clips
from .probabilities import kind_of, log_probabilities, soften
from .saved_fit import SavedFit, load_fit, save_fit
from .score_file import Scores, load_scores, save_result_pkl, save_scores
from .submission import FORMATS, answers_of, check_format, write_submission

__all__ = [
    'FORMATS',
    'OBJECTIVES',
    'PUBLISHED_WEIGHTS',
    'Aligned',
    'Estimate',
    'Fit',
    'Gain',
    'SavedFit',
    'Scores',
    'align',
    'answers_of',
    'blend',
    'check_format',
    'check_ids',
    'check_weights',
    'cross_validate',
    'doubts',
    'fit_blend',
    'fit_on_clips',
    'fit_temperature',
    'judge',
    'kind_of',
    'labels_by_name',
    'leave_one_out',
    'load_fit',
    'load_scores',
    'log_probabilities',
    'read_ids',
    'refuse_same_clips',
    'save_fit',
    'save_result_pkl',
    'save_scores',
    'simplex_grid',
    'soften',
    'write_submission',
]
