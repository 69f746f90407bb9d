"""DecompressPose: boxes become people as published, and as one loop over boxes makes them."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from goldens import small
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pyskl.annotations import read_annotations, write_packed
from pyskl.annotations.check import check_annotations
from pyskl.datasets import PoseDataset
from pyskl.datasets.pipelines import DecompressPose
from pyskl.errors import DataError

GOLDEN = small('pipeline/decompress.npz')
INPUT = {key: GOLDEN[f'DecompressPose/input/{key}'] for key in ('frame_inds', 'keypoint')}
BOX_SCORE = GOLDEN['DecompressPose/input/box_score']


def clip(**fields) -> dict:
    return {'frame_dir': 'a', 'total_frames': 12, **INPUT, **fields}


@pytest.mark.parametrize(
    'name, arguments, fields',
    [
        ('default', {}, {}),
        ('squeeze=False', dict(squeeze=False), {}),
        ('max_person=2', dict(max_person=2), {}),
        ('squeeze=False,max_person=1', dict(squeeze=False, max_person=1), {}),
        ('anno_inds', {}, dict(anno_inds=BOX_SCORE >= 0.6)),
        ('anno_inds', {}, dict(anno_inds=np.flatnonzero(BOX_SCORE >= 0.6))),
    ],
)
def test_boxes_become_people_as_published(name, arguments, fields):
    out = DecompressPose(**arguments)(clip(**fields))
    wanted = {k.rpartition('/')[2]: v for k, v in GOLDEN.items() if f'({name})' in k}
    assert len(wanted) >= 3 and ('num_person' in out) == ('num_person' in wanted)
    for key, value in wanted.items():
        np.testing.assert_array_equal(out[key], value, key)
    assert out['keypoint'].dtype == np.float16 and type(out['total_frames']) is int
    assert not {'frame_inds', 'anno_inds'} & set(out)


def one_by_one(keypoint, frame_inds, num_frames, squeeze, max_person):
    """(M, T, V, 3), box after box."""
    frames = sorted(set(frame_inds.tolist())) if squeeze else list(range(num_frames))
    by_frame = [[box for box, f in zip(keypoint, frame_inds) if f == frame] for frame in frames]
    if any(len(boxes) > max_person for boxes in by_frame):
        by_frame = [
            sorted(boxes, key=lambda b: -b[:, 2].sum(dtype=np.float32))[:max_person]
            for boxes in by_frame
        ]
    people = max(map(len, by_frame))
    out = np.zeros((people, len(frames), *keypoint.shape[1:]), keypoint.dtype)
    for t, boxes in enumerate(by_frame):
        for m, box in enumerate(boxes):
            out[m, t] = box
    return out


@settings(max_examples=60)
@given(
    npst.arrays(np.int16, st.integers(1, 14), elements=st.integers(0, 6)),
    st.booleans(),
    st.integers(1, 4),
    st.integers(0, 99),
)
def test_all_at_once_equals_one_box_after_the_other(frames, squeeze, max_person, seed):
    keypoint = np.random.default_rng(seed).normal(size=(len(frames), 3, 3)).astype(np.float32)
    out = DecompressPose(squeeze, max_person)(
        dict(keypoint=keypoint, frame_inds=frames, total_frames=7)
    )
    wanted = one_by_one(keypoint, frames, 7, squeeze, max_person)
    np.testing.assert_array_equal(out['keypoint'], wanted[..., :2])
    np.testing.assert_array_equal(out['keypoint_score'], wanted[..., 2])
    assert out['total_frames'] == wanted.shape[1]


@pytest.mark.parametrize('squeeze', [True, False])
def test_a_clip_without_a_box_is_one_person_of_whom_nothing_is_seen(squeeze):
    for fields in (dict(keypoint=INPUT['keypoint'][:0], frame_inds=INPUT['frame_inds'][:0]),
                   dict(anno_inds=BOX_SCORE > 2)):  # fmt: skip
        out = DecompressPose(squeeze)(clip(**fields))
        assert out['keypoint'].shape == (1, 12, 17, 2) and not out['keypoint'].any()
        assert out['total_frames'] == 12 and not out['keypoint_score'].any()


@pytest.mark.parametrize(
    'fields, words',
    [
        (dict(keypoint=np.zeros((1, 12, 17, 2))), 'leave DecompressPose out'),
        (dict(frame_inds=None), 'no frame_inds'),
        (dict(frame_inds=np.arange(4)), r'frame_inds has shape \(4,\) for 9 boxes'),
        (dict(total_frames=9), 'frame_inds runs from 0 to 9; expected 0 to 8'),
        (dict(frame_inds=np.arange(9) - 1), 'frame_inds runs from -1'),
    ],
)
def test_a_clip_in_another_form_is_named(fields, words):
    with pytest.raises(DataError, match=f"clip 'a': .*{words}"):
        DecompressPose()(clip(**fields))


# Files of such clips ------------------------------------------------------------------------------


def write(path, **fields):
    names = ['a', 'b', 'c']
    annotations = [clip(frame_dir=name, label=i, **fields) for i, name in enumerate(names)]
    path.write_bytes(pickle.dumps({'split': {'train': names}, 'annotations': annotations}))
    return path


PIPELINE = [
    dict(type='DecompressPose', squeeze=True),
    dict(type='UniformSampleFrames', clip_len=4),
    dict(type='PoseDecode'),
    dict(type='Collect', keys=['keypoint', 'keypoint_score', 'label']),
]


def test_boxes_below_box_thr_are_left_out_where_clips_are_chosen_by_valid_frames(tmp_path):
    more = dict(box_score=BOX_SCORE, valid={0.5: 6, 0.6: 4})
    path = write(tmp_path / 'x.pkl', **more)
    dataset = PoseDataset(path, PIPELINE, valid_ratio=0.1, box_thr=0.6, test_mode=True)
    assert len(dataset) == 3 and dataset[0]['keypoint'].shape == (2, 4, 17, 2)
    assert len(PoseDataset(path, PIPELINE, valid_ratio=0.4, box_thr=0.5)) == 3
    with pytest.raises(DataError, match='no clips'):
        PoseDataset(path, PIPELINE, valid_ratio=0.4, box_thr=0.6)
    dataset = PoseDataset(path, PIPELINE, valid_ratio=0.0, box_thr=0.6, test_mode=True)
    assert dataset[0]['keypoint'].shape == (3, 4, 17, 2)  # upstream ignores box_thr then


def test_clips_are_chosen_by_valid_and_box_score_as_published(tmp_path):
    golden = small('pipeline/gesture_dataset.npz')
    name = 'PoseDataset(valid_ratio=0.5,box_thr=0.5)'
    xy = np.ones((1, 4, 17, 2), np.float32)
    annotations = [
        dict(frame_dir=n, label=i, total_frames=4, keypoint=xy, valid={0.5: i, 0.6: 1},
             box_score=np.array([0.5, 0.55, 0.7, 0.9]))
        for i, n in enumerate('abcdef')
    ]  # fmt: skip
    (tmp_path / 'x.pkl').write_bytes(
        pickle.dumps({'split': {'train': list('abc')}, 'annotations': annotations})
    )
    collect = [dict(type='Collect', keys=['keypoint'])]
    dataset = PoseDataset(tmp_path / 'x.pkl', collect, split='train', valid_ratio=0.5, box_thr=0.5)
    assert list(dataset.ids) == golden[f'{name}/names'].tolist()
    np.testing.assert_array_equal(
        dataset.video_infos[0]['box_score'] >= 0.5, golden[f'{name}/anno_inds']
    )


@pytest.mark.parametrize(
    'fields, words',
    [
        (dict(frame_inds=np.arange(4)), 'frame_inds'),
        (dict(frame_inds=np.arange(9) + 0.5), 'frame_inds'),
        (dict(total_frames=9), 'frame_inds'),
        (dict(total_frames=None), 'total_frames'),
        (dict(keypoint=np.zeros((9, 17, 2))), 'keypoint'),
        (dict(keypoint=[[1], [2, 3]]), 'keypoint is a list'),
        (dict(keypoint=np.full((9, 17, 3), np.nan)), 'keypoint holds NaN'),
        (dict(box_score=np.ones(3)), 'box_score'),
    ],
)
def test_a_wrong_field_of_a_compressed_clip_is_named(fields, words, tmp_path):
    with pytest.raises(DataError, match=re.escape('x.pkl: clip a (annotations[0]): ') + words):
        read_annotations(write(tmp_path / 'x.pkl', **fields))


def test_compressed_clips_can_be_checked_and_not_packed(tmp_path):
    data = read_annotations(write(tmp_path / 'x.pkl'))
    report = check_annotations(data)
    assert report.facts['joints'] == 17 and report.facts['people'] == '3'
    assert not [line for line in report.errors if 'img_shape' not in line]
    with pytest.raises(DataError, match='clip a .*compressed'):
        write_packed(tmp_path / 'x.packed', data['annotations'], data['split'])
