"""Synthetic clips of pictures and key points: what each can tell, the files, the people."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tiny import script

from pyskl.annotations import read_annotations
from pyskl.errors import UserError
from pyskl.skeletons import get_layout
from pyskl.sources.synthetic import write_video_data
from pyskl.sources.synthetic.desk import SCENES
from pyskl.sources.synthetic.filming import VIDEO, film, plan

CLIPS = plan(12, seed=3)


def frames_of(path) -> np.ndarray:
    video = cv2.VideoCapture(str(path))
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1][..., ::-1])
    return np.stack(frames)


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp('videos')
    write_video_data(folder, num_train=17, num_val=3, num_test=4, seed=3)
    return folder


@pytest.mark.parametrize('pair', [(0, 1), (2, 3)])
def test_key_points_cannot_tell_what_a_hand_holds_and_pictures_can(pair):
    for clip in CLIPS[:4]:
        first, second = (film(clip, SCENES[label]) for label in pair)
        assert_array_equal(first.keypoint, second.keypoint)
        assert_array_equal(first.score, second.score)
        differs = (first.frames != second.frames).any(axis=-1)
        # the thing held is seen in some frame of every clip
        assert differs.sum(axis=(1, 2)).max() > 20


@pytest.mark.parametrize('pair', [(4, 5), (6, 7)])
def test_pictures_cannot_tell_what_hands_do_below_the_desk_and_key_points_can(pair):
    for clip in CLIPS[:4]:
        first, second = (film(clip, SCENES[label]) for label in pair)
        assert_array_equal(first.frames, second.frames)
        both = (first.score > 0) & (second.score > 0)
        apart = np.linalg.norm(first.keypoint - second.keypoint, axis=-1)[both]
        assert apart.max() > 0.2 * clip.person.shoulder_width[0]


def test_joints_lie_where_the_picture_shows_the_body():
    nose = get_layout('imigue22').joints.index('nose')
    for clip in CLIPS:
        answer = film(clip, SCENES[4])  # nothing before the face
        skin = np.array(clip.looks.skin) / np.linalg.norm(clip.looks.skin)
        seen = answer.score[0, :, nose] > 0
        column, row = (answer.keypoint[0, seen, nose] / 10).astype(int).T
        colour = answer.frames[seen][np.arange(len(row)), row, column].astype(float)
        is_skin = colour @ skin > 0.98 * np.linalg.norm(colour, axis=-1)
        assert is_skin.mean() > 0.9  # the pose estimator may be a pixel off, at an eye


def test_a_phone_or_a_cup_on_the_desk_says_nothing_about_the_class():
    bottoms = [film(CLIPS[0], SCENES[label]).frames[:, VIDEO[0] - 10 :] for label in (0, 1)]
    assert_array_equal(*bottoms)


def test_files_are_an_annotation_file_and_a_video_a_clip(written):
    data = read_annotations(written / 'annotations.pkl')
    assert [len(clips) for clips in data['split'].values()] == [17, 3, 4]
    assert data['label_names'] == [scene.name for scene in SCENES] and data['layout'] == 'imigue22'
    for clip in data['annotations']:
        frames = frames_of(written / 'videos' / clip['filename'])
        assert frames.shape == (clip['total_frames'], *VIDEO, 3)
        assert clip['keypoint'].shape == (1, clip['total_frames'], 22, 2)
        assert tuple(clip['img_shape']) == (10 * VIDEO[0], 10 * VIDEO[1])


def test_a_video_shows_what_was_drawn(written):
    clip = plan(17, seed=3)[0]
    drawn, read = film(clip).frames, frames_of(written / 'videos' / f'{clip.name}.mp4')
    assert np.abs(drawn.astype(float) - read).mean() < 6  # of 255; what the codec loses


def test_nobody_is_in_two_splits_and_a_clip_does_not_depend_on_the_others():
    train, test = plan(33, 5, 'train'), plan(20, 5, 'test', first_person=4)
    people = [{clip.name.split('_')[0] for clip in split} for split in (train, test)]
    assert people == [{'0001', '0002', '0003'}, {'0004', '0005'}]
    assert train[0].looks != test[0].looks
    counts = np.bincount([clip.label for clip in train], minlength=len(SCENES))
    assert counts.max() - counts.min() <= 1


def test_a_stopped_run_goes_on_and_another_seed_begins_anew(written, tmp_path):
    write_video_data(tmp_path, 3, 0, 0, seed=4)
    videos = sorted((tmp_path / 'videos').glob('*.mp4'))
    wanted = [path.read_bytes() for path in videos]
    videos[1].unlink()
    stays = videos[0].stat().st_mtime_ns
    write_video_data(tmp_path, 3, 0, 0, seed=4)
    assert [path.read_bytes() for path in videos] == wanted
    assert videos[0].stat().st_mtime_ns == stays
    write_video_data(tmp_path, 3, 0, 0, seed=5)
    assert videos[0].read_bytes() != wanted[0]


@pytest.mark.parametrize('options', [dict(num_train=-1), dict(seed=-1)])
def test_numbers_that_cannot_be_are_refused_before_anything_is_written(tmp_path, options):
    with pytest.raises(UserError):
        write_video_data(tmp_path, **{'num_train': 1, 'num_val': 0, 'num_test': 0, **options})
    with pytest.raises(UserError):
        write_video_data(tmp_path, 0, 0, 0)
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_wrote(tmp_path, capsys):
    numbers = ['--num-train', '2', '--num-val', '0', '--num-test', '1']
    script('make_demo_data').main([str(tmp_path), '--video', *numbers])
    assert '2 train, 1 test' in capsys.readouterr().out
    assert len(list((tmp_path / 'videos').glob('*.mp4'))) == 3
