"""tools/readlabel.py: raw iMiGUE files become the published annotation pickles."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from goldens import GOLDEN, SMALL, needs_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from same import same
from tiny import ROOT
from tiny import script as load_script

from pyskl.annotations import read_annotations
from pyskl.errors import UserError
from pyskl.skeletons import get_layout
from pyskl.sources.imigue import PUBLISHED_VAL_VIDEOS, read_raw, video_of
from pyskl.sources.imigue.find import find
from pyskl.sources.imigue.frames import NUM_COLUMNS, NUM_POINTS
from pyskl.sources.imigue.joints import Joints, keep_joints
from pyskl.sources.imigue.labels import class_of
from pyskl.sources.imigue.videos import NUM_FRAMES, read_videos

POINTS = Joints().of(NUM_POINTS)  # which of the 35 points each of the 22 joints is

RAW = SMALL / 'raw'


readlabel = load_script('readlabel')


def run(*arguments) -> None:
    """Run the command; arguments may be several words each."""
    readlabel.main(' '.join(map(str, arguments)).split())


def fails(*arguments) -> str:
    with pytest.raises(UserError) as error:
        run(*arguments)
    assert len(str(error.value)) < 500
    return str(error.value)


def raw_folder(
    folder: Path,
    split: str = 'train',
    names=('0001_0', '0001_1', '0002_0'),
    labels=(3, 5, 31),
    data=None,
) -> Path:
    folder.mkdir(exist_ok=True)
    if data is None:
        shape = len(names), 3, 6, 22, 1
        data = np.random.default_rng(0).uniform(0, 500, shape).astype(np.float32)
    np.save(folder / f'{split}_data.npy', data)
    (folder / f'{split}_label.pkl').write_bytes(pickle.dumps((list(names), labels)))
    return folder


def load(path: Path) -> object:
    return pickle.loads(path.read_bytes())


def test_the_small_golden_is_reproduced(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT / 'tests')  # files below the current folder are named from there
    run(f'--data-dir {RAW} --out-dir {tmp_path}/out')
    written = tmp_path / 'out' / 'imigue_val.pkl'
    same(load(written), load(RAW / 'imigue_val.pkl'))
    *facts, last = capsys.readouterr().out.splitlines()
    assert last == f'wrote {written} (2 clips, 2 classes)' and 'val_data.npy' in facts[0]


@needs_golden
def test_every_golden_is_reproduced_to_the_last_value_key_and_type(tmp_path, capsys):
    run(f'--data-dir {GOLDEN}/raw --out-dir {tmp_path}')
    for split in ('train', 'val', 'test'):
        name = f'imigue_{split}.pkl'
        same(load(tmp_path / name), load(GOLDEN / 'raw' / name))
    assert '(40 clips, 32 classes)' in capsys.readouterr().out


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 7),
    st.integers(1, 5),
    st.integers(1, 3),
    st.sampled_from(['f2', 'f4', 'f8', '>f4']),
)
def test_any_number_of_clips_frames_joints_and_people_goes_through(
    tmp_path_factory, n, t, v, m, dtype
):
    folder = raw_folder(
        tmp_path_factory.mktemp('raw'),
        names=[f'1_{i}' for i in range(n)],
        labels=[0] * n,
        data=np.arange(n * 3 * t * v * m).reshape(n, 3, t, v, m).astype(dtype),
    )
    run(f'--data-dir {folder} --out-dir {folder}')
    clips = read_annotations(folder / 'imigue_train.pkl')['annotations']
    assert len(clips) == n and clips[0]['total_frames'] == t
    points = np.stack([c['keypoint'] for c in clips])  # (N, M, T, V, 2)
    scores = np.stack([c['keypoint_score'] for c in clips])
    again = np.concatenate([points, scores[..., None]], -1).transpose(0, 4, 2, 3, 1)
    np.testing.assert_array_equal(again.astype(dtype), np.load(folder / 'train_data.npy'))


def test_picture_size_is_as_told(tmp_path):
    run(f'--data-dir {RAW} --out-dir {tmp_path} --img-shape 720 1280')
    clip = read_annotations(tmp_path / 'imigue_val.pkl')['annotations'][0]
    assert clip['img_shape'] == clip['original_shape'] == (720, 1280)


def test_only_the_splits_that_were_named_are_converted(tmp_path):
    for split in ('train', 'val', 'test'):
        raw_folder(tmp_path, split)
    run(f'--data-dir {tmp_path} --out-dir {tmp_path}/out --splits test val test')
    names = sorted(path.stem for path in (tmp_path / 'out').iterdir())
    assert names == ['imigue_test', 'imigue_val']


def test_test_data_without_labels_get_label_minus_one(tmp_path, capsys):
    folder = raw_folder(tmp_path / 'raw', 'test')
    (folder / 'test_label.pkl').unlink()
    run(f'--data-dir {folder} --out-dir {tmp_path}')
    data = read_annotations(tmp_path / 'imigue_test.pkl')
    assert [c['label'] for c in data['annotations']] == [-1, -1, -1]
    assert data['split']['test'] == ['test_0', 'test_1', 'test_2']
    assert '(3 clips, no labels)' in capsys.readouterr().out


# -- Validation videos


def test_the_published_validation_videos_are_taken_out_of_train(tmp_path):
    videos = [f'{v:04d}' for v in range(1, 13)]
    names = [f'{v}_{i}' for v in videos for i in range(2)]
    folder = raw_folder(tmp_path / 'raw', names=names, labels=[0] * len(names))
    run(f'--data-dir {folder} --out-dir {tmp_path} --val-videos published')
    train, val = (read_annotations(tmp_path / f'imigue_{s}.pkl') for s in ('train', 'val'))
    assert train['split'] == {'train': ['0005_0', '0005_1', '0012_0', '0012_1']}
    assert val['split'] == {'val': [n for n in names if video_of(n) in PUBLISHED_VAL_VIDEOS]}
    assert len(val['annotations']) == 20
    assert [c['frame_dir'] for c in train['annotations']] == train['split']['train']


def test_a_val_file_whose_clips_are_in_train_again_is_warned_about(tmp_path, capsys):
    folder = raw_folder(tmp_path / 'raw')
    run(f'--data-dir {folder} --out-dir {tmp_path} --val-videos 0001')
    run(f'--data-dir {folder} --out-dir {tmp_path} --val-videos 0002')
    assert 'warning' not in capsys.readouterr().out
    run(f'--data-dir {folder} --out-dir {tmp_path}')
    assert 'imigue_val.pkl, of an earlier conversion, holds 1 clip' in capsys.readouterr().out


@pytest.mark.parametrize('how', ['ids', 'file', 'file with commas'])
def test_validation_videos_can_be_ids_or_a_file_of_ids(how, tmp_path):
    folder = raw_folder(tmp_path / 'raw', names=['1_0', '2_0', '3_0', '3_1'], labels=[0] * 4)
    (tmp_path / 'ids.txt').write_text(
        '\ufeff1, 3\r\n' if 'commas' in how else '1\n3\n', encoding='utf-8'
    )
    ids = ['1', '3'] if how == 'ids' else [tmp_path / 'ids.txt']
    run('--data-dir', folder, '--out-dir', tmp_path, '--val-videos', *ids)
    assert read_annotations(tmp_path / 'imigue_val.pkl')['split'] == {'val': ['1_0', '3_0', '3_1']}


def test_faults_of_validation_videos_are_said(tmp_path):
    folder = raw_folder(tmp_path / 'raw')
    at = ('--data-dir', folder, '--out-dir', tmp_path / 'out')
    (tmp_path / 'empty.txt').touch()
    assert 'holds no ids' in fails(*at, '--val-videos', tmp_path / 'empty.txt')
    assert 'is a folder' in fails(*at, '--val-videos', tmp_path)
    raw_folder(tmp_path / 'raw', 'val')
    assert '--splits train' in fails(*at, '--val-videos', '0001')
    assert '--splits train' in fails(*at, '--val-videos', '0001', '--splits', 'test')
    assert not (tmp_path / 'out').exists()


# -- Faults of the raw files


@pytest.mark.parametrize(
    'faults, words',
    [
        (dict(data=np.zeros((3, 3, 0, 22, 1), np.float32)), '0001_0'),
        (dict(labels=[1, 2.5, 3]), '0001_1'),
        (dict(labels=[1, [2, 3], 3]), '0001_1'),
        (dict(labels=7), 'labels are 7'),
        (dict(names=['a', 'b', 'c\n']), 'frame_dir'),
    ],
)
def test_a_fault_of_the_raw_files_is_named_and_nothing_is_written(faults, words, tmp_path):
    folder = raw_folder(tmp_path / 'raw', **faults)
    message = fails(f'--data-dir {folder} --out-dir {tmp_path}/out')
    assert words in message, message
    assert 'train' in message and not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    'value, words',
    [
        (b'hello', 'cannot be read as a pickle'),
        (pickle.dumps({'a': 1, 'b': 2}), 'Expected a tuple'),
        (pickle.dumps((Path('a'), [1])), 'pathlib'),
    ],
)
def test_a_fault_of_the_label_file_is_named(value, words, tmp_path):
    folder = raw_folder(tmp_path / 'raw')
    (folder / 'train_label.pkl').write_bytes(value)
    message = fails(f'--data-dir {folder} --out-dir {tmp_path}/out')
    assert words in message and 'train_label.pkl' in message and not (tmp_path / 'out').exists()


# -- The csv release


def csv_folder(folder: Path, clips=((1, 10, 19), (99, 30, 149))) -> Path:
    """One video, 0187, whose point p of frame f has x = f + p / 100, y = 1000 + p, score = 0.5."""
    folder.mkdir()
    frames = np.zeros((200, NUM_COLUMNS))
    frames[:, 0] = np.arange(200)
    frames[:, 1::3] = np.arange(200)[:, None] + np.arange(35) / 100
    frames[:, 2::3], frames[:, 3::3] = 1000 + np.arange(35), 0.5
    np.savetxt(folder / '0187_light_hand.csv', frames, delimiter=',')
    (folder / '0187.csv').write_text(''.join(f'{a},{b},{c}\n' for a, b, c in clips))
    return folder


def clips_in(folder: Path) -> list[dict]:
    [clips] = read_videos(find([folder]).videos).clips.values()
    return clips


def test_the_csv_release_is_cut_into_clips(tmp_path):
    short, long = clips_in(csv_folder(tmp_path / 'csv'))
    assert (short['frame_dir'], short['label']) == ('0187_0', 0)
    assert (long['frame_dir'], long['label']) == ('0187_1', 31)
    for clip in (short, long):
        assert clip['keypoint'].shape == (1, 90, 22, 2) and clip['total_frames'] == 90
        assert clip['img_shape'] == (1080, 1920)
    # Both ends belong to a clip; zeros are appended, and of longer clips the last frames are kept.
    assert short['keypoint'][0, :10, 0, 0].tolist() == list(range(10, 20))
    assert not short['keypoint'][0, 10:].any() and not short['keypoint_score'][0, 10:].any()
    assert long['keypoint'][0, :, 0, 0].tolist() == list(range(60, 150))
    assert short['keypoint'][0, 0, :, 1].astype(int).tolist() == [1000 + p for p in POINTS]
    assert (short['keypoint_score'][0, :10] == 0.5).all()


def test_the_22_joints_are_the_body_25_points_of_the_same_name_and_all_finger_tips():
    openpose = {
        0: 'nose',
        1: 'neck',
        2: 'right shoulder',
        4: 'right wrist',
        7: 'left wrist',
        15: 'right eye',
        16: 'left eye',
        17: 'right ear',
        18: 'left ear',
    }
    joints = get_layout('imigue22').joints
    assert {p: joints[j] for j, p in enumerate(POINTS) if p in openpose} == openpose
    assert list(POINTS) == [*range(8), 15, 16, 17, 18, *range(25, 35)]


def test_a_nan_point_of_the_csv_release_is_a_missing_joint():
    rows = np.ones((3, 105))
    rows[1, 3] = np.nan  # x of the neck
    clip = keep_joints(rows.reshape(len(rows), NUM_POINTS, 3), POINTS, NUM_FRAMES)
    assert clip[:, 1, 1, 0].tolist() == [0, 0, 0] and clip[:, :3].sum() == 3 * 3 * 22 - 3


@pytest.mark.parametrize('class_id, label', [(1, 0), (32, 31), (99, 31), (17, 16)])
def test_class_ids_count_from_one_and_99_is_the_last_class(class_id, label):
    assert class_of(class_id, 'x') == label


@pytest.mark.parametrize(
    'clips, words',
    [
        ([(1.5, 1, 2)], 'class id 1.5'),
        ([], 'holds no rows'),
        ([('a', 'b', 'c'), ('d', 'e', 'f')], 'cannot be read as numbers'),
    ],
)
def test_a_fault_of_a_label_csv_is_named(clips, words, tmp_path):
    message = fails('--csv', csv_folder(tmp_path / 'csv', clips), '--out-dir', tmp_path / 'out')
    assert words in message and '0187.csv' in message and not (tmp_path / 'out').exists()


def test_several_label_csvs_of_a_video_are_an_error(tmp_path):
    folder = csv_folder(tmp_path / 'csv')
    for name in ('0187_label.csv', '0187_other.csv'):
        shutil.copy(folder / '0187.csv', folder / name)
    (folder / '0187.csv').unlink()
    assert 'several' in fails(f'--csv {folder}')


def test_the_csv_release_becomes_the_split_that_was_named(tmp_path, capsys):
    folder = csv_folder(tmp_path / 'csv')
    run(f'--csv {folder} --out-dir {tmp_path} --splits test --img-shape 720 1280')
    assert read_annotations(tmp_path / 'imigue_test.pkl')['split'] == {'test': ['0187_0', '0187_1']}
    assert '(2 clips, 2 classes)' in capsys.readouterr().out


def test_reading_raw_files_holds_views_not_copies(tmp_path):
    clip = read_raw(raw_folder(tmp_path), 'train')[0]
    assert not clip['keypoint'].flags.owndata and not clip['keypoint'].flags.writeable
