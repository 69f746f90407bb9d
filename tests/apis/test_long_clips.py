"""Answers for long clips: windows, their mean, the timeline; joints derived from others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny import problem

from pyskl.annotations import open_annotations
from pyskl.apis import inference_recognizer, init_recognizer
from pyskl.apis.answers import (
    ClipAnswer,
    WindowAnswer,
    answer_clip,
    fitted,
    layout_of_model,
    window_spans,
)
from pyskl.errors import ConfigError, DataError
from pyskl.skeletons import get_layout


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('answers')
    problem(folder)
    return folder


@pytest.fixture(scope='module')
def model(folder):
    torch.manual_seed(0)
    return init_recognizer(folder / 'tiny.py', device='cpu')


def test_windows_cover_every_frame_and_end_with_the_clip():
    for num_frames in range(1, 60):
        for length, every in ((1, 1), (10, 10), (10, 3), (7, 5)):
            spans = window_spans(num_frames, length, every)
            assert set(range(num_frames)) == {t for a, b in spans for t in range(a, b)}
            assert spans[-1][1] == num_frames and len(set(spans)) == len(spans)
            assert all(b - a == min(length, num_frames) for a, b in spans)


def test_a_short_clip_has_the_answer_of_inference(model, folder):
    clip = open_annotations(folder / 'test.pkl')[0]
    [expected] = inference_recognizer(model, [clip], top_k=None, indices=True)
    answer = answer_clip(model, clip, 20, 10)
    assert [(w.start, w.stop) for w in answer.windows] == [(0, 20)]
    np.testing.assert_allclose(answer.probabilities, [p for _, p in sorted(expected)])


def test_windows_of_a_long_clip_have_the_answers_of_their_frames_alone(model, folder):
    a, b = (open_annotations(folder / 'test.pkl')[i] for i in (0, 1))
    rows = {k: np.concatenate([a[k], b[k]], axis=1) for k in ('keypoint', 'keypoint_score')}
    rows['keypoint_score'][:, 15:35] = 0
    answer = answer_clip(model, {**a, **rows, 'total_frames': 40}, 10, 10)
    assert [w.best is None for w in answer.windows] == [False, False, True, False]
    alone = {**a, 'total_frames': 10, **{k: v[:, :10] for k, v in rows.items()}}
    expected = answer_clip(model, alone, 10, 10).probabilities
    np.testing.assert_allclose(answer.windows[0].probabilities, expected, atol=1e-6)
    shown = [w.probabilities for w in answer.windows if w.probabilities is not None]
    np.testing.assert_allclose(answer.probabilities, np.mean(shown, axis=0))


def test_a_timeline_joins_windows_of_one_answer():
    a, b = np.array([0.8, 0.2]), np.array([0.4, 0.6])
    windows = [(0, 10, a), (5, 15, a * 0.5 + 0.25), (10, 20, b), (15, 25, None), (18, 28, None)]
    answer = ClipAnswer('c', 28, tuple(WindowAnswer(*window) for window in windows))
    stretches = answer.timeline()
    assert [(s.start, s.stop, s.best) for s in stretches] == [
        (0, 12, 0),
        (12, 17, 1),
        (17, 28, None),
    ]
    np.testing.assert_allclose(stretches[0].probabilities, [0.725, 0.275])
    assert ClipAnswer('c', 5, (WindowAnswer(0, 5, None),)).probabilities is None


@pytest.mark.parametrize('length, every', [(5, 6), (0, 0), (5, 0)])
def test_windows_that_leave_frames_out_are_refused(model, folder, length, every):
    with pytest.raises(ConfigError):
        answer_clip(model, open_annotations(folder / 'test.pkl')[0], length, every)


def test_clips_get_the_joints_of_the_network():
    given, wanted = get_layout('coco_wholebody133'), get_layout('imigue22')
    place = np.arange(133 * 2, dtype=np.float32).reshape(1, 1, 133, 2) + 1
    clip = {'frame_dir': 'a', 'keypoint': place, 'keypoint_score': np.ones((1, 1, 133), np.float32)}
    [found] = fitted([clip], given, wanted)
    np.testing.assert_array_equal(found['keypoint'][0, 0, 0], place[0, 0, 0])
    np.testing.assert_array_equal(found['keypoint'][0, 0, 1], place[0, 0, [5, 6]].mean(0))
    assert next(fitted([clip], None, wanted)) is clip is next(fitted([clip], given, None))
    with pytest.raises(DataError, match='tip'):
        list(fitted([clip], get_layout('coco17'), wanted))


def test_the_layout_of_a_network_is_said_by_its_pipeline_or_its_joints(model):
    assert layout_of_model(model) is None  # five joints, of no known layout
    for config in (
        'posec3d/slowonly_r50_imigue_2dkp_emb20/joint',
        'posec3d/slowonly_r50_imigue22/limb',
    ):
        assert (
            layout_of_model(init_recognizer(f'configs/{config}.py', device='cpu')).name
            == 'imigue22'
        )
