"""Answers for long clips: windows, their mean, the timeline; joints derived from others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny import ROOT, problem

from pyskl.annotations import open_annotations
from pyskl.apis import inference_recognizer, init_recognizer
from pyskl.apis.clip_joints import layout_of_model, with_joints
from pyskl.apis.long_clips import ClipAnswer, WindowAnswer, answer_clip, windows_of
from pyskl.apis.spotting import Spotter
from pyskl.errors import DataError
from pyskl.skeletons import get_layout
from pyskl.sources.recordings import Recording
from pyskl.spotting.windows import Windows


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('answers')
    problem(folder)
    return folder


@pytest.fixture(scope='module')
def model(folder):
    torch.manual_seed(0)
    return init_recognizer(folder / 'tiny.py', device='cpu')


def test_a_short_clip_has_the_answer_of_inference(model, folder):
    clip = open_annotations(folder / 'test.pkl')[0]
    expected = inference_recognizer(model, clip, indices=True)
    answer = answer_clip(model, clip, windows_of(model, 20))
    assert [(w.start, w.stop) for w in answer.windows] == [(0, 20)]
    np.testing.assert_allclose(answer.probabilities, [p for _, p in sorted(expected)])


def long_clip(folder) -> dict:
    """Two clips of 20 frames one behind the other; nobody is seen in frames 15 to 34."""
    a, b = (open_annotations(folder / 'test.pkl')[i] for i in (0, 1))
    rows = {k: np.concatenate([a[k], b[k]], axis=1) for k in ('keypoint', 'keypoint_score')}
    rows['keypoint_score'][:, 15:35] = 0
    return {**a, **rows, 'total_frames': 40}


@pytest.mark.parametrize('fps', [None, 30, 60])
def test_windows_of_a_long_clip_have_the_answers_of_spotting(model, folder, fps):
    clip, windows = long_clip(folder), Windows((10,), 5, 5, 30).in_blocks()
    fields = (clip[name] for name in ('keypoint', 'keypoint_score', 'img_shape'))
    given = Recording('a', *fields, fps=fps or 30)
    answer = answer_clip(model, {**clip, 'fps': fps}, windows)
    expected = Spotter([model], windows).scores(given)
    rate = (fps or 30) // 30
    assert [w.middle for w in answer.windows] == (expected.middles * rate).tolist()
    assert [w.best is None for w in answer.windows] == (expected.probs.sum(1) == 0).tolist()
    for window, probs in zip(answer.windows, expected.probs):
        if window.probabilities is not None:
            np.testing.assert_array_equal(window.probabilities, probs)
    first, last = answer.windows[1], answer.windows[-1]
    assert (first.start, first.stop, last.stop) == (0, 10 * rate, 40)
    shown = [w.probabilities for w in answer.windows if w.probabilities is not None]
    np.testing.assert_allclose(answer.probabilities, np.mean(shown, axis=0))
    assert sum(w.probabilities is None for w in answer.windows) == (3 if rate == 1 else 0)


def test_a_network_that_cannot_spot_is_shown_each_window_as_a_clip(model, folder, monkeypatch):
    monkeypatch.setattr('pyskl.apis.long_clips.spotting_fault', lambda model: 'no')
    clip = long_clip(folder)
    answer = answer_clip(model, clip, windows_of(model, 10, 5))
    spans = [(w.start, w.stop) for w in answer.windows]
    assert spans == [(max(m - 5, 0), min(m + 5, 40)) for m in range(0, 40, 5)]
    assert [w.best is None for w in answer.windows] == [i in (4, 5, 6) for i in range(8)]
    rows = {k: clip[k][:, :10] for k in ('keypoint', 'keypoint_score')}
    alone = inference_recognizer(model, {**clip, **rows, 'total_frames': 10}, indices=True)
    found = answer.windows[1].probabilities
    np.testing.assert_allclose(found, [p for _, p in sorted(alone)], atol=1e-6)


def test_a_timeline_joins_windows_of_one_answer():
    a, b, c = np.array([[0.8, 0.2], [0.65, 0.35], [0.4, 0.6]])
    windows = [(0, 5, 0, a), (3, 13, 8, b), (11, 21, 16, c), (19, 28, 24, None), (27, 28, 27, None)]
    answer = ClipAnswer('c', 28, tuple(WindowAnswer(*window) for window in windows))
    stretches = answer.timeline()
    found = [(s.start, s.stop, s.best) for s in stretches]
    assert found == [(0, 12, 0), (12, 20, 1), (20, 28, None)]
    np.testing.assert_allclose(stretches[0].probabilities, [0.725, 0.275])
    assert ClipAnswer('c', 5, (WindowAnswer(0, 5, 2, None),)).probabilities is None


def test_clips_get_the_joints_of_the_network():
    given, wanted = get_layout('coco_wholebody133'), get_layout('imigue22')
    place = np.arange(133 * 2, dtype=np.float32).reshape(1, 1, 133, 2) + 1
    clip = {'frame_dir': 'a', 'keypoint': place, 'keypoint_score': np.ones((1, 1, 133), np.float32)}
    found = with_joints(clip, given, wanted)
    np.testing.assert_array_equal(found['keypoint'][0, 0, 0], place[0, 0, 0])
    np.testing.assert_array_equal(found['keypoint'][0, 0, 1], place[0, 0, [5, 6]].mean(0))
    assert with_joints(clip, None, wanted) is clip is with_joints(clip, given, None)
    with pytest.raises(DataError, match='tip'):
        with_joints(clip, get_layout('coco17'), wanted)


def test_the_layout_of_a_network_is_said_by_its_pipeline_or_its_joints(model):
    assert layout_of_model(model) is None  # five joints, of no known layout
    for name in ('slowonly_r50_imigue_2dkp_emb20/joint', 'slowonly_r50_imigue22/limb'):
        network = init_recognizer(ROOT / f'configs/posec3d/{name}.py', device='cpu')
        assert layout_of_model(network).name == 'imigue22'
