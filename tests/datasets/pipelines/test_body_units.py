"""BodyUnits2D measures people by their shoulders, wherever they are and whatever hands do."""

from __future__ import annotations

import numpy as np
import pytest
from made_clips import made_clip

from pyskl.datasets.pipelines import BodyUnits2D
from pyskl.errors import DataError
from pyskl.skeletons import get_layout

LAYOUT = get_layout('imigue22')
PAIR = [LAYOUT.joints.index(f'{side} shoulder') for side in ('left', 'right')]


def clip() -> dict:
    results = made_clip(1, 9, 22, (1080, 1920), missing=0)
    results['keypoint'][:, 3, 5:9] = results['keypoint_score'][:, 3, 5:9] = 0
    return results


def made(results: dict, **settings) -> np.ndarray:
    return BodyUnits2D('imigue22', **settings)(dict(results))['keypoint']


def test_it_equals_the_formula_joint_by_joint():
    given = clip()
    found = made(given, scale=1.0)
    shown = [t for t in range(9) if given['keypoint_score'][0, t, PAIR].all()]
    pair = given['keypoint'][0, shown][:, PAIR].astype(float)
    origin = np.median(pair.mean(1), 0)
    unit = np.median(np.hypot(*(pair[:, 0] - pair[:, 1]).T))
    for t in range(9):
        for v in range(22):
            score = given['keypoint_score'][0, t, v]
            xy = (given['keypoint'][0, t, v] - origin) / unit if score else np.zeros(2)
            np.testing.assert_allclose(found[0, t, v], [*xy, score], rtol=1e-4, atol=1e-5)


def test_the_input_is_not_written_into_and_nobody_is_changed_without_shoulders():
    given = clip()
    before = given['keypoint'].copy()
    made(given)
    assert np.array_equal(before, given['keypoint'])
    given['keypoint'][:, :, PAIR] = given['keypoint_score'][:, :, PAIR] = 0
    np.testing.assert_array_equal(made(given, scale=1.0)[..., :2], given['keypoint'])


def test_what_it_cannot_measure_is_refused():
    given = clip()
    with pytest.raises(DataError):
        made(dict(given, keypoint=given['keypoint'][:, :, :21]))
    with pytest.raises(DataError):
        made(dict(given, keypoint=given['keypoint'] * np.nan))
