"""Recognizers of pictures against PYSKL's numbers: a training pass and all ways of testing."""

from __future__ import annotations

import numpy as np
import pytest
from recognizer_goldens import golden, test_batch, trained

EVALUATIONS = [
    ('recognizer3d', 'prob', {}),
    ('recognizer3d', 'default', {}),
    ('recognizer3d', 'score', dict(average_clips='score')),
    ('recognizer3d', 'none', dict(average_clips=None)),
    ('recognizer3d', 'feat_ext', dict(feat_ext=True)),
    ('recognizer3d', 'views2', dict(max_testing_views=2)),
    ('recognizer3d_slowfast', 'feat_ext', dict(feat_ext=True)),
    ('recognizer2d', 'segs4', dict(num_segs=4)),
    ('recognizer2d', 'segs4_score', dict(num_segs=4, average_clips='score')),
    ('recognizer2d', 'segs4_none', dict(num_segs=4, average_clips=None)),
    ('recognizer2d', 'segs12', dict(num_segs=12)),
    ('recognizer2d', 'segs4_feat_ext', dict(num_segs=4, feat_ext=True)),
    ('mmrecognizer3d', 'prob', {}),
    ('mmrecognizer3d', 'score', dict(average_clips='score')),
]


@pytest.mark.parametrize('name', ['recognizer3d', 'recognizer2d', 'mmrecognizer3d'])
def test_training_gives_pyskls_losses_accuracies_and_gradients(name):
    model, losses = trained(name)
    expected = golden(f'rec/{name}')
    logged = dict(zip(expected['log_names'].tolist(), expected['log_values'].tolist()))
    assert sum(float(losses[key]) for key in losses if 'loss' in key) == pytest.approx(
        float(expected['loss']), rel=1e-12
    )
    assert logged.keys() - {'loss'} == losses.keys()
    for key, value in losses.items():
        assert float(value) == pytest.approx(logged[key], rel=1e-6 if 'acc' in key else 1e-12)
    norms = [float(model.get_parameter(key).grad.norm()) for key in expected['grad_names']]
    np.testing.assert_allclose(norms, expected['grad_norms'], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(('name', 'how', 'test_cfg'), EVALUATIONS)
def test_answers_are_pyskls(name, how, test_cfg):
    model, _ = trained(name, test_cfg)
    expected, batch = golden(f'rec/{name}_{how}'), test_batch(name)
    if how == 'views2':  # upstream takes one clip at a time
        batch = {key: value[:1] for key, value in batch.items()}
    answers = model(batch, return_loss=False)
    if isinstance(answers, dict):
        assert list(answers) == ['rgb', 'pose']
        for key, scores in answers.items():
            np.testing.assert_allclose(scores[0], expected[f'0_{key}'], rtol=1e-9, atol=1e-12)
    else:
        np.testing.assert_allclose(answers, expected['scores'], rtol=1e-9, atol=1e-12)
