"""Videos are decoded as the published steps decode them, and what cannot be is named."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from goldens import SMALL, below, small

from pyskl.annotations import notes
from pyskl.datasets.pipelines import (
    ArrayDecode,
    Compose,
    DecordDecode,
    DecordInit,
    MMDecode,
    MMUniformSampleFrames,
    RawFrameDecode,
)
from pyskl.errors import ConfigError, DataError
from pyskl.files.libraries import opencv
from pyskl.registry import PIPELINES

CLIP = SMALL / 'video' / 'clip.mp4'  # 40 frames of 54 x 96, blue = 6 * frame
GOLDEN = small('video/stages.npz')


def golden(name: str) -> dict[str, np.ndarray]:
    return below(GOLDEN, name)


def blue(imgs: list[np.ndarray]) -> list[float]:
    return [float(img[..., 2].mean()) for img in imgs]


def read(inds, mode='accurate', **clip) -> dict:
    results = DecordInit()({'filename': str(CLIP), **clip})
    return DecordDecode(mode)({**results, 'frame_inds': np.array(inds)})


@pytest.mark.parametrize(
    'name, mode, inds',
    [
        ('accurate', 'accurate', [0, 3, 3, 39, 17, 24]),
        ('accurate,2d', 'accurate', [[0, 5, 9, 30]]),
        ('efficient', 'efficient', [0, 3, 13, 17, 24, 39]),
    ],
)
def test_frames_are_the_published_ones(name, mode, inds):
    expected, results = golden(f'DecordDecode({name})'), read(inds, mode)
    assert results['total_frames'] == expected['total_frames']
    assert (len(results['imgs']), *results['imgs'][0].shape) == tuple(expected['shape'])
    np.testing.assert_array_equal([img[::6, ::8] for img in results['imgs']], expected['imgs'])
    np.testing.assert_allclose(blue(results['imgs']), expected['frame_blue'])
    assert results['img_shape'] == results['original_shape'] == (54, 96)
    assert 'video_reader' not in results


@pytest.mark.parametrize(
    'clip',
    [
        dict(filename=str(CLIP.with_suffix(''))),
        dict(frame_dir=str(CLIP.with_suffix(''))),
        dict(filename=CLIP, frame_dir='elsewhere'),
    ],
)
def test_a_name_without_an_ending_is_an_mp4(clip):
    assert DecordInit()(dict(clip))['total_frames'] == 40


@pytest.mark.parametrize('name', ['OpenCV', 'PyAV'])
def test_other_readers_names_are_the_same_steps(name):
    init, decode = (PIPELINES.build({'type': f'{name}{part}'}) for part in ('Init', 'Decode'))
    results = decode({**init({'filename': str(CLIP)}), 'frame_inds': np.array([7])})
    np.testing.assert_array_equal(results['imgs'], read([7])['imgs'])


def test_a_clip_of_a_long_video_begins_at_its_start_frame():
    results = read([0, 2], start_frame=10, total_frames=5)
    np.testing.assert_array_equal(results['imgs'], read([10, 12])['imgs'])
    assert results['total_frames'] == 5
    assert DecordInit()(dict(filename=CLIP, start_frame=10))['total_frames'] == 30
    with pytest.raises(DataError, match=r"'a'.*40 frames, 0 to 39.*from frame 40 to its end.*skip"):
        DecordInit()(dict(filename=CLIP, frame_dir='a', start_frame=40))
    with pytest.raises(DataError, match='from frame 10 to frame 50'):
        DecordInit()(dict(filename=CLIP, frame_dir='a', start_frame=10, end_frame=50))


def test_other_lengths_of_annotation_and_video_are_said_once(caplog, monkeypatch):
    monkeypatch.setattr(notes, '_warned', set())
    keypoint = np.zeros((1, 90, 5, 2), np.float32)
    for frame_dir in 'ab':
        clip = dict(frame_dir=frame_dir, total_frames=90, keypoint=keypoint, modality='RGB')
        results = MMDecode()({**clip, 'filename': str(CLIP), 'RGB_inds': np.array([39, 45, 89])})
        assert blue(results['imgs'])[1:] == blue(results['imgs'])[:1] * 2  # the last frame stays
    assert len(caplog.records) == 1
    assert "'a': its annotation has 90 frames" in caplog.text
    caplog.clear()
    monkeypatch.setattr(notes, '_warned', set())
    assert read([0], total_frames=42)['total_frames'] == 40  # a rounded rate; no key points
    assert not caplog.records


def test_threads_of_a_video_change_nothing():
    for threads in (0, 2):
        results = DecordInit(num_threads=threads)({'filename': str(CLIP)})
        imgs = DecordDecode()({**results, 'frame_inds': np.arange(40)})['imgs']
        np.testing.assert_array_equal(imgs, read(np.arange(40))['imgs'])


@pytest.mark.parametrize('mode', ['accurate', 'efficient'])
def test_an_array_is_read_like_a_video(mode):
    array = np.random.RandomState(1).randint(0, 256, (9, 5, 6, 3)).astype(np.uint8)
    results = DecordInit()({'array': array, 'frame_dir': 'a'})
    results = DecordDecode(mode)({**results, 'frame_inds': np.array([8, 0, 8])})
    np.testing.assert_array_equal(results['imgs'], array[[8, 0, 8]])
    assert results['img_shape'] == (5, 6) and results['total_frames'] == 9


@pytest.mark.parametrize(
    'name, seed, channels, clip',
    [
        ('RGB', 23, 3, dict(frame_inds=[1, 4, 8], modality='RGB')),
        ('RGB,offset=2', 23, 3, dict(frame_inds=[1, 4], offset=2, modality='RGB')),
        ('Flow', 24, 2, dict(frame_inds=[0, 3], modality='Flow')),
    ],
)
def test_an_arrays_frames_are_the_published_ones(name, seed, channels, clip):
    array = np.random.RandomState(seed).randint(0, 256, (9, 5, 6, channels)).astype(np.uint8)
    clip = {**clip, 'array': array, 'frame_inds': np.array(clip['frame_inds'])}
    expected, results = golden(f'ArrayDecode({name})'), ArrayDecode()(clip)
    np.testing.assert_array_equal(results['imgs'], expected['imgs'])
    assert results['img_shape'] == tuple(expected['img_shape'])


def test_what_an_array_cannot_be_is_named():
    clip = dict(frame_dir='a', array=np.zeros((4, 5, 6, 3), np.uint8), frame_inds=np.array([4]))
    with pytest.raises(DataError, match="modality is 'Pose'"):
        ArrayDecode()({**clip, 'modality': 'Pose'})
    with pytest.raises(DataError, match="'a': frame 4 was sampled, but array has 4"):
        ArrayDecode()({**clip, 'modality': 'RGB'})


MODALITIES = {
    'RGB+Pose': ['RGB', 'Pose'],
    'RGB': ['RGB'],
    'Pose': ['Pose'],
}


@pytest.mark.parametrize('name', MODALITIES)
def test_pictures_and_key_points_are_the_published_ones(name):
    given, expected = golden('MMDecode/input'), golden(f'MMDecode({name})')
    stored = given['keypoint'].copy()
    clip = dict(given, filename=str(CLIP), img_shape=(1080, 1920), original_shape=(1080, 1920))
    clip |= dict(RGB_inds=np.array([0, 20, 39]), Pose_inds=np.array([1, 5, 9, 39]), total_frames=40)
    results = MMDecode()({**clip, 'modality': MODALITIES[name]})
    for key in ('keypoint', 'keypoint_score'):
        np.testing.assert_array_equal(results[key], expected[key])
        assert results[key].dtype == expected[key].dtype
    assert results['img_shape'] == tuple(expected['img_shape'])
    assert results['original_shape'] == tuple(expected['original_shape'])
    if 'imgs' in expected:
        np.testing.assert_array_equal([img[::6, ::8] for img in results['imgs']], expected['imgs'])
    assert ('imgs' in results) == ('imgs' in expected)
    np.testing.assert_array_equal(given['keypoint'], stored)  # which others share


def test_key_points_without_scores_are_decoded_too():
    clip = golden('MMDecode/input')
    del clip['keypoint_score']
    clip |= dict(filename=str(CLIP), img_shape=(1080, 1920), total_frames=40)
    clip |= dict(RGB_inds=np.array([0]), Pose_inds=np.array([1]), modality=['RGB', 'Pose'])
    assert MMDecode()(clip)['keypoint'].shape == (2, 1, 17, 2)
    with pytest.raises(DataError, match="'Audio'.*RGB, Pose"):
        MMDecode()({**clip, 'modality': 'Audio'})


def test_each_modality_samples_the_published_frames():
    names = {k.rpartition('/')[0] for k in GOLDEN if k.startswith('MMUniformSampleFrames(RGB')}
    assert len(names) == 16
    for name in sorted(names):
        settings = dict(part.split('=') for part in name[name.index('(') + 1 : -1].split(','))
        expected, lengths = golden(name), {k: int(settings[k]) for k in ('RGB', 'Pose')}
        step = MMUniformSampleFrames(lengths, num_clips=int(settings['num_clips']))
        np.random.seed(9)
        results = step(
            dict(
                total_frames=int(settings['T']), start_index=0, test_mode=settings['test'] == 'True'
            )
        )
        for key, value in expected.items():
            np.testing.assert_array_equal(results[key], value, f'{name}: {key}')
        assert results['clip_len'] == lengths


def test_a_modality_that_is_not_sampled_is_refused_when_the_pipeline_is_built():
    decode = dict(type='MMDecode')
    keeps = [dict(type='Collect', keys=['imgs'])]
    sampled = dict(type='MMUniformSampleFrames', clip_len=dict(RGB=4))
    assert Compose([sampled, decode, *keeps]).gives == {'imgs'}
    with pytest.raises(ConfigError, match="needs 'imgs'"):
        Compose([{**sampled, 'clip_len': dict(Pose=4)}, decode, *keeps])
    with pytest.raises(ConfigError, match='RGB_inds'):
        Compose([dict(type='UniformSampleFrames', clip_len=4), decode, *keeps])


def test_key_points_stay_in_step_with_pictures_of_another_size():
    keypoint = np.array([[[[960.0, 540.0], [0.0, 0.0]]]], np.float32)
    results = read([0], img_shape=(1080, 1920), keypoint=keypoint, total_frames=40)
    np.testing.assert_allclose(results['keypoint'][0, 0], [[48, 27], [0, 0]])
    assert results['img_shape'] == (54, 96) and keypoint[0, 0, 0, 0] == 960


def test_frames_in_a_folder_are_read_in_rgb(tmp_path):
    folder = tmp_path / 'größe'
    folder.mkdir()
    for number in (1, 2, 3):
        picture = np.full((6, 8, 3), (10 * number, 100, 200), np.uint8)  # BGR
        (folder / f'img_{number:05}.png').write_bytes(opencv().imencode('.png', picture)[1])
    clip = dict(frame_dir=str(folder), filename_tmpl='img_{:05}.png', total_frames=3)
    results = RawFrameDecode()({**clip, 'frame_inds': np.array([3, 1, 3])})
    assert [img[0, 0].tolist() for img in results['imgs']] == [
        [200, 100, 30],
        [200, 100, 10],
        [200, 100, 30],
    ]
    with pytest.raises(DataError, match=r'frame 4: .*img_00004\.png is missing'):
        RawFrameDecode()({**clip, 'frame_inds': np.array([4])})
    (folder / 'img_00004.png').write_bytes(b'no picture')
    with pytest.raises(DataError, match='is no picture'):
        RawFrameDecode()({**clip, 'frame_inds': np.array([4])})


# What is no video -------------------------------------------------------------------------------


def complaint(path: Path | str) -> str:
    with pytest.raises(DataError) as caught:
        DecordInit()({'filename': str(path), 'frame_dir': 'a'})
    assert "clip 'a'" in str(caught.value) and "on_bad_video='skip'" in str(caught.value)
    return str(caught.value)


def test_what_is_no_video_is_named_and_nothing_is_printed(tmp_path, capfd):
    (tmp_path / 'empty.mp4').write_bytes(b'')
    (tmp_path / 'text.mp4').write_text('no film at all\n' * 99)
    (tmp_path / 'half.mp4').write_bytes(CLIP.read_bytes()[:-2000])
    for name in ('empty', 'text', 'half'):
        assert f'{name}.mp4: cannot be read as a video' in complaint(tmp_path / f'{name}.mp4')
    assert 'no such file' in complaint(tmp_path / 'missing.mp4')
    (tmp_path / 'folder.mp4').mkdir()
    assert 'is a folder' in complaint(tmp_path / 'folder.mp4')
    os.mkfifo(tmp_path / 'pipe.mp4')
    assert 'not a regular file' in complaint(tmp_path / 'pipe.mp4')
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('head', ['#EXTM3U\n#EXTINF:1,\n/etc/x.ts\n', 'ffconcat version 1.0\n'])
def test_a_list_of_other_files_is_not_followed(tmp_path, head):
    (tmp_path / 'a.mp4').write_text(head)
    assert 'playlist' in complaint(tmp_path / 'a.mp4')


@pytest.mark.parametrize('name', ['a b.mp4', 'clip:01.mp4', 'größe 中.mp4', '-x.mp4', "a'b%d.mp4"])
def test_names_with_odd_characters_are_found(name, tmp_path, monkeypatch):
    (tmp_path / name).write_bytes(CLIP.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert DecordInit()({'filename': name})['total_frames'] == 40
    assert 'no such file' in complaint('http://example.org/x.mp4')


def test_a_frame_that_cannot_be_decoded_is_named(tmp_path, capfd):
    data = bytearray(CLIP.read_bytes())
    start = data.index(b'mdat') + 4
    middle = (start + len(data)) // 2
    data[middle - 600 : middle + 600] = bytes(1200)
    path = tmp_path / 'hole.mp4'
    path.write_bytes(data)
    results = DecordInit()({'filename': str(path), 'frame_dir': 'a'})
    with pytest.raises(DataError, match=r"'a': .*hole\.mp4: frame \d+ of 40 cannot be decoded"):
        DecordDecode()({**results, 'frame_inds': np.arange(40)})
    assert capfd.readouterr() == ('', '')
