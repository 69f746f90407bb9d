"""Figures of several answers: PYSKL's names and numbers."""

from __future__ import annotations

import numpy as np
import pytest
from recognizer_goldens import golden

from pyskl.engine.tester import judged_scores
from pyskl.errors import DataError
from pyskl.evaluation import evaluate, evaluate_results

INPUT = golden('metrics/evaluate/input')
RGB, POSE, LABELS = INPUT['rs'], INPUT['rq'], INPUT['labels']
FORMS = {
    'list': [list(row) for row in zip(RGB, POSE)],
    'rgb,pose': [dict(rgb=a, pose=b) for a, b in zip(RGB, POSE)],
    'three keys': [dict(rgb=a, pose=b, x=a) for a, b in zip(RGB, POSE)],
}


@pytest.mark.parametrize('form', FORMS)
def test_results_in_pyskls_forms_have_its_figures(form):
    expected = golden(f'metrics/evaluate({form})')
    metrics = ('top_k_accuracy', 'mean_class_accuracy')[: 1 if form == 'three keys' else 2]
    found = evaluate_results(FORMS[form], LABELS, metrics)
    assert list(found) == expected['keys'].tolist()
    for key, value in zip(expected['keys'].tolist(), expected['values']):
        if 'mean_class' not in key:  # here over the classes that labels name
            assert found[key] == pytest.approx(value)


def test_one_answer_is_judged_as_ever():
    assert evaluate_results(list(RGB), LABELS) == evaluate(RGB, LABELS)


@pytest.mark.parametrize(
    'results',
    [
        [dict(rgb=RGB[0], pose=POSE[0]), dict(rgb=RGB[1])],
        [[RGB[0], POSE[0]], [RGB[1]]],
        [dict(rgb=RGB[0]), RGB[1]],
    ],
)
def test_clips_with_other_answers_are_refused(results):
    with pytest.raises(DataError, match='clip'):
        evaluate_results(results, LABELS[:2])


def test_a_test_judges_the_joint_answer_each_one_and_the_blends():
    judged = judged_scores({'rgb': RGB, 'pose': POSE})
    assert list(judged) == ['', 'rgb_', 'pose_', 'RGBPose_1:1_', 'RGBPose_2:1_', 'RGBPose_1:2_']
    np.testing.assert_allclose(judged[''], (RGB + POSE) / 2)
    np.testing.assert_allclose(judged['RGBPose_1:2_'], RGB + 2 * POSE)
    assert list(judged_scores({'score': RGB})) == ['']
    assert list(judged_scores({'a': RGB, 'b': POSE})) == ['', 'a_', 'b_']
