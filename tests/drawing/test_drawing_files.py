"""Pictures and films as files: written whole or not at all, and read back."""

import wave

import numpy as np
import pytest

from pyskl.drawing import writing
from pyskl.drawing.canvas import blank, dot
from pyskl.drawing.clip import first_frame
from pyskl.drawing.video import Video
from pyskl.drawing.writing import check_suffix, write_moving, write_png
from pyskl.errors import DataError, UserError
from pyskl.files.libraries import decord, opencv

RED, GREEN = (213, 40, 30), (0, 158, 115)


def pictures(count=7, height=63, width=81):
    """A red spot that moves to the right over green."""
    for i in range(count):
        canvas = blank(height, width, GREEN)
        dot(canvas, (10 + 8 * i, 30), RED, 6)
        yield canvas


def spots(frames):
    """Where the reddest pixels of each frame are, in x."""
    return [float(np.argmax((f[..., 0].astype(int) - f[..., 1]).max(0) > 100)) for f in frames]


def test_a_png_comes_back_bit_for_bit(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (31, 47, 3), dtype=np.uint8)
    write_png(tmp_path / 'x.png', picture)
    assert np.array_equal(opencv().imread(str(tmp_path / 'x.png'))[..., ::-1], picture)


def test_a_gif_has_every_frame_in_order_with_its_time_and_goes_round(tmp_path):
    write_moving(tmp_path / 'x.gif', pictures(), fps=12.5)
    done, film = opencv().imreadanimation(str(tmp_path / 'x.gif'))
    frames = [frame[..., 2::-1] for frame in film.frames]
    assert done and set(np.ravel(film.durations)) == {80} and film.loop_count == 0
    assert np.diff(spots(frames)) == pytest.approx([8] * 6, abs=1)
    assert frames[0].shape == (64, 82, 3)
    assert np.abs(frames[3][45:62, 2:40].mean((0, 1)) - GREEN).max() < 32


@pytest.mark.parametrize('codecs', [writing.CODECS, ('zzzz', 'mp4v')])
def test_an_mp4_has_every_frame_in_order_as_decord_reads_it(tmp_path, monkeypatch, codecs):
    monkeypatch.setattr(writing, 'CODECS', codecs)  # an OpenCV without VP9 takes the next
    write_moving(tmp_path / 'x.mp4', pictures(), fps=20)
    video = Video(tmp_path / 'x.mp4')
    assert (len(video), video.height, video.width) == (7, 64, 82)
    assert video.fps == pytest.approx(20)
    assert np.diff(spots([video[i] for i in range(7)])) == pytest.approx([8] * 6, abs=1)
    assert np.abs(video[3][50, 70].astype(int) - GREEN).max() < 25


@pytest.mark.parametrize('suffix', ['.gif', '.mp4'])
def test_a_film_that_fails_half_way_leaves_what_was_there(tmp_path, suffix):
    def breaking():
        yield from pictures(2)
        raise DataError('the third is broken')

    path = tmp_path / f'x{suffix}'
    path.write_text('before')
    with pytest.raises(DataError, match='the third'):
        write_moving(path, breaking(), 25)
    assert path.read_text() == 'before' and list(tmp_path.iterdir()) == [path]


def test_a_film_that_opencv_could_not_write_whole_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / 'x.mp4'
    monkeypatch.setattr(writing, 'CODECS', ('zzzz',))
    with pytest.raises(UserError, match=r'writes no MP4 here.*Write a \.gif'):
        write_moving(path, pictures(), 25)
    monkeypatch.undo()

    class Forgetful:  # as on a full disk: OpenCV says nothing
        write = release = staticmethod(lambda *_: None)

    monkeypatch.setattr(writing, '_writer', lambda *_: Forgetful())
    with pytest.raises(UserError, match='only 0 of 7 pictures could be written'):
        write_moving(path, pictures(), 25)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('suffix', ['.png', '.gif', '.mp4'])
def test_a_place_that_cannot_be_written_is_named(tmp_path, suffix):
    (tmp_path / 'file').write_text('')
    path = tmp_path / 'file' / f'x{suffix}'
    with pytest.raises(UserError, match='cannot be written'):
        write_png(path, blank(4, 4)) if suffix == '.png' else write_moving(path, pictures(), 25)


def test_suffixes_are_told_before_anything_is_drawn():
    assert check_suffix('a/X.PNG') == '.png'
    with pytest.raises(UserError, match=r'\.jpg files .*\.png or \.gif or \.mp4'):
        check_suffix('x.jpg')
    with pytest.raises(UserError, match='without a suffix'):
        check_suffix('x', ['.png'])


def test_what_is_no_video_is_one_message(tmp_path, capfd):
    """FFmpeg opens sound and subtitles, too; they contain no pictures."""
    with pytest.raises(DataError, match='no such video file'):
        Video(tmp_path / 'x.mp4')
    write_moving(tmp_path / 'whole.mp4', pictures(), 25)
    (tmp_path / 'half.mp4').write_bytes((tmp_path / 'whole.mp4').read_bytes()[:-400])
    (tmp_path / 'empty.mp4').touch()
    (tmp_path / 'text.mp4').write_bytes(b'no film at all' * 99)
    (tmp_path / 'x.srt').write_text('1\n00:00:00,000 --> 00:00:02,000\nhello\n')
    with wave.open(str(tmp_path / 'x.wav'), 'wb') as sound:
        sound.setparams((1, 2, 8000, 0, 'NONE', ''))
        sound.writeframes(bytes(16000))
    for name in ('half.mp4', 'empty.mp4', 'text.mp4', 'x.srt', 'x.wav'):
        with pytest.raises(DataError, match=f'{name}: cannot be read as a video'):
            Video(tmp_path / name)
    assert capfd.readouterr().err == ''  # decord's own words would be a second message


def test_a_frame_that_decord_refuses_is_named(tmp_path):
    write_moving(tmp_path / 'x.mp4', pictures(), 25)
    video = Video(tmp_path / 'x.mp4')

    class Broken:
        def __getitem__(self, index):
            raise decord().base.DECORDError('libavcodec says no')

    video._frames = Broken()
    with pytest.raises(DataError, match=r'x\.mp4: frame 3 cannot be decoded'):
        video[3]


class Film:
    path, width, height = 'x.mp4', 320, 180

    def __init__(self, frames):
        self.frames = frames

    def __len__(self):
        return self.frames


HD = (1080, 1920)


def clip(size=HD):
    return {'frame_dir': 'a', 'img_shape': size, 'keypoint': np.ones((1, 20, 5, 2))}


@pytest.mark.parametrize(
    'length, offset, first', [(20, None, 0), (15, None, 0), (50, 0, 0), (50, 35, 35), (15, 0, 0)]
)
def test_the_first_frame_of_a_clip_in_its_video(length, offset, first):
    # 20 frames, the last 5 of them fill
    assert first_frame(clip(), Film(length), 15, offset) == first


@pytest.mark.parametrize(
    'length, size, offset, complaint',
    [
        (50, HD, None, r'has 50 frames, clip a has 20\..*--offset N'),
        (14, HD, None, 'has 14 frames'),
        (50, HD, 36, 'Expected --offset 0 to 35'),
        (50, HD, -1, 'Expected --offset 0 to 35'),
        (14, HD, 0, 'too short'),
        (20, (480, 640), None, '320 x 180, but clip a was taken from 640 x 480'),
    ],
)
def test_a_video_of_another_length_or_shape_is_told(length, size, offset, complaint):
    with pytest.raises(DataError, match=complaint):
        first_frame(clip(size), Film(length), 15, offset)
