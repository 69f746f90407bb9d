"""The frames of videos in a report: where they are cut, how many fit, what cannot be read."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest
from packed_clips import unpack_clip

from pyskl.annotations import make_annotation, read_annotations
from pyskl.report.packing import pack_clip as pack_key_points
from pyskl.report.pictures import MARGIN, MAX_FRAMES, TILE, pack_pictures
from pyskl.sources.synthetic import write_video_data

PLENTY = 10**7


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('report_video')
    write_video_data(folder, 3, 0, 0, seed=1)
    return folder


def clips_of(folder) -> list[dict]:
    return read_annotations(folder / 'annotations.pkl')['annotations']


def strip_of(text: str) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_COLOR)[
        ..., ::-1
    ]


def test_a_clip_has_a_row_of_square_frames(made):
    packed = pack_pictures(clips_of(made), str(made / 'videos'), [0, 1, 2], PLENTY)
    assert packed.notes == []
    for text, number in zip(packed.texts, packed.numbers):
        assert number == MAX_FRAMES
        assert strip_of(text).shape == (TILE, TILE * number, 3)


def test_frames_lie_where_the_player_draws_the_joints(tmp_path):
    """A white dot on black, at the place of a joint, is where skeleton.js would put that joint."""
    keypoint = np.zeros((1, 4, 3, 2), np.float32)
    keypoint[0, :] = [(40, 30), (120, 60), (70, 90)]
    frame = np.zeros((120, 160, 3), np.uint8)
    cv2.circle(frame, (70, 90), 4, (255, 255, 255), -1)
    form = cv2.VideoWriter_fourcc(*'mp4v')
    writer = cv2.VideoWriter(str(tmp_path / 'a.mp4'), form, 10, (160, 120))
    for _ in range(4):
        writer.write(frame)
    writer.release()
    clip = make_annotation('a', keypoint, label=0, img_shape=(120, 160))
    packed = pack_pictures([clip], str(tmp_path), [0], PLENTY)
    tile = strip_of(packed.texts[0])[:, :TILE].mean(-1)
    rows, columns = np.nonzero(tile > 128)

    # what skeleton.js computes: drawClip
    clip_packed = pack_key_points(keypoint, np.ones((1, 4, 3)))
    *corner, extent = clip_packed.box
    xy, _ = unpack_clip(clip_packed, 10)
    scale = TILE * (1 - 2 * MARGIN) / extent
    shown = (xy - corner).max((0, 1, 2)) * scale
    place = ([70, 90] - np.array(corner)) * scale + (TILE - shown) / 2
    assert abs(columns.mean() - place[0]) < 1 and abs(rows.mean() - place[1]) < 1


def test_what_does_not_fit_is_left_out_from_the_end_and_told(made):
    clips, videos = clips_of(made), str(made / 'videos')
    whole = pack_pictures(clips, videos, [2, 0, 1], PLENTY)
    budget = len(whole.texts[2]) + len(whole.texts[0])
    packed = pack_pictures(clips, videos, [2, 0, 1], budget)
    assert packed.texts == [whole.texts[0], '', whole.texts[2]]
    assert len(packed.notes) == 1 and '1 clip ' in packed.notes[0]


def test_a_video_that_is_not_there_is_told_and_the_others_are_shown(made):
    clips = clips_of(made)
    clips[1]['filename'] = 'gone.mp4'
    packed = pack_pictures(clips, str(made / 'videos'), [0, 1, 2], PLENTY)
    assert [bool(text) for text in packed.texts] == [True, False, True]
    assert len(packed.notes) == 1 and 'gone.mp4' in packed.notes[0]
