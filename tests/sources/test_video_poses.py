"""People in videos: followed in every frame; MediaPipe as a process, rtmlib as a package."""

import subprocess
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_videos import H, W, film, runs, stand_in
from numpy.testing import assert_allclose, assert_array_equal
from tiny import script

from pyskl.annotations import read_annotations
from pyskl.errors import DataError, UserError
from pyskl.skeletons import get_layout
from pyskl.sources.conversion import convert
from pyskl.sources.video_poses import Estimator, Videos, mediapipe_worker
from pyskl.sources.video_poses.frames import VideoReader
from pyskl.sources.video_poses.mediapipe import PYTHON, MediaPipe
from pyskl.sources.video_poses.rtm import RTMLib

BODY = np.stack([np.arange(17) % 4, np.arange(17) // 4], -1) * 3.0


class Rehearsed(Estimator):
    """Says of frame t what is in row t."""

    layout = 'coco17'

    def __init__(self, rows):
        self.rows = rows

    def people(self, frames, size):
        for frame, people in zip(frames, self.rows):
            assert frame.shape == (*size, 3) == (H, W, 3) and frame.dtype == np.uint8
            yield np.array(people, np.float32).reshape(-1, 17, 3)


def person(x, y=10.0, score=0.9):
    return np.concatenate([BODY + [x, y], np.full((17, 1), score)], axis=1)


def clip_of(path, rows, **how):
    [clip] = convert(Videos(estimator=Rehearsed(rows), **how), [path]).annotations
    return clip


def test_every_frame_is_kept_and_people_are_followed(tmp_path):
    path = film(tmp_path / 'a.mp4', [None] * 6, fps=12.5)
    a, b = [person(2 + t) for t in range(6)], [person(45 - t) for t in range(6)]
    rows = [[a[0], b[0]], [b[1], a[1]], [b[2]], [], [a[4], b[4]], [b[5], a[5]]]
    clip = clip_of(path, rows)
    assert clip['keypoint'].shape == (2, 6, 17, 2) and clip['total_frames'] == 6
    assert clip['img_shape'] == (H, W) and clip['fps'] == 12.5
    assert clip['frame_dir'] == 'a' and clip['filename'] == str(path)
    right, left = clip['keypoint'][..., 0, 0]  # b is seen more often
    assert_array_equal(right, [45, 44, 43, 0, 41, 40])
    assert_array_equal(left, [2, 3, 0, 0, 6, 7])
    assert_array_equal(clip['keypoint_score'][0, 3], np.zeros(17))


def test_unsure_joints_those_outside_and_nan_are_missing(tmp_path):
    path = film(tmp_path / 'a.mp4', [None])
    odd = person(10.0)
    odd[0, 2], odd[1, 0], odd[2, 1], odd[3] = 0.29, -1, H + 1, np.nan
    clip, unsure = clip_of(path, [[odd]]), clip_of(path, [[odd]], min_score=0.2)
    assert_array_equal(clip['keypoint_score'][0, 0] > 0, np.arange(17) > 3)
    assert not clip['keypoint'][0, 0, :4].any()
    assert unsure['keypoint_score'][0, 0, 0] > 0


@pytest.mark.parametrize(
    'name, raw',
    [('cut.mp4', None), ('noise.mp4', bytes(range(256)) * 9), ('empty.avi', b''),
        ('list.mp4', b'#EXTM3U\n/etc/passwd')],
)  # fmt: skip
def test_what_is_no_video_is_named_and_the_others_are_read(tmp_path, capfd, name, raw):
    good = film(tmp_path / 'good.mp4', [None] * 3)
    (tmp_path / name).write_bytes(good.read_bytes()[:300] if raw is None else raw)
    found = convert(Videos(estimator=Rehearsed([[person(9.0)]] * 3)), [tmp_path])
    assert [clip['frame_dir'] for clip in found.annotations] == ['good']
    assert any(str(tmp_path / name) in line for line in found.lines)
    assert 'extract_pose' not in ''.join(found.lines)  # which the user has just called
    assert capfd.readouterr().err == ''  # nothing of FFmpeg's own


def test_a_video_that_says_no_rate_is_read_and_the_annotation_has_none(tmp_path, monkeypatch):
    path = film(tmp_path / 'a.mp4', [None] * 2)
    monkeypatch.setattr('pyskl.files.videos.VideoFrames.fps', None)
    found = convert(Videos(estimator=Rehearsed([[person(9.0)]] * 2)), [path])
    assert 'fps' not in found.annotations[0]
    assert any('frame rate' in line for line in found.lines)


# MediaPipe ----------------------------------------------------------------------------------------

PLACES = [(20, 20), None, (40, 16), (44, 24)]


def test_the_worker_gives_landmarks_in_pixels_and_nobody_where_it_is_dark(tmp_path):
    video = VideoReader(film(tmp_path / 'a.mp4', PLACES))
    rows = list(MediaPipe(stand_in(tmp_path)).people(video, video.size))
    assert [row.shape[:2] for row in rows] == [(1, 67), (0, 67), (1, 67), (1, 67)]
    for place, joints in zip(filter(None, PLACES), np.concatenate(rows)):
        assert_allclose(joints[0, :2], np.array(place) - 0.5, atol=0.6)
        assert_allclose(joints[:2, 2], [0.9, 0.1], rtol=1e-6)
        assert (joints[25:46, 2] == 1).all() and np.isnan(joints[46:]).all()


def extract(out: Path, *words: object) -> dict:
    script('extract_pose').main([*map(str, words), '-o', str(out)])
    return read_annotations(out)


def test_extract_pose_writes_what_training_reads(tmp_path):
    for label, name, places in (('wave', 'a', PLACES), ('nod', 'b', PLACES[2:])):
        (tmp_path / label).mkdir()
        film(tmp_path / label / f'{name}.mp4', places)
    words = ['--mediapipe-python', stand_in(tmp_path), '--joints', 'imigue22', '--labels', 'folder']
    data = extract(tmp_path / 'o.pkl', tmp_path / 'nod', tmp_path / 'wave', *words)
    assert data['layout'] == 'imigue22' and data['label_names'] == ['nod', 'wave']
    b, a = data['annotations']
    assert (a['frame_dir'], a['label'], b['label']) == ('a', 1, 0)
    assert a['keypoint'].shape == (1, 4, 22, 2)
    place = get_layout('imigue22').joints.index
    score = a['keypoint_score'][0, 0]
    # The stand-in's third landmark, the left eye, lies outside; right hands it never finds.
    assert score[place('left eye')] == 0 == score[place('right thumb tip')]
    assert score[place('left thumb tip')] == 1 and score[place('neck')] == pytest.approx(0.8)
    assert_allclose(a['keypoint'][0, 2, place('neck')], [39.5, 15.5], atol=0.6)


@pytest.mark.parametrize('how, word', [('crash', 'out of ideas'), ('missing', 'No module named')])
def test_a_worker_that_ends_says_why(tmp_path, how, word):
    video = VideoReader(film(tmp_path / 'a.mp4', PLACES))
    with pytest.raises(UserError, match=word):
        list(MediaPipe(stand_in(tmp_path, how)).people(video, video.size))


def test_the_worker_ends_with_the_generator(tmp_path):
    video = VideoReader(film(tmp_path / 'a.mp4', PLACES))
    people = MediaPipe(stand_in(tmp_path)).people(video, video.size)
    next(people)
    pid = int((tmp_path / 'pid').read_text())
    assert runs(pid)
    people.close()
    assert not runs(pid)


def test_the_worker_ends_when_whoever_started_it_is_gone(tmp_path):
    command = [stand_in(tmp_path), '-I', mediapipe_worker.__file__, str(H), str(W)]
    done = subprocess.run(command, input=b'', capture_output=True, timeout=60, check=False)
    assert done.returncode == 0 and done.stdout == mediapipe_worker.READY


@pytest.mark.parametrize('python', ['python', '.'])
def test_a_python_that_is_not_there_is_named_with_the_command_that_makes_it(tmp_path, python):
    with pytest.raises(UserError, match='make pose-env'):
        MediaPipe(tmp_path / python)


# rtmlib -------------------------------------------------------------------------------------------


class Session:
    """Stands in for onnxruntime's: the file's text says what the network takes and gives."""

    def __init__(self, path, providers):
        text = Path(path).read_text()
        if not text.startswith('{'):
            raise RuntimeError('INVALID_PROTOBUF\nmore')
        self.said = eval(text, {})

    def get_inputs(self):
        return [types.SimpleNamespace(shape=self.said['takes'])]

    def get_outputs(self):
        return [types.SimpleNamespace(shape=shape) for shape in self.said['gives']]


class RTMPose:
    def __init__(self, onnx_model, size, backend, device):
        print('load it')
        self.size = size

    def __call__(self, picture, bboxes):
        assert self.size == (192, 256)
        blue = picture[..., 0].mean()
        places = np.array([[[x + j, y] for j in range(17)] for x, y, *_ in bboxes])
        return places, np.full((len(bboxes), 17), 1.5 if blue > 128 else 0.5)


class YOLOX:
    def __init__(self, onnx_model, size, backend, device):
        assert size == (416, 640)

    def __call__(self, picture):
        return np.array([[3, 4, 9, 9], [30, 4, 39, 9]][: 2 if picture.any() else 0])


@pytest.fixture
def rtmlib(monkeypatch, tmp_path):
    packages = {
        'rtmlib': types.SimpleNamespace(RTMPose=RTMPose, YOLOX=YOLOX),
        'onnxruntime': types.SimpleNamespace(InferenceSession=Session),
    }
    for name, package in packages.items():
        monkeypatch.setitem(sys.modules, name, package)
    files = {
        'pose.onnx': "{'takes': ['n', 3, 256, 192], 'gives': [['n', 17, 384], ['n', 17, 512]]}",
        'yolox.onnx': "{'takes': [1, 3, 416, 640], 'gives': [[1, 'n', 5]]}",
        'other.onnx': "{'takes': [1, 3, 256, 192], 'gives': [[1, 21, 384], [1, 21, 512]]}",
        'any.onnx': "{'takes': [1, 3, 'h', 'w'], 'gives': [[1, 17, 384], [1, 17, 512]]}",
        'noise.onnx': 'noise',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_rtmlib_gets_blue_green_red_and_gives_people_in_its_layout(rtmlib, capsys):
    blue = np.zeros((H, W, 3), np.uint8)
    blue[..., 2] = 255
    dark = np.zeros_like(blue)
    finds = RTMLib(rtmlib / 'pose.onnx', rtmlib / 'yolox.onnx')
    rows = list(finds.people([blue, dark], (H, W)))
    assert finds.layout == 'coco17' and [row.shape for row in rows] == [(2, 17, 3), (0, 17, 3)]
    assert_array_equal(rows[0][:, 1], [[4, 4, 1], [31, 4, 1]])
    [whole] = RTMLib(rtmlib / 'pose.onnx').people([dark], (H, W))
    assert_array_equal(whole[0, 0], [0, 0, 0.5])
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize('file', ['other.onnx', 'any.onnx', 'noise.onnx', 'none.onnx', '.'])
def test_what_is_no_network_of_rtmpose_is_named(rtmlib, file):
    with pytest.raises(DataError, match=str(rtmlib / file)):
        RTMLib(rtmlib / file)


def test_rtmlib_that_is_not_installed_is_one_line_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    (tmp_path / 'pose.onnx').write_text('x')
    with pytest.raises(UserError, match=r"pip install -e '\.\[pose\]'") as error:
        RTMLib(tmp_path / 'pose.onnx')
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'option, value',
    [
        ('--rtm-detector', 'x.onnx'),
        ('--rtm-pose', 'x.onnx'),
        ('--min-score', 2),
        ('--max-people', 0),
    ],
)
def test_options_that_contradict_are_refused(tmp_path, option, value):
    video, python = film(tmp_path / 'a.mp4', [None]), stand_in(tmp_path)
    with pytest.raises(UserError):
        extract(tmp_path / 'o.pkl', video, '--mediapipe-python', python, option, value)
    assert not (tmp_path / 'o.pkl').exists()


# A real person ------------------------------------------------------------------------------------

# Where scikit-image's picture of an astronaut (512 x 512) shows them, read off by eye.
ASTRONAUT = {
    'nose': (226, 120),
    'left eye': (248, 103),
    'left shoulder': (295, 240),
    'right shoulder': (118, 225),
}
MOVES = [(3 * t, 2 * t + 40) for t in range(16)]


@pytest.fixture(scope='module')
def astronaut(tmp_path_factory):
    """A film of the astronaut, moved about: 640 x 640."""
    folder = tmp_path_factory.mktemp('astronaut')
    if not PYTHON.exists():
        pytest.skip("there is no .venv-pose: 'make pose-env' makes it")
    take = (
        'import mediapipe, numpy as np; from skimage import data; '
        f'np.save({str(folder / "a.npy")!r}, data.astronaut())'
    )
    if subprocess.run([PYTHON, '-I', '-c', take], capture_output=True, check=False).returncode:
        pytest.skip("mediapipe or scikit-image is not in .venv-pose: 'make test-slow' adds them")
    picture = np.load(folder / 'a.npy')[..., ::-1]
    writer = cv2.VideoWriter(str(folder / 'a.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 25, (640, 640))
    for x, y in MOVES:
        frame = np.full((640, 640, 3), 128, np.uint8)
        frame[y : y + 512, x : x + 512] = picture
        writer.write(frame)
    writer.release()
    return folder / 'a.mp4'


@pytest.mark.slow
@pytest.mark.parametrize('layout', ['mediapipe_upper_hands', 'imigue22'])
def test_mediapipe_sees_a_real_person_where_the_picture_has_them(astronaut, tmp_path, layout):
    [clip] = extract(tmp_path / 'o.pkl', astronaut, '--joints', layout)['annotations']
    assert clip['keypoint'].shape[:2] == (1, len(MOVES)) and clip['img_shape'] == (640, 640)
    names = get_layout(layout).joints
    for joint, place in ASTRONAUT.items():
        at = clip['keypoint'][0, :, names.index(joint)] - np.array(MOVES)
        off = np.linalg.norm(at - place, axis=-1)
        assert off.max() < 0.06 * 640 and np.median(off) < 0.04 * 640, (joint, off)
    # The left hand is behind the helmet.
    assert (clip['keypoint_score'][0, :, names.index('left thumb tip')] == 0).mean() > 0.8
