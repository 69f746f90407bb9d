"""Synthetic micro-gestures: raw files, people, and that a still pose does not tell the classes."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tiny import script

from pyskl.errors import DataError, UserError
from pyskl.evaluation import mean_pose_nearest_neighbour
from pyskl.evaluation.baseline import mean_poses
from pyskl.labels import IMIGUE_LABELS
from pyskl.skeletons import get_layout
from pyskl.sources.synthetic import GESTURES, class_counts, make_split, write_demo_data, write_split
from pyskl.sources.synthetic.body import JOINT
from pyskl.sources.synthetic.gestures import gesture_table
from pyskl.sources.synthetic.writing import IMIGUE_COUNTS

LAYOUT = get_layout('imigue22')
SPLITS = ('train', 'val', 'test')


def clips_of(split) -> np.ndarray:
    return np.concatenate(list(split.chunks()))


def annotations_of(clips: np.ndarray, labels: np.ndarray) -> list[dict]:
    keypoint, score = clips[:, :2].transpose(0, 4, 2, 3, 1), clips[:, 2].transpose(0, 3, 1, 2)
    keys = ('frame_dir', 'label', 'keypoint', 'keypoint_score')
    return [dict(zip(keys, ('a', *clip))) for clip in zip(labels.tolist(), keypoint, score)]


@pytest.fixture(scope='module')
def small():
    """Return x and y (N, T, V, 2), and which joints are there (N, T, V), of 700 clips."""
    clips = clips_of(make_split(700, seed=11))[..., 0]
    return clips[:, :2].transpose(0, 2, 3, 1), clips[:, 2]


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path):
    for folder, seed in (('a', 3), ('b', 3), ('c', 4)):
        write_demo_data(tmp_path / folder, 300, 10, 20, seed)
    files = {p.name for p in (tmp_path / 'a').iterdir()}
    assert files == {f'{s}_{kind}' for s in SPLITS for kind in ('data.npy', 'label.pkl')}
    for name in files:
        a, b, c = ((tmp_path / folder / name).read_bytes() for folder in 'abc')
        assert a == b != c


def test_files_are_what_imigue_ships(tmp_path):
    write_split(tmp_path, 'train', make_split(300, seed=5))
    data = np.load(tmp_path / 'train_data.npy')
    names, labels = pickle.loads((tmp_path / 'train_label.pkl').read_bytes())
    assert data.shape == (300, 3, 90, 22, 1) and data.dtype == np.float32
    assert len(set(names)) == len(labels) == 300 and names[0] == '0001_0'
    assert all(type(label) is int for label in labels) and set(labels) == set(range(32))


def test_nobody_is_in_two_splits(tmp_path):
    videos = []
    for made in write_demo_data(tmp_path, 400, 60, 90, seed=2).values():
        videos += {name.split('_')[0] for name in made.names}
    assert len(set(videos)) == len(videos)
    widths = [make_split(60, 2, split).people.shoulder_width for split in SPLITS]
    assert len(np.unique(widths)) == np.size(widths)


def test_the_test_split_does_not_depend_on_the_size_of_the_others(tmp_path):
    write_demo_data(tmp_path / 'a', 40, 0, 30, seed=2)
    write_demo_data(tmp_path / 'b', 400, 0, 30, seed=2)
    assert not (tmp_path / 'a' / 'val_data.npy').exists()
    one, other = ((tmp_path / folder / 'test_data.npy').read_bytes() for folder in 'ab')
    assert one == other


@pytest.mark.parametrize('num_clips', [1, 2, 31, 127, 128, 400, 2000, 12893])
def test_class_counts_sum_up_and_are_long_tailed_with_every_class_from_128_clips_on(num_clips):
    counts = class_counts(num_clips)
    assert counts.sum() == num_clips and (counts >= 0).all()
    assert num_clips < 128 or (counts > 0).all()
    assert num_clips < 2000 or (np.diff(counts[np.argsort(IMIGUE_COUNTS)]) >= 0).all()


def test_a_missing_joint_has_no_place_and_no_score(small):
    xy, score = small
    missing = score == 0
    assert (xy[missing] == 0).all() and (xy[~missing] > 0).all() and (xy < (1920, 1080)).all()
    assert score.min() >= 0 and score.max() <= 1 and len(np.unique(score)) > 10000
    assert 0.01 < missing[score.any(axis=2)].mean() < 0.2


def test_short_clips_are_padded_with_zero_frames_at_the_end(small):
    real = small[1].any(axis=2)  # (N, T)
    length = real.sum(axis=1)
    assert (real == (np.arange(90) < length[:, None])).all()
    assert 0.2 < (length < 90).mean() < 0.5 and length.min() >= 30


def test_a_seed_gives_the_clips_that_it_always_gave():
    clips = clips_of(make_split(60, seed=11))
    shown = [JOINT[name] for name in ('nose', 'right wrist', 'left wrist', 'left middle tip')]
    golden = [
        [853.6599, 762.6434, 906.7616, 841.7487],
        [276.6839, 485.8959, 462.7428, 449.5721],
        [0.697505, 0.676829, 0.673852, 0.500026],
    ]
    assert_allclose(clips.mean((0, 2, 4), float)[:, shown], golden, rtol=1e-4)


@pytest.mark.parametrize(
    'one, other',
    [
        ('touch hat', 'play hair'),
        ('touch forehead', 'rub eyes'),
        ('touch chin', 'bite nails'),
        ('rub hand', 'cross finger'),
        ('touch neck', 'adjust tie'),
        ('tidy sleeve', 'scratch arm'),
    ],
)
def test_neighbouring_gestures_share_their_place_and_move_otherwise(one, other):
    first, second = (gesture_table().of(IMIGUE_LABELS.index(name)) for name in (one, other))
    assert (first.to == second.to).all()
    moves = ('along', 'period', 'lag')
    assert any((getattr(first, key) != getattr(second, key)).any() for key in moves)


def test_every_label_has_one_gesture_that_16_frames_still_show():
    assert sorted(gesture.name for gesture in GESTURES) == sorted(IMIGUE_LABELS)
    assert gesture_table().period.min() >= 12


def test_a_still_pose_is_not_enough():
    train, test = make_split(1500, 21, 'train'), make_split(300, 21, 'test')
    right = mean_pose_nearest_neighbour(
        *(annotations_of(clips_of(split), split.labels) for split in (train, test))
    )
    assert np.bincount(test.labels).max() / 300 < right < 0.5


def test_labels_can_be_kept_back_and_old_ones_are_not_left_beside_new_data(tmp_path):
    write_demo_data(tmp_path, 20, 0, 20, test_labels=False)
    assert (tmp_path / 'test_data.npy').exists() and not (tmp_path / 'test_label.pkl').exists()
    write_demo_data(tmp_path, 20, 0, 20)
    with pytest.raises(UserError, match=r'test_label\.pkl'):
        write_demo_data(tmp_path, 20, 0, 20, test_labels=False)


@pytest.mark.parametrize('num_train, seed, named', [(-1, 0, '-1 clips'), (5, -2, 'seed = -2')])
def test_impossible_sizes_and_seeds_are_named(tmp_path, num_train, seed, named):
    with pytest.raises(UserError, match=named):
        write_demo_data(tmp_path, num_train, 0, 5, seed)
    assert not list(tmp_path.iterdir())


def test_the_script_says_what_it_wrote(tmp_path, capsys):
    words = [
        '--num-train',
        '140',
        '--num-val',
        '0',
        '--num-test',
        '30',
        '--seed',
        '7',
        '--no-test-labels',
    ]
    script('make_demo_data').main([str(tmp_path), *words])
    train, test = capsys.readouterr().out.splitlines()
    assert train == f'wrote {tmp_path}/train_data.npy (140 clips of 6 people, 32 classes)'
    assert test == f'wrote {tmp_path}/test_data.npy (30 clips of 2 people, no labels)'


# The baseline that compares mean poses ------------------------------------------------------------


def still(poses: np.ndarray, score: np.ndarray) -> list[dict]:
    """Clips of one frame, a class each."""
    xyc = np.concatenate([poses, np.broadcast_to(score[:, None], (*poses.shape[:2], 1))], axis=-1)
    return annotations_of(xyc.transpose(0, 2, 1)[:, :, None, :, None], np.arange(len(poses)))


def test_the_neighbour_ignores_place_size_side_and_missing_joints():
    poses = np.random.default_rng(1).uniform(-50, 50, (4, 22, 2))
    poses[:, [1, 2, 5]] = (0, 0), (-60, 0), (60, 0)
    seen = np.ones(22)
    holes = seen.copy()
    holes[12:17] = 0
    mirrored = np.where(holes[:, None] > 0, poses[:, list(LAYOUT.opposite)] * [-1, 1], -1e3)
    train, test = still(poses + 300, seen), still(2.5 * mirrored + 700, holes)
    assert mean_pose_nearest_neighbour(train, test) == 1
    nowhere = poses[:1] + 300
    nowhere[:, 12:17], nowhere[:, 17:] = 0, (np.nan, 1)  # scored all the same
    means, there = mean_poses(still(nowhere, seen), LAYOUT)
    assert there[0].tolist() == [True] * 12 + [False] * 10 and np.isfinite(means).all()


def test_the_neighbour_names_clips_that_do_not_fit():
    clips = still(np.zeros((1, 17, 2)), np.ones(17))
    with pytest.raises(DataError, match='clip a: 17 joints; expected the 22'):
        mean_pose_nearest_neighbour(clips, clips)
    with pytest.raises(DataError, match='no clips'):
        mean_pose_nearest_neighbour([], clips)
