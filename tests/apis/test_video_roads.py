"""Networks on pictures are trained, tested and asked by the same roads as those on key points."""

from __future__ import annotations

import json
import pickle
import signal

import numpy as np
import pytest
import tiny_videos
import torch
from goldens import SMALL
from graph_goldens import fill
from run_files import assert_same_checkpoint
from stopping import signals_at
from tiny import run, script

from pyskl.annotations import make_annotation
from pyskl.apis import (
    TestOptions,
    inference_recognizer,
    init_recognizer,
    test,
    train,
)
from pyskl.apis.inference import test_sample
from pyskl.apis.setup import read_run
from pyskl.errors import ConfigError, DataError, UserError
from pyskl.files.videos import VideoFrames

CLIP = SMALL / 'video' / 'clip.mp4'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('videos')
    tiny_videos.problem(folder)
    train(folder / 'videos.py', cfg_options=['data.workers_per_gpu=2'])
    return folder


@pytest.fixture(scope='module')
def model(folder):
    return init_recognizer(folder / 'videos.py', folder / 'run' / 'epoch_2.pth', device='cpu')


# Training and testing
# ------------------------------------------------------------------------------


def test_a_run_stopped_in_the_middle_of_an_epoch_goes_on_to_the_same_bits(
    folder, tmp_path, monkeypatch
):
    """With one process that decodes here, where two workers did."""
    words = [str(folder / 'videos.py'), '--work-dir', str(tmp_path)]
    signals_at(monkeypatch, {2: signal.SIGTERM})
    assert script('train').main(words) == 143
    assert (tmp_path / 'iter_2.pth').exists()
    assert script('train').main(words) == 0
    assert_same_checkpoint(folder / 'run' / 'epoch_2.pth', tmp_path / 'epoch_2.pth')


def test_testing_scores_every_clip_by_its_name(folder, tmp_path):
    words = f'{folder}/videos.py -C {folder}/run/epoch_2.pth --out {tmp_path}/r.pkl'
    assert script('test').main(words.split()) == 0
    with np.load(tmp_path / 'r_scores.npz') as scores:
        assert scores['ids'].tolist() == [f'val_{i}' for i in range(6)]
    assert len(pickle.loads((tmp_path / 'r.pkl').read_bytes())) == 6


def test_a_dry_run_looks_at_pictures(folder, capfd):
    assert script('train').main([str(folder / 'videos.py'), '--dry-run']) == 0
    said = capfd.readouterr().out
    assert 'training batch: imgs (4, 1, 3, 4, 16, 16), label (4, 1)' in said


def test_bad_videos_leave_no_holes_in_the_scores(folder, tmp_path):
    (tmp_path / 'val.txt').write_text((folder / 'val.txt').read_text() + 'gone.mp4 1\n')
    options = TestOptions(f'{folder}/run/epoch_2.pth', out=f'{tmp_path}/r.pkl')
    changes = {'data.test.ann_file': f'{tmp_path}/val.txt'}
    with pytest.raises(DataError, match='1 of 7 clips have no video'):
        test(folder / 'videos.py', options, changes)
    result = test(folder / 'videos.py', options, {**changes, 'data.test.on_bad_video': 'skip'})
    assert len(result.ids) == 6


def test_a_list_of_videos_is_looked_over(folder, tmp_path, capsys):
    check = script('check_data').main
    assert check([str(folder / 'train.txt'), '--videos', str(folder)]) == 0
    assert 'videos           12' in capsys.readouterr().out
    (tmp_path / 'l.txt').write_text('train_0.mp4 0\ngone.mp4 7\n')
    words = [str(tmp_path / 'l.txt'), '--videos', str(folder), '--num-classes', '3', '--json']
    assert check(words) == 1
    errors = json.loads(capsys.readouterr().out)['errors']
    assert len(errors) == 2 and 'gone (7)' in errors[0] and 'gone.mp4: no such file' in errors[1]
    clips = [
        make_annotation(f'train_{i}', np.full((1, 10, 5, 2), 9.0), label=0, img_shape=(24, 32))
        for i in range(2)
    ]
    clips[1]['filename'] = 'gone.mp4'
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(clips))
    assert check([str(tmp_path / 'a.pkl'), '--videos', str(folder)]) == 1
    assert 'videos of 1 clip cannot be read (train_1)' in capsys.readouterr().out
    (tmp_path / 'names.txt').write_text('wave\nnod\n')
    (tmp_path / 'n.csv').write_text('file,label\ntrain_0.mp4,nod\n')
    words = [str(tmp_path / 'n.csv'), '--videos', str(folder)]
    with pytest.raises(DataError, match='label_names'):
        check(words)
    assert check([*words, '--label-names', str(tmp_path / 'names.txt')]) == 0
    with pytest.raises(UserError, match='--videos'):
        check([*words[:1], '--label-names', 'names.txt'])
    with pytest.raises(DataError, match='VideoDataset.*--videos'):
        check([str(folder / 'train.txt')])


@pytest.mark.slow
def test_two_processes_with_two_workers_each_train_as_one(folder, tmp_path):
    done = run(
        'tools/train.py',
        folder / 'videos.py',
        *('--launcher', 'pytorch', '--work-dir', tmp_path),
        *('--cfg-options', 'data.workers_per_gpu=2', 'data.videos_per_gpu=2'),
        processes=2,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'epoch_2.pth').exists()


# Inference
# -----------------------------------------------------------------------------------------


