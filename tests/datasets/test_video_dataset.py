"""Lists of videos become data sets, whatever their form, and what is wrong with them is named."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from goldens import SMALL, small

from pyskl.annotations import make_annotation, notes, write_annotations
from pyskl.annotations.video_lists import read_video_list
from pyskl.datasets import (
    ClipDataset,
    PoseDataset,
    RawframeDataset,
    VideoDataset,
    build_dataloader,
)
from pyskl.datasets.loader import worker_errors
from pyskl.errors import ConfigError, DataError
from pyskl.files.libraries import opencv
from pyskl.files.videos import VideoFrames
from pyskl.inputs import Target

CLIP = SMALL / 'video' / 'clip.mp4'  # 40 frames of 54 x 96
GOLDEN = small('video/stages.npz')
CPU = Target(torch.device('cpu'), torch.float32)
NAMES = [dict(type='Collect', keys=['filename', 'label'], meta_keys=['frame_dir'])]
PICTURES = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=2, frame_interval=2),
    dict(type='DecordDecode'),
    dict(type='Collect', keys=['imgs', 'label'], meta_keys=['frame_inds', 'total_frames']),
]


def listed(folder: Path, text: str, name: str = 'list.txt', **settings) -> VideoDataset:
    (folder / name).write_text(text, encoding='utf-8')
    return VideoDataset(folder / name, NAMES, **{'test_mode': True, **settings})


def held(dataset: ClipDataset) -> list[tuple]:
    labels = dataset.video_infos.label_lists
    return [(dataset.ids[i], dataset[i]['filename'], labels[i]) for i in range(len(dataset))]


# The list


def test_lists_are_read_as_the_published_ones(tmp_path):
    def infos(dataset: VideoDataset) -> list[dict]:
        return [dict(filename=file, label=label) for _, file, label in held(dataset)]

    def golden(name: str) -> list[dict]:
        return [json.loads(text) for text in GOLDEN[f'VideoDataset({name})/infos']]

    text = 'a/x.mp4 1\nb/y.mp4 0\n'
    assert infos(listed(tmp_path, text, data_prefix='root')) == golden('txt')
    data = [dict(filename='x.mp4', label=[2]), dict(filename='y.mp4', label=[0])]
    assert infos(listed(tmp_path, json.dumps(data), 'l.json', data_prefix='root')) == golden('json')
    settings = dict(multi_class=True, num_classes=5)
    multi = listed(tmp_path, 'a/x.mp4 1 3\nb/y.mp4 0\n', **settings)
    expected = golden('multi')
    for row in expected:  # a list of one is that one
        row['label'] = row['label'] if len(row['label']) > 1 else row['label'][0]
    assert infos(multi) == expected
    np.testing.assert_array_equal(multi[0]['label'], GOLDEN['VideoDataset(multi)/label'])
    assert multi.modality == GOLDEN['VideoDataset(multi)/modality']
    assert multi.start_index == GOLDEN['VideoDataset(multi)/start_index']
    with pytest.raises(ConfigError, match='num_classes'):
        listed(tmp_path, text, multi_class=True)
    with pytest.raises(DataError, match=r'the labels \[1, 3\].*multi_class=True'):
        listed(tmp_path, 'a/x.mp4 1 3\n')


@pytest.mark.parametrize(
    'text, name',
    [
        ('a/x y.mp4 1\nb/-z.avi\t0\n', 'l.txt'),
        ('\ufeffa/x y.mp4    1\r\n\r\n  b/-z.avi 0  \r\n', 'l.list'),
        ('a/x y.mp4, 1\nb/-z.avi, 0\n', 'l.txt'),
        ('a/x y.mp4;1\nb/-z.avi;0\n', 'l.csv'),
        ('a/x y.mp4\t1\nb/-z.avi\t0\n', 'l.tsv'),
        ('Label,filename,who\n1,a/x y.mp4,me\n0,b/-z.avi,you\n', 'l.csv'),
        ('name;label\na/x y.mp4;1\nb/-z.avi;0\n', 'l.csv'),
        (json.dumps({'a/x y.mp4': 1, 'b/-z.avi': '0'}), 'l.json'),
        (json.dumps([dict(video='a/x y.mp4', label=1), dict(file='b/-z.avi', label=0)]), 'l.json'),
    ],
)
def test_every_form_says_the_same(text, name, tmp_path):
    assert held(listed(tmp_path, text, name)) == [
        ('a/x y', 'a/x y.mp4', 1),
        ('b/-z', 'b/-z.avi', 0),
    ]


def test_a_list_for_testing_needs_no_labels(tmp_path):
    text = '0054_0.mp4\nmy clip 3.mp4\nfolder/x\n'
    dataset = listed(tmp_path, text)
    assert dataset.labels.tolist() == [-1] * 3
    assert list(dataset.ids) == ['0054_0', 'my clip 3', 'folder/x']
    assert dataset[2]['filename'] == 'folder/x.mp4'
    with pytest.raises(DataError, match='0054_0 has label -1.*can only be tested.*`path label`'):
        listed(tmp_path, text, test_mode=False)


def test_labels_that_are_names_need_their_order(tmp_path):
    text = 'x.mp4 wave hello\ny.mp4 clap\n'
    names = ['clap', 'wave hello']
    dataset = listed(tmp_path, text, label_names=names)
    assert dataset.labels.tolist() == [1, 0] and dataset.classes.names == tuple(names)
    with pytest.raises(DataError, match="'wave hello'.*label_names"):
        listed(tmp_path, text)
    with pytest.raises(DataError, match="'clap'.*Did you mean clop"):
        listed(tmp_path, text, label_names=['clop', 'wave hello'])


def test_a_header_that_names_no_label_is_said(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(notes, '_warned', set())
    (tmp_path / 'l.csv').write_text('video;gesture\na.mp4;wave\n')
    assert read_video_list(tmp_path / 'l.csv')['annotations'][0]['label'] == -1
    assert 'no column is called label' in caplog.text and 'gesture' in caplog.text
    caplog.clear()
    (tmp_path / 'm.csv').write_text('video,start,end\na.mp4,0,5\n')
    read_video_list(tmp_path / 'm.csv')
    assert not caplog.text


def test_an_annotation_file_names_videos_with_or_without_key_points(tmp_path):
    with_points = make_annotation('a', np.full((1, 4, 3, 2), 30.0), label=1, img_shape=(54, 96))
    without = dict(frame_dir='b', filename='films/b.avi', label=0)
    data = dict(split=dict(train=['a'], val=['b']), annotations=[with_points, without])
    data['label_names'] = ['yes', 'no']
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(data))
    dataset = VideoDataset(tmp_path / 'a.pkl', NAMES, test_mode=True, data_prefix='d')
    assert held(dataset) == [('a', 'd/a.mp4', 1), ('b', 'd/films/b.avi', 0)]
    assert dataset.classes.names == ('yes', 'no')
    val = VideoDataset(tmp_path / 'a.pkl', NAMES, split='val', test_mode=True)
    assert list(val.ids) == ['b']
    with pytest.raises(DataError, match="no split 'tset'"):
        VideoDataset(tmp_path / 'a.pkl', NAMES, split='tset')


def test_names_are_each_clips_own(tmp_path):
    assert list(listed(tmp_path, 'x.mp4 0\nx.avi 1\n').ids) == ['x.mp4', 'x.avi']
    with pytest.raises(DataError, match='x.mp4 is in the list more than once.*class_prob'):
        listed(tmp_path, 'x.mp4 0\ny.mp4 1\nx.mp4 0\n')
    with pytest.raises(DataError, match='x is in the list'):
        listed(tmp_path, 'x 0\nx 1\n')


@pytest.mark.parametrize(
    'text, name, message',
    [
        ('', 'l.txt', 'holds no clips'),
        ('x.mp4 -2\n', 'l.txt', 'line 1: clip x.mp4: label is -2'),
        ('x.mp4 1 1\n', 'l.txt', 'a class twice'),
        ('a.mp4 0\nb.mp4 1.5\n', 'l.txt', "line 2: clip b.mp4: label is '1.5'"),
        ('filename,label\nx.mp4,0,1\n', 'l.csv', 'line 2: has 3 cells, the header 2'),
        (
            'filename,start,label\nx.mp4,1.5,0\n',
            'l.csv',
            "line 2: clip x.mp4: start_frame is '1.5'",
        ),
        ('filename,start,end\nx.mp4,9,3\n', 'l.csv', 'end_frame is 3. .* from 9 on'),
        ('filename,frames\nx.mp4,0\n', 'l.csv', 'total_frames is 0'),
        ('{"a": [1, 1]}', 'l.json', 'a class twice'),
        ('[1]', 'l.json', 'entry 0 is 1'),
        ('[{"label": 1}]', 'l.json', 'entry 0: filename is None'),
        ('3', 'l.json', 'holds 3'),
        ('[{"file": "x.mp4", "label": %s}]' % ('[' * 900 + ']' * 900), 'l.json', 'x.mp4: label'),
        ('{"a":', 'l.json', 'no whole JSON'),
    ],
)
def test_what_is_wrong_with_a_list_is_named(text, name, message, tmp_path):
    with pytest.raises(DataError, match=message):
        listed(tmp_path, text, name)


def test_only_regular_texts_are_read(tmp_path):
    os.mkfifo(tmp_path / 'pipe.txt')
    with pytest.raises(DataError, match='not a regular file'):
        VideoDataset(tmp_path / 'pipe.txt', NAMES)
    (tmp_path / 'b.txt').write_bytes(b'\xff\xfe\x00\xd8x')
    with pytest.raises(DataError, match='no UTF-8 text'):
        VideoDataset(tmp_path / 'b.txt', NAMES)
    with pytest.raises(DataError, match='no such file'):
        VideoDataset(tmp_path / 'missing.txt', NAMES)


def test_labels_that_the_classes_lack_are_named(tmp_path):
    with pytest.raises(DataError, match='clip b has label 2, expected 0..1'):
        listed(tmp_path, 'a.mp4 0\nb.mp4 2\n', num_classes=2)
    with pytest.raises(DataError, match='count from 1'):
        listed(tmp_path, 'a.mp4 1\nb.mp4 2\n', num_classes=2)


def test_a_step_for_key_points_is_refused_when_the_pipeline_is_built(tmp_path):
    (tmp_path / 'l.txt').write_text('x.mp4 0\n')
    with pytest.raises(ConfigError, match=r"\(PoseDecode\) needs 'keypoint'"):
        VideoDataset(tmp_path / 'l.txt', [dict(type='PoseDecode')])


# The videos


@pytest.fixture
def films(tmp_path):
    (tmp_path / 'good.mp4').write_bytes(CLIP.read_bytes())
    return tmp_path


def decoding(folder: Path, text: str, name: str = 'l.txt', steps=PICTURES, **settings):
    (folder / name).write_text(text)
    return VideoDataset(
        folder / name, steps, **{'test_mode': True, 'data_prefix': str(folder), **settings}
    )


def test_parts_of_a_long_video_are_clips(films):
    text = 'filename,start,end,label\ngood.mp4,0,9,0\ngood.mp4,10,39,1\n'
    dataset = decoding(films, text, 'l.csv')
    assert list(dataset.ids) == ['good_0_9', 'good_10_39']
    assert [s['img_metas']['total_frames'] for s in dataset] == [10, 30]
    part = dataset[1]
    with VideoFrames(CLIP) as video:
        inds = part['img_metas']['frame_inds'] + 10
        np.testing.assert_array_equal(part['imgs'], video.frames(inds))


def test_uniform_sampling_asks_the_video_how_long_it_is(films):
    steps = [dict(type='UniformSampleFrames', clip_len=4), *PICTURES[:1], *PICTURES[2:]]
    text = 'filename,start,label\ngood.mp4,,0\ngood.mp4,30,1\n'
    dataset = decoding(films, text, 'l.csv', steps)
    inds = [s['img_metas']['frame_inds'] for s in dataset]
    assert 30 < inds[0].max() < 40 and inds[1].max() < 10 and (np.diff(inds[1]) > 0).all()
    sampled = dict(type='MMUniformSampleFrames', clip_len=dict(RGB=3))
    collect = dict(type='Collect', keys=['imgs', 'label'])
    both = decoding(films, text, 'l.csv', [sampled, dict(type='MMDecode'), collect])
    assert len(both[1]['imgs']) == 3


def test_missing_videos_are_told_before_anything_is_read(films):
    with pytest.raises(DataError) as caught:
        decoding(films, 'good 0\nbad 1\nworse 0\n')
    told = ('2 of 3 clips have no video (bad, worse)', 'bad.mp4', 'good.mp4', 'data_prefix')
    assert all(words in str(caught.value) for words in told)
    listed(films, 'bad 1\n')  # nothing is decoded, so nothing is looked for


def test_bad_videos_are_left_out_by_name(films, caplog):
    data = CLIP.read_bytes()
    (films / 'half.mp4').write_bytes(data[:-2000])
    (films / 'empty.mp4').touch()
    (films / 'folder.mp4').mkdir()
    os.mkfifo(films / 'pipe.mp4')
    names = ['good', 'half', 'missing', 'empty', 'folder', 'pipe']
    text = ''.join(f'{name} {i}\n' for i, name in enumerate(names))
    dataset = decoding(films, text, on_bad_video='skip')
    assert list(dataset.ids) == ['good'] and dataset.labels.tolist() == [0]
    assert len(caplog.records) == 1
    assert '5 of 6 clips left out' in caplog.text
    assert all(name in caplog.text for name in names[1:])
    with pytest.raises(DataError, match=r"clip 'half': .*half\.mp4: cannot be read as a video"):
        decoding(films, 'half 1\n')[0]
    with pytest.raises(DataError, match='no clip has a video that can be read. half: '):
        decoding(films, 'half 1\nempty 0\n', on_bad_video='skip')
    with pytest.raises(ConfigError, match="on_bad_video = 'pass'"):
        decoding(films, 'good 1\n', on_bad_video='pass')


def test_parts_beyond_their_video_are_left_out(films, caplog):
    text = 'filename,start,end,label\ngood.mp4,0,9,0\ngood.mp4,30,60,1\ngood.mp4,50,,1\n'
    dataset = decoding(films, text, 'l.csv', on_bad_video='skip')
    assert list(dataset.ids) == ['good_0_9']
    assert 'good_30_60, good_50' in caplog.text and 'has 40 frames' in caplog.text
    with pytest.raises(DataError, match="'good_30_60'.*from frame 30 to frame 60"):
        decoding(films, text, 'l.csv')[1]
    steps = [dict(type='UniformSampleFrames', clip_len=4), *PICTURES[:1], *PICTURES[2:]]
    with pytest.raises(DataError, match="'good_50'.*from frame 50 to its end"):
        decoding(films, text, 'l.csv', steps)[2]


def test_key_points_and_their_video_come_together(films, caplog):
    clips = [
        make_annotation(name, np.full((1, 40, 3, 2), 540.0), label=i, img_shape=(1080, 1920))
        for i, name in enumerate(['good', 'part', 'gone'])
    ]
    clips[1] |= dict(filename='good.mp4', start_frame=35)
    write_annotations(films / 'a.pkl', {}, clips)
    sampled = dict(type='MMUniformSampleFrames', clip_len=dict(RGB=2, Pose=4))
    collect = dict(type='Collect', keys=['imgs', 'keypoint', 'label'], meta_keys=['img_shape'])
    steps = [sampled, dict(type='MMDecode'), collect]
    settings = dict(data_prefix=str(films), test_mode=True, on_bad_video='skip')
    dataset = PoseDataset(films / 'a.pkl', steps, **settings)
    assert list(dataset.ids) == ['good']  # 'part' ends 35 frames behind its video
    assert 'gone' in caplog.text and 'part' in caplog.text
    sample = dataset[0]
    assert len(sample['imgs']) == 2 and sample['keypoint'].shape == (1, 4, 3, 2)
    assert sample['img_metas']['img_shape'] == (54, 96)
    np.testing.assert_allclose(sample['keypoint'], 27)
    poses = PoseDataset(films / 'a.pkl', NAMES, data_prefix='root')
    assert list(poses.ids) == ['good', 'part', 'gone']  # as the file calls them
    assert [s['filename'] for s in poses] == ['root/good.mp4', 'root/good.mp4', 'root/gone.mp4']


def test_key_points_of_a_part_belong_to_the_part(films):
    clip = make_annotation('p', np.full((1, 5, 3, 2), 9.0), label=0, img_shape=(54, 96))
    write_annotations(films / 'a.pkl', {}, [clip | dict(filename='good.mp4', start_frame=20)])
    sampled = dict(type='MMUniformSampleFrames', clip_len=dict(RGB=5, Pose=5))
    collect = dict(type='Collect', keys=['imgs', 'keypoint'], meta_keys=['RGB_inds', 'Pose_inds'])
    dataset = PoseDataset(
        films / 'a.pkl', [sampled, dict(type='MMDecode'), collect], data_prefix=films
    )
    blue = [img[..., 2].mean() / 6 for img in dataset[0]['imgs']]
    assert np.abs(np.sort(blue) - np.arange(20, 25)).max() < 1


@pytest.mark.parametrize(
    'field, value', [('start_frame', -1), ('start_frame', 1.5), ('end_frame', 'x')]
)
def test_a_part_begins_and_ends_at_a_frame(films, field, value):
    clip = make_annotation('p', np.full((1, 5, 3, 2), 9.0), label=0, img_shape=(54, 96))
    (films / 'a.pkl').write_bytes(pickle.dumps([clip | {field: value}]))
    with pytest.raises(DataError, match=f'clip p .*{field} is'):
        PoseDataset(films / 'a.pkl', NAMES)


def test_folders_of_frames_are_clips(tmp_path):
    for name, count in (('a b', 3), ('c', 6)):
        (tmp_path / name).mkdir()
        for number in range(1, count + 1):
            picture = np.full((6, 8, 3), 20 * number, np.uint8)
            data = opencv().imencode('.jpg', picture)[1]
            (tmp_path / name / f'img_{number:05}.jpg').write_bytes(data)
    (tmp_path / 'l.txt').write_text('a b 3 1\nc 6 0\n')
    steps = [
        dict(type='SampleFrames', clip_len=3),
        dict(type='RawFrameDecode'),
        dict(type='Collect', keys=['imgs', 'label']),
    ]

    def clips(text: str, **settings) -> RawframeDataset:
        (tmp_path / 'l.txt').write_text(text)
        settings = dict(data_prefix=tmp_path, test_mode=True, **settings)
        return RawframeDataset(tmp_path / 'l.txt', steps, **settings)

    def shown(dataset: RawframeDataset) -> list[list[int]]:
        return [[round(img.mean() / 20) for img in clip['imgs']] for clip in dataset]

    dataset = clips('a b 3 1\nc 6 0\n')
    assert list(dataset.ids) == ['a b', 'c'] and dataset.labels.tolist() == [1, 0]
    assert shown(dataset) == [[1, 2, 3], [3, 4, 5]]
    assert shown(clips('c 2 3 0\n', with_offset=True)) == [[3, 4, 5]]
    assert list(clips('a b 4 1\nc 6 0\nd 3 0\n', on_bad_video='skip').ids) == ['c']
    with pytest.raises(DataError, match='1 of 3 clips have no video'):
        clips('a b 4 1\nc 6 0\nd 3 0\n')
    with pytest.raises(DataError, match='folder total_frames label'):
        clips('a b\n')
    with pytest.raises(ConfigError, match='filename_tmpl'):
        clips('c 6 0\n', filename_tmpl='{x}.jpg')


# The loader


def tensors(films: Path, count: int, **settings) -> VideoDataset:
    lines = ['filename,start,end,label', *(f'good.mp4,{i},{i + 20},{i % 2}' for i in range(count))]
    steps = [*PICTURES[:3], dict(type='Normalize', mean=[0.0] * 3, std=[1.0] * 3)]
    steps += [dict(type='FormatShape', input_format='NCTHW')]
    steps += [dict(type='Collect', keys=['imgs', 'label']), dict(type='ToTensor', keys=['label'])]
    return decoding(films, '\n'.join(lines), 'l.csv', steps, **settings)


def test_workers_decode_what_the_main_process_decodes(films):
    dataset = tensors(films, 8, test_mode=False)
    dataset.sample(0)  # decoded here before the workers are forked
    batches = {
        workers: [batch['imgs'] for batch in build_dataloader(dataset, 4, workers)]
        for workers in (0, 2)
    }
    for here, there in zip(batches[0], batches[2]):
        assert here.shape == there.shape == (4, 1, 3, 2, 54, 96)
        np.testing.assert_array_equal(here.tensor(None, CPU), there.tensor(None, CPU))


@pytest.mark.slow  # torch waits for the workers of a loader that failed
def test_a_bad_video_in_a_worker_is_one_clear_error(films):
    (films / 'half.mp4').write_bytes(CLIP.read_bytes()[:-2000])
    dataset = decoding(films, 'good 0\nhalf 1\n')
    with (
        pytest.raises(DataError, match=r"^clip 'half': .*half\.mp4: cannot be read as a video"),
        worker_errors(),
    ):
        list(build_dataloader(dataset, 1, 2))
