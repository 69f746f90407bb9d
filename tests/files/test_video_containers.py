"""Every frame of a video is the one that a player shows at that place, whatever file it is in."""

from __future__ import annotations

import io
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from goldens import SMALL

from pyskl.errors import DataError
from pyskl.files.libraries import opencv
from pyskl.files.video_containers import inspect_container
from pyskl.files.videos import VideoFrames

VIDEOS = SMALL / 'video'  # 90 frames of 64 x 96, a key frame in 12; frame i shows i in binary
NAMES = ('h264.mp4', 'hevc.mp4', 'hevc.mkv', 'mpeg4_b.mp4', 'mpeg4_b.avi', 'wmv2.wmv', 'mpeg1.mpg')


def shown(frame: np.ndarray) -> int:
    """The number that a frame shows."""
    return sum(int(frame[16, 12 * digit + 6].mean() > 128) << digit for digit in range(8))


def by_opencv(path: Path) -> list[int]:
    """The numbers that the frames of a video show, read one after another."""
    video, numbers = opencv().VideoCapture(str(path)), []
    while (read := video.read())[0]:
        numbers.append(shown(read[1]))
    return numbers


def cut(path: Path, first: int, last: int) -> Path:
    """Cut h264.mp4 as players do, by its edit list: from frame `first` on, `last` frames less."""
    data = bytearray((VIDEOS / 'h264.mp4').read_bytes())
    place = data.index(b'elst') + 12
    duration, start = struct.unpack_from('>Ii', data, place)  # in 1/1000 s, and in 1/12800 s
    struct.pack_into('>Ii', data, place, duration - 40 * (first + last), start + 512 * first)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize('name', NAMES)
def test_frames_come_by_their_numbers(name):
    path, numbers = VIDEOS / name, np.random.default_rng(0).integers(0, 90, 12)
    assert by_opencv(path) == list(range(90))
    with VideoFrames(path) as video:
        assert len(video) == 90
        for number in (60, 13, 13, 14, 89, 0):
            assert shown(video.frames([number])[0]) == number
        near = [shown(frame) for frame in video.nearby_frames([30, 5])]
        assert [shown(frame) for frame in video.frames(numbers, close=True)] == numbers.tolist()
        assert video._reader is None
    # A key frame is taken only where decord finds it.
    assert near == ([36, 0] if name == 'h264.mp4' else [30, 5])


@pytest.mark.parametrize(
    'first, last, length', [(0, 0, 90), (5, 0, 85), (0, 10, 80), (17, 3, 70), (12, 0, 78)]
)
def test_a_cut_video_has_the_frames_that_players_show(first, last, length, tmp_path):
    path = cut(tmp_path / 'cut.mp4', first, last)
    assert by_opencv(path) == list(range(first, 90 - last))
    with VideoFrames(path) as video:
        assert len(video) == length
        assert [shown(frame) for frame in video.frames(range(length))] == by_opencv(path)
        assert shown(video.frames([9])[0]) == first + 9
    with VideoFrames(path) as video, pytest.raises(DataError, match=f'frame {length} of {length}'):
        video.frames([length])


def test_a_turned_phone_gives_turned_pictures(tmp_path):
    data = bytearray((VIDEOS / 'h264.mp4').read_bytes())
    one = 1 << 16
    turned = struct.pack('>9i', 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    place = data.index(b'tkhd') + 44
    data[place : place + 36] = turned
    (tmp_path / 'turned.mp4').write_bytes(data)
    with VideoFrames(tmp_path / 'turned.mp4') as video:
        frame = video.frames([0])[0]
    red = frame[..., 0].astype(int) - frame[..., 1] > 100
    assert frame.shape == (96, 64, 3)
    # A quarter clockwise: the lower left corner becomes the upper left one.
    assert red[:24, :32].mean() > 0.9 and red.mean() < 0.15


def test_a_transport_stream_is_refused(tmp_path):
    for name, packet in (('a.ts', b'G' + bytes(187)), ('a.m2ts', bytes(4) + b'G' + bytes(187))):
        (tmp_path / name).write_bytes(packet * 9)
        with pytest.raises(DataError, match='-c copy'):
            VideoFrames(tmp_path / name)


def test_an_ending_says_nothing(tmp_path):
    shutil.copy(VIDEOS / 'mpeg4_b.avi', tmp_path / 'a.mp4')
    with VideoFrames(tmp_path / 'a.mp4') as video:
        assert shown(video.frames([40])[0]) == 40


@pytest.mark.parametrize('name', ['h264.mp4', 'hevc.mp4', 'hevc.mkv'])
def test_a_spoilt_file_is_looked_into_without_harm(name):
    data, rng = (VIDEOS / name).read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        spoilt = bytearray(data)
        for place in rng.integers(0, len(data), 9):
            spoilt[place : place + 4] = rng.bytes(4) if rng.random() < 0.5 else b'\xff' * 4
        inspect_container(io.BytesIO(spoilt[: rng.integers(len(data))]))
        moov = data.find(b'moov')
        place = moov + int(rng.integers(len(data) - moov)) if moov >= 0 else 0
        inspect_container(io.BytesIO(data[:place] + rng.bytes(4) + data[place + 4 :]))


def test_boxes_in_boxes_without_end_are_given_up():
    assert not inspect_container(io.BytesIO(struct.pack('>I4s', 2**31, b'moov') * 10**5)).jumps
