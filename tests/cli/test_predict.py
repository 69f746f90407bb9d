"""tools/predict.py on videos and other forms: what it writes, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import cv2
import numpy as np
import pytest
import tiny_videos
import torch
from made_videos import film, stand_in
from raw_forms import H, W, made_up, openpose
from tiny import ROOT, run, script

from pyskl.annotations import read_annotations
from pyskl.apis import inference_recognizer, init_recognizer
from pyskl.errors import DataError, UserError

CONFIG = ROOT / 'configs' / 'demo' / 'joint.py'
PLACES = [(20, 20), (24, 20), (28, 20), None, (32, 20), (36, 20), (40, 20), (40, 24)]


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'w.pth'
    torch.save({'state_dict': init_recognizer(CONFIG, device='cpu').state_dict(), 'meta': {}}, path)
    return path


@pytest.fixture
def predict(weights, tmp_path):
    """Run the script with one view; return what answers.json holds."""

    def predict(*words, config=CONFIG):
        out = tmp_path / 'out'
        given = [config, *words, '-C', weights, '-o', out, '--views', '1', '--device', 'cpu']
        script('predict').main(' '.join(map(str, given)).split())
        return json.loads((out / 'answers.json').read_text())

    return predict


def frames_of(path):
    film = cv2.VideoCapture(str(path))
    return int(film.get(cv2.CAP_PROP_FRAME_COUNT)), film.get(cv2.CAP_PROP_FPS)


def test_a_video_becomes_answers_a_timeline_an_overlay_and_key_points(predict, tmp_path, capsys):
    video = film(tmp_path / 'a.mp4', PLACES, fps=10)
    told = predict(video, '--mediapipe-python', stand_in(tmp_path), '--window', '4')
    [clip] = told['clips']
    assert (clip['name'], clip['video'], clip['frames'], clip['fps']) == ('a', str(video), 8, 10)
    assert [w['frames'] for w in clip['windows']] == [[0, 1], [0, 3], [2, 5], [4, 7]]
    assert clip['windows'][2]['seconds'] == [0.2, 0.6]
    assert len(told['classes']) == 32 and clip['answer'][0]['name'] in told['classes']
    best = [one['probability'] for one in clip['answer']]
    assert len(best) == 5 and best == sorted(best, reverse=True) and 0 < best[-1] <= best[0] < 1
    covered = [t for s in clip['timeline'] for t in range(s['frames'][0], s['frames'][1] + 1)]
    assert covered == list(range(8))
    assert frames_of(tmp_path / 'out' / 'a.mp4') == (8, 10)
    assert f'a: {clip["answer"][0]["name"]}' in capsys.readouterr().out
    keypoints = read_annotations(tmp_path / 'out' / 'keypoints.pkl')
    assert keypoints['layout'] == 'mediapipe_upper_hands'

    # The same from key points that were found before, without an estimator.
    kept = shutil.copy(tmp_path / 'out' / 'keypoints.pkl', tmp_path / 'kept.pkl')
    again = predict(f'{video} --pose {kept} --window 4 --no-overlay')
    assert again['clips'] == told['clips']
    from_file = predict(f'{kept} --window 4 --no-overlay')
    assert from_file['clips'] == told['clips']
    with pytest.raises(DataError, match='other.mp4'):
        predict(film(tmp_path / 'other.mp4', PLACES), '--pose', kept)


def test_videos_without_people_or_frames_are_named_and_the_others_answered(
    predict, tmp_path, capsys
):
    full, empty = film(tmp_path / 'a.mp4', PLACES), film(tmp_path / 'empty.mp4', [None] * 4)
    noise = tmp_path / 'noise.mp4'
    noise.write_bytes(bytes(range(256)) * 20)
    how = ('--mediapipe-python', stand_in(tmp_path), '--no-overlay')
    told = predict(full, empty, noise, *how)
    assert [clip['name'] for clip in told['clips']] == ['a']
    said = capsys.readouterr().out
    assert 'empty.mp4' in said and 'noise.mp4' in said
    with pytest.raises(DataError, match='empty.mp4'):
        predict(empty, *how)


def test_files_of_pose_estimators_are_read_as_convert_reads_them(predict, tmp_path):
    raw = openpose(tmp_path / 'raw', made_up(137))
    told = predict(f'{raw}/clip --img-shape {H} {W}')
    [clip] = told['clips']
    assert clip['video'] is None and clip['fps'] is None and clip['windows'][0]['seconds'] is None
    assert len(clip['answer']) == 5
    assert frames_of(next((tmp_path / 'out').glob('*.mp4')))[0] == clip['frames']
    assert predict(f'{raw} --img-shape {H} {W} --form openpose --no-overlay') == told
    with pytest.raises(DataError, match='--form'):
        predict(raw)


def test_a_network_that_sees_pictures_is_shown_the_video_itself(tmp_path):
    config = tiny_videos.problem(tmp_path)
    torch.manual_seed(0)
    model = init_recognizer(config, device='cpu')
    torch.save({'state_dict': model.state_dict(), 'meta': {}}, tmp_path / 'w.pth')
    rng = np.random.default_rng(0)
    tiny_videos.write_video(tmp_path / 'a.mp4', rng.integers(0, 255, (20, 24, 32, 3), np.uint8))
    words = [config, tmp_path / 'a.mp4', '-C', tmp_path / 'w.pth', '-o', tmp_path / 'out']
    script('predict').main([*map(str, words), '--window', '12', '--every', '8', '--device', 'cpu'])
    [clip] = json.loads((tmp_path / 'out' / 'answers.json').read_text())['clips']
    assert [w['frames'] for w in clip['windows']] == [[0, 5], [2, 13], [10, 19]]
    # The second window alone, as a video of its own place.
    place = {'filename': str(tmp_path / 'a.mp4'), 'start_frame': 2, 'total_frames': 12}
    expected = inference_recognizer(model, place, indices=True)
    found = [(one['label'], one['probability']) for one in clip['windows'][1]['answer']]
    assert [k for k, _ in found] == [k for k, _ in expected]
    np.testing.assert_allclose([p for _, p in found], [p for _, p in expected], atol=1e-5)
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['answers.json']


def test_joints_that_the_network_lacks_are_refused_before_anything_is_written(predict, tmp_path):
    raw = openpose(tmp_path / 'raw', made_up(25))
    with pytest.raises(DataError, match='openpose25.*imigue22'):
        predict(f'{raw}/clip --img-shape {H} {W}')
    assert not (tmp_path / 'out' / 'answers.json').exists()


def test_wrong_files_and_options_end_with_status_2_and_one_line(weights, tmp_path):
    (tmp_path / 'noise.mp4').write_bytes(bytes(range(256)) * 20)
    noise, out = tmp_path / 'noise.mp4', tmp_path / 'out'
    options = ('-C', weights, '-o', out, '--mediapipe-python', stand_in(tmp_path))
    done = run('tools/predict.py', CONFIG, noise, *options)
    assert done.returncode == 2 and 'Traceback' not in done.stderr
    assert str(noise) in done.stderr and not out.exists()


@pytest.mark.parametrize(
    'words', ['--window 0', '--every 91', '--top-k 0', '--rtm-detector x', '--pose none.pkl']
)
def test_options_are_looked_at_first(weights, tmp_path, words):
    video = film(tmp_path / 'a.mp4', PLACES[:1])
    with pytest.raises(UserError):
        script('predict').main([str(CONFIG), str(video), '-C', str(weights), *words.split()])


def test_several_clips_of_one_name_have_files_of_their_own():
    used, file_name = Counter(), script('predict')._file_name
    names = [file_name(name, used) for name in ('a/b', 'a b', '../..', 'x' * 300)]
    assert names == ['a_b', 'a_b_2', '_', 'x' * 150]
