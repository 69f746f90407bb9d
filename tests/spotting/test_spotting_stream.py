"""A stream of frames has the scores of the whole recording, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
from spotting_problem import WINDOWS, recording, spotter

from pyskl.apis import Stream
from pyskl.errors import ConfigError, DataError
from pyskl.spotting.segments import Thresholds


def frames_of(given):
    return np.concatenate([given.keypoint, given.score[..., None]], -1).swapaxes(0, 1)


def answers_of(stream: Stream, frames) -> list:
    found = [answer for frame in frames for answer in stream.push(frame)]
    return found + stream.close()


def check_same(answers, offline):
    """Compare the answers of a stream with the scores of the whole recording."""
    np.testing.assert_array_equal([answer.probs for answer in answers], offline.probs)


@pytest.mark.parametrize('num_frames', [1, 20, 51, 52, 150])
def test_a_stream_equals_the_offline_road(tmp_path, num_frames):
    found, given = spotter(tmp_path), recording(num_frames)
    offline = found.scores(given)
    answers = answers_of(Stream(found, 'imigue22', 30), frames_of(given))
    assert [a.frame for a in answers] == offline.middles.tolist()
    check_same(answers, offline)


@pytest.mark.parametrize('fps', [15, 25, 60])
def test_a_stream_of_another_rate_equals_the_offline_road(tmp_path, fps):
    found, given = spotter(tmp_path), recording(100)
    answers = answers_of(Stream(found, 'imigue22', fps), frames_of(given))
    check_same(answers, found.scores(given, fps))
    assert max(a.frame for a in answers) < 100


def test_answers_come_block_by_block_as_soon_as_their_windows_are_whole(tmp_path):
    stream = Stream(spotter(tmp_path), 'imigue22', every=32)
    came = [len(stream.push(frame)) for frame in frames_of(recording(130))]
    first = WINDOWS.every - WINDOWS.stride + WINDOWS.behind
    assert [i for i, n in enumerate(came) if n] == [first - 1, first + 31, first + 63]
    assert set(came) == {0, 8}


def test_memory_is_that_of_a_block_however_long_it_runs(tmp_path):
    stream, most = Stream(spotter(tmp_path), 'imigue22', every=32), 0
    for frame in frames_of(recording(400)):
        stream.push(frame)
        most = max(most, len(stream._frames))
    assert most <= 32 + max(WINDOWS.lengths)


@pytest.mark.parametrize('fps', [30, 50])
def test_segments_come_out_as_frames_go_in_and_are_those_of_the_whole(tmp_path, fps):
    found, given = spotter(tmp_path), recording(250)
    probs = found.scores(given, fps).probs
    often = float(np.median(probs[:, :32].max(1)))  # reached again and again
    how = Thresholds(often, 3.0, 4, 4, background=32)
    whole = found.segments(given, how, fps)
    stream, came = Stream(found, 'imigue22', fps, thresholds=how), []
    for frame in frames_of(given):
        stream.push(frame)
        came += stream.segments()
    early = len(came)
    stream.close()
    came += stream.segments()
    assert came == whole and early > 0 and stream.segments() == []


def test_a_stream_without_thresholds_says_that_it_finds_no_segments(tmp_path):
    found = spotter(tmp_path)
    with pytest.raises(ConfigError, match='thresholds'):
        Stream(found, 'imigue22').segments()
    with pytest.raises(ConfigError, match='32'):
        Stream(found, 'imigue22', thresholds=Thresholds(background=31))


def test_dropped_frames_are_frames_without_anybody(tmp_path):
    found, given = spotter(tmp_path), recording(90)
    frames = frames_of(given)
    frames[20:25] = given.keypoint[:, 20:25] = given.score[:, 20:25] = 0
    told = Stream(found, 'imigue22')
    by_none = answers_of(told, [None if 20 <= i < 25 else f for i, f in enumerate(frames)])
    counted = Stream(found, 'imigue22')
    by_number = [a for i, f in enumerate(frames) if not 20 <= i < 25 for a in counted.push(f, i)]
    by_number += counted.close()
    for answers in (by_none, by_number):
        check_same(answers, found.scores(given))


def test_people_come_and_go(tmp_path):
    found, given = spotter(tmp_path), recording(80, people=2)
    given.keypoint[1, 30:] = given.score[1, 30:] = 0
    frames = [people[: 1 if i >= 30 else 2] for i, people in enumerate(frames_of(given))]
    frames[70] = frames[70][0]  # one person may come without the axis of people
    check_same(answers_of(Stream(found, 'imigue22'), frames), found.scores(given))


def test_nan_is_a_missing_joint(tmp_path):
    found, frames = spotter(tmp_path), frames_of(recording(40))
    zeros, nans = frames.copy(), frames.copy()
    zeros[5, 0, 3], nans[5, 0, 3] = 0, np.nan
    a, b = (answers_of(Stream(found, 'imigue22'), each) for each in (zeros, nans))
    np.testing.assert_array_equal([x.probs for x in a], [x.probs for x in b])


def test_what_is_no_frame_is_refused(tmp_path):
    found = spotter(tmp_path)
    for wrong in (np.zeros((22, 2)), np.zeros((1, 21, 3)), 'x', np.full((22, 3), np.inf)):
        with pytest.raises(DataError):
            Stream(found, 'imigue22').push(wrong)
    stream = Stream(found, 'imigue22')
    stream.push(None, 3)
    for number in (3, 10**9):  # a clock's count, say: hours of dropped frames
        with pytest.raises(DataError):
            stream.push(None, number)
    stream.close()
    with pytest.raises(DataError):
        stream.push(None)
    with pytest.raises(ConfigError):
        Stream(found, 'coco')
    with pytest.raises(ConfigError):
        Stream(found, 'imigue22', fps=0)


def test_a_stream_without_frames_has_no_answers(tmp_path):
    assert Stream(spotter(tmp_path), 'imigue22').close() == []