def test_a_video_is_answered_however_it_is_given(model, folder, tmp_path):
    path = folder / 'val_1.mp4'
    with VideoFrames(path) as video:
        array = np.stack(video.frames(range(len(video))))
    expected = inference_recognizer(model, str(path))
    assert [name for name, _ in expected][0] == 'class 1' and len(expected) == 3
    np.save(tmp_path / 'a.npy', array)
    for given in (
        path,
        dict(filename=path),
        dict(frame_dir=str(path.with_suffix(''))),
        dict(filename='val_1.mp4'),  # in the config's data_prefix
        array,
        torch.from_numpy(array),
        dict(array=array, frame_dir='a'),
        tmp_path / 'a.npy',
        dict(filename=path, start_frame=0, end_frame=len(array) - 1),
    ):
        assert inference_recognizer(model, given) == expected
    several = inference_recognizer(model, [array, str(path)])
    whole = inference_recognizer(model, folder / 'val.txt')
    assert (len(several), len(whole)) == (2, 6)
    for answer in (*several, whole[1]):  # in a batch
        assert [name for name, _ in answer] == [name for name, _ in expected]
        np.testing.assert_allclose([p for _, p in answer], [p for _, p in expected], rtol=1e-5)
    part = dict(filename=path, start_frame=3)
    assert inference_recognizer(model, part) == inference_recognizer(model, array[3:])
    one = inference_recognizer(model, path, views=1, indices=True, top_k=1)
    assert one[0][0] == 1


@pytest.mark.parametrize(
    'given, message',
    [
        (np.zeros((4, 8, 8, 3), np.float32), r'array is float32 of shape .*0 to 255'),
        (np.zeros((4, 8, 8), np.uint8), r'uint8 of shape \(4, 8, 8\)'),
        (np.zeros((0, 8, 8, 3), np.uint8), 'of shape'),
        ('missing.mp4', "clip 'missing': .*no such file"),
        (dict(keypoint=np.zeros((1, 2, 3, 2))), 'neither filename nor array'),
        (dict(filename='x.mp4', start_frame=-1), 'start_frame is -1'),
        (3, 'a clip is a int'),
    ],
)
def test_what_is_no_video_is_named(model, given, message):
    with pytest.raises(DataError, match=message):
        inference_recognizer(model, given)


def test_people_apart_need_key_points(model, folder):
    with pytest.raises(DataError, match="people='apart' needs key points"):
        inference_recognizer(model, folder / 'val_0.mp4', people='apart')


@pytest.mark.parametrize('way', ['dict', 'array'])
def test_answers_are_the_published_ones(way, tmp_path):
    """Upstream samples an array as in training; so it is asked to here."""
    testing = dict(test_mode=False) if way == 'array' else {}
    config = f"""
pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=2, num_clips=2, **{testing}),
    dict(type='DecordDecode'), dict(type='Resize', scale=(-1, 32)),
    dict(type='CenterCrop', crop_size=32),
    dict(type='Normalize', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
         to_bgr=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='Collect', keys=['imgs'], meta_keys=[])]
model = dict(
    type='Recognizer3D',
    backbone=dict(type='ResNet3dSlowOnly', depth=50, base_channels=8, num_stages=2,
                  out_indices=(1,), stage_blocks=(1, 1),
                  spatial_strides=(2, 2), temporal_strides=(1, 1), inflate=(0, 1)),
    cls_head=dict(type='I3DHead', in_channels=64, num_classes=6, dropout=0.5),
    test_cfg=dict(average_clips='prob'))
data = dict(test=dict(type='VideoDataset', ann_file='none.txt', pipeline=pipeline))
"""
    (tmp_path / 'c.py').write_text(config)
    model = fill(init_recognizer(tmp_path / 'c.py', device='cpu'))
    golden = dict(np.load(SMALL / 'video' / 'infer.npz'))
    prefix = 'array_' if way == 'array' else ''
    given: dict | np.ndarray = dict(filename=CLIP)
    if way == 'array':
        given = np.random.RandomState(51).randint(0, 256, (40, 40, 48, 3)).astype(np.uint8)
        np.random.seed(5)
    answer = inference_recognizer(model, given, indices=True)
    assert [k for k, _ in answer] == golden[f'{prefix}top5'].tolist()
    np.testing.assert_allclose([p for _, p in answer], golden[f'{prefix}top5_score'], atol=2e-4)


def test_key_points_and_pictures_are_given_together(folder, tmp_path):
    steps = """
pipeline = [
    dict(type='MMUniformSampleFrames', clip_len=dict(RGB=2, Pose=4)), dict(type='MMDecode'),
    dict(type='Collect', keys=['imgs', 'keypoint'], meta_keys=['img_shape'])]
data['test'] = dict(
    type='PoseDataset', ann_file='none.pkl', pipeline=pipeline, data_prefix='{folder}')
"""
    path = tmp_path / 'both.py'
    path.write_text((folder / 'videos.py').read_text() + steps.replace('{folder}', str(folder)))
    model = init_recognizer(path, device='cpu')
    clip = make_annotation('val_1', np.full((1, 10, 5, 2), 240.0), img_shape=(240, 320))
    with VideoFrames(folder / 'val_1.mp4') as video:
        array = np.stack(video.frames(range(10)))
    by_name, by_array = (test_sample(model, c) for c in (clip, {**clip, 'array': array}))
    np.testing.assert_array_equal(by_name['imgs'], by_array['imgs'])
    np.testing.assert_allclose(by_name['keypoint'], 24)  # as the pictures are smaller
    with pytest.raises(DataError, match='is a video alone.*filename'):
        inference_recognizer(model, folder / 'val_1.mp4')


def test_the_settings_of_a_data_set_are_checked_without_its_files(folder):
    options = ['data.test.on_bad_video=leave', 'data.test.ann_file=none.txt']
    with pytest.raises(ConfigError, match="on_bad_video = 'leave'.*Known: stop, skip"):
        read_run(folder / 'videos.py', options)
