"""Windows of a recording: where they lie, what they sample; sharing frames changes nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from config_files import CONFIGS
from spotting_problem import WINDOWS, recording, spotter

from pyskl.annotations.segments import Segment
from pyskl.apis import load_spotter, window_scores
from pyskl.apis.long_clips import answer_clip, windows_of
from pyskl.apis.spotting import Spotter
from pyskl.datasets.pipelines import Compose
from pyskl.errors import ConfigError
from pyskl.models.cpu import frame_sharing
from pyskl.spotting.frame_rate import in_file_frames, num_resampled, resample
from pyskl.spotting.sampling import sample_frames, sampling_fault, window_pipeline
from pyskl.spotting.windows import Windows


@pytest.mark.parametrize('num_frames', [1, 3, 31, 32, 33, 64, 150])
def test_every_window_stands_around_its_middle_and_inside(num_frames):
    middles = []
    for block in WINDOWS.blocks(num_frames):
        for middle, spans in zip(block.middles, block.spans):
            for length, (start, stop) in zip(WINDOWS.lengths, spans):
                assert start == max(middle - length // 2, 0)
                assert stop == min(middle - length // 2 + length, num_frames) and start < stop
                assert block.start <= start and stop <= block.stop
        middles += block.middles.tolist()
    assert middles == [*range(0, num_frames, 4)]


def test_a_block_is_whole_when_the_frames_behind_its_last_middle_are_there():
    last = WINDOWS.every - WINDOWS.stride
    assert WINDOWS.block(0, 10**6).stop == last + WINDOWS.behind
    assert WINDOWS.block(5, 10**6).start == 5 * WINDOWS.every - WINDOWS.before


def test_sampling_takes_the_middles_of_equal_parts():
    assert sample_frames(10, 18, 4).tolist() == [11, 13, 15, 17]
    assert sample_frames(10, 12, 5).tolist() == [10, 11, 10, 11, 10]  # as UniformSampleFrames
    shared = set(sample_frames(0, 48, 24)) & set(sample_frames(8, 56, 24))
    assert len(shared) == 20


def test_windows_out_of_range_are_refused():
    for wrong in (
        dict(lengths=()),
        dict(lengths=(1,)),
        dict(lengths=(8, 8)),
        dict(stride=0),
        dict(lengths=(8,), stride=9),
        dict(every=12),
        dict(fps=0.0),
    ):
        with pytest.raises(ConfigError):
            Windows(**wrong)


def test_sampling_and_decoding_in_one_step_gives_the_same():
    given = {**recording(60).cut(0, 60), 'windows': np.array([[0, 16], [10, 50]])}

    def sampled(*types):
        steps = Compose([dict(type=types[0], clip_len=8), *map(dict, types[1:])])
        return window_pipeline(steps, 'x')({**given, 'test_mode': True})

    once, apart = sampled('UniformSampleDecode'), sampled('UniformSample', {'type': 'PoseDecode'})
    assert np.array_equal(once['keypoint'][..., :2], apart['keypoint'])
    assert np.array_equal(once['keypoint'][..., 2], apart['keypoint_score'])
    steps = [dict(type='SampleFrames', clip_len=8), dict(type='PoseDecode')]
    assert 'UniformSample' in sampling_fault(Compose(steps))


# -- scores: the slow twin passes each window alone, as a clip of its own --------------------------


def slow_scores(found: Spotter, given) -> np.ndarray:
    """Score the windows of each block one by one."""
    rows = []
    for block in found.windows.blocks(given.num_frames):
        clip = given.cut(block.start, block.stop)
        for i in range(len(block.middles)):
            one = replace(block, middles=block.middles[i : i + 1], spans=block.spans[i : i + 1])
            alone = (replace(one, spans=one.spans[:, w : w + 1]) for w in range(2))
            rows.append(np.mean([found.block_scores(clip, window)[0] for window in alone], 0))
    return np.stack(rows)


def test_windows_together_equal_windows_alone(tmp_path):
    found, given = spotter(tmp_path), recording()
    scores = found.scores(given)
    assert scores.probs.shape == (38, 33) and scores.num_frames == 150
    np.testing.assert_allclose(scores.probs, slow_scores(found, given), atol=2e-6)
    np.testing.assert_allclose(scores.probs.sum(1), 1, atol=1e-5)


def test_windows_without_anybody_are_background(tmp_path):
    found = spotter(tmp_path, Windows((8, 16), 4, 32, 30))
    scores = found.scores(recording())
    inside, background = (scores.middles >= 68) & (scores.middles <= 77), scores.probs[:, 32]
    assert inside.sum() >= 2 and (background[inside] == 1).all() and (background[~inside] < 1).all()
    found.background = None
    assert not found.scores(recording()).probs[inside].any()


def test_heatmap_networks_draw_each_frame_that_windows_share_once(tmp_path, monkeypatch):
    tiny.write_data(tmp_path)
    torch.manual_seed(1)
    config = tiny.write_config(tmp_path)
    found = load_spotter([(config, None)], windows=Windows((16, 32), 4, 32))
    drawn, of = [], frame_sharing.SharedFrames.of.__func__

    def counting(cls, imgs, backbone):
        shared = of(cls, imgs, backbone)
        assert shared is not None
        drawn.append((shared.frames.heatmaps.keypoint.shape[1], imgs.keypoint.shape[1]))
        return shared

    monkeypatch.setattr(frame_sharing.SharedFrames, 'of', classmethod(counting))
    given = recording(64, joints=5)
    given = replace(given, score=np.maximum(given.score, 0.3))
    scores = found.scores(given)
    assert all(distinct < views for distinct, views in drawn) and drawn
    monkeypatch.setattr(frame_sharing.SharedFrames, 'of', lambda imgs, backbone: None)
    np.testing.assert_allclose(scores.probs, found.scores(given).probs, atol=2e-5)


def test_streams_are_blended_by_their_weights(tmp_path):
    one, other = spotter(tmp_path), spotter(tmp_path, seed=6)
    both = Spotter([*one.models, *other.models], WINDOWS, [1, 3], 32)
    given = recording(40)
    expected = 0.25 * one.scores(given).probs + 0.75 * other.scores(given).probs
    # Models that are prepared already answer for each view as before.
    np.testing.assert_allclose(both.scores(given).probs, expected, atol=1e-6)
    with pytest.raises(ConfigError):
        Spotter([*one.models, *other.models, *one.models], WINDOWS)


# -- other rates -----------------------------------------------------------------------------------


@pytest.mark.parametrize('rate', [0.5, 0.8, 1.0, 2.0, 25 / 30, 60 / 25])
@pytest.mark.parametrize('num_frames', [1, 2, 9, 10, 101])
def test_a_recording_brought_to_another_rate_lasts_as_long(rate, num_frames):
    given = recording(num_frames, seed=3)
    brought = resample(given, rate)
    assert brought.num_frames == num_resampled(num_frames, rate)
    assert abs(brought.num_frames * rate - num_frames) <= max(1, rate)
    whole = in_file_frames([Segment(0, brought.num_frames - 1, 0)], 7, num_frames, rate)[0]
    assert whole.start == 7 and abs(whole.end - (7 + num_frames - 1)) <= max(1, rate)


def test_twice_the_rate_gives_the_same_segments_at_twice_the_frames(tmp_path):
    found, given = spotter(tmp_path), recording(120)
    double = replace(given, keypoint=given.keypoint.repeat(2, 1), score=given.score.repeat(2, 1))
    slow, fast = found.scores(given), found.scores(double, fps=60)
    np.testing.assert_array_equal(slow.middles, fast.middles)
    np.testing.assert_allclose(slow.probs, fast.probs, atol=1e-6)


# -- other networks --------------------------------------------------------------------------------


def test_the_mean_of_several_answers_counts(tmp_path, monkeypatch):
    found, given, predict = spotter(tmp_path), recording(20), window_scores.predict
    one = found.scores(given).probs

    def twice(*given):
        score = predict(*given)['score']
        return {'a': score, 'b': score.flip(-1)}

    monkeypatch.setattr(window_scores, 'predict', twice)
    np.testing.assert_allclose(found.scores(given).probs, (one + one[:, ::-1]) / 2, atol=1e-6)


@pytest.mark.parametrize('name', ['rgb', 'rgbpose'])
def test_networks_that_see_pictures_are_refused(name):
    with pytest.raises(ConfigError, match=rf'{name}\.py.*pictures'):
        load_spotter([(CONFIGS / 'rgbpose_conv3d' / 'demo' / f'{name}.py', None)], windows=WINDOWS)


def test_long_clips_are_answered_by_the_windows_of_the_config(tmp_path):
    (model,), given = spotter(tmp_path).models, recording()
    windows = windows_of(model)
    assert (windows.lengths, windows.stride, windows.fps) == ((16, 40), 4, 30)
    scores = Spotter([model], windows, background=32).scores(given)
    answer = answer_clip(model, given.cut(0, given.num_frames), windows)
    assert [w.middle for w in answer.windows] == scores.middles.tolist()
    assert (answer.windows[5].start, answer.windows[5].stop) == (0, 40)
    for window, probs in zip(answer.windows, scores.probs):
        assert np.array_equal(window.probabilities, probs)
