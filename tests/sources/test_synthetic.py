"""Synthetic micro-gestures: raw files, people, and that they are neither trivial nor hopeless."""

import pickle

import numpy as np
import pytest
from tiny import script as load_script

from pyskl.errors import DataError, UserError
from pyskl.evaluation import mean_pose_nearest_neighbour
from pyskl.evaluation.baseline import mean_poses
from pyskl.labels import IMIGUE_LABELS
from pyskl.skeletons import get_layout
from pyskl.sources.synthetic import GESTURES, class_counts, make_split, write_demo_data, write_split
from pyskl.sources.synthetic.body import FOREARM, UPPER_ARM, Parts, joints_of
from pyskl.sources.synthetic.gestures import gesture_table
from pyskl.sources.synthetic.people import draw_people
from pyskl.sources.synthetic.writing import IMIGUE_COUNTS

LAYOUT = get_layout('imigue22')


def clips_of(split) -> np.ndarray:
    return np.concatenate(list(split.chunks()))


def annotations_of(clips: np.ndarray, labels: np.ndarray) -> list[dict]:
    return [
        dict(
            frame_dir=str(i),
            label=int(label),
            keypoint=clip[:2].transpose(3, 1, 2, 0),
            keypoint_score=clip[2].transpose(2, 0, 1),
        )
        for i, (clip, label) in enumerate(zip(clips, labels))
    ]


@pytest.fixture(scope='module')
def small():
    split = make_split(700, seed=11)
    return split, clips_of(split)


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path):
    for folder, seed in (('a', 3), ('b', 3), ('c', 4)):
        write_demo_data(tmp_path / folder, 300, 10, 20, seed)
    files = sorted(p.name for p in (tmp_path / 'a').iterdir())
    assert files == sorted(
        f'{split}_{kind}'
        for split in ('train', 'val', 'test')
        for kind in ('data.npy', 'label.pkl')
    )
    for name in files:
        a, b, c = ((tmp_path / folder / name).read_bytes() for folder in 'abc')
        assert a == b != c


def test_files_are_what_imigue_ships(tmp_path):
    write_split(tmp_path, 'train', make_split(300, seed=5))
    data = np.load(tmp_path / 'train_data.npy')
    names, labels = pickle.loads((tmp_path / 'train_label.pkl').read_bytes())
    assert data.shape == (300, 3, 90, 22, 1) and data.dtype == np.float32
    assert len(names) == len(set(names)) == len(labels) == 300
    assert names[0] == '0001_0' and all(len(name.split('_')[0]) == 4 for name in names)
    assert all(type(label) is int for label in labels) and set(labels) == set(range(32))


def test_nobody_is_in_two_splits(tmp_path):
    write_demo_data(tmp_path, 400, 60, 90, seed=2)
    videos = [
        {
            name.split('_')[0]
            for name in pickle.loads((tmp_path / f'{split}_label.pkl').read_bytes())[0]
        }
        for split in ('train', 'val', 'test')
    ]
    assert not (videos[0] & videos[1] or videos[0] & videos[2] or videos[1] & videos[2])
    shoulders = [
        make_split(60, 2, split).people.shoulder_width for split in ('train', 'val', 'test')
    ]
    assert len(set(np.concatenate(shoulders).tolist())) == sum(map(len, shoulders))


def test_the_test_split_does_not_depend_on_the_size_of_the_others(tmp_path):
    write_demo_data(tmp_path / 'a', 40, 0, 30, seed=2)
    write_demo_data(tmp_path / 'b', 400, 0, 30, seed=2)
    assert not (tmp_path / 'a' / 'val_data.npy').exists()
    assert (tmp_path / 'a' / 'test_data.npy').read_bytes() == (
        tmp_path / 'b' / 'test_data.npy'
    ).read_bytes()


@pytest.mark.parametrize('num_clips', [1, 2, 31, 127, 128, 400, 2000, 12893])
def test_class_counts_sum_up_and_have_every_class_from_128_clips_on(num_clips):
    counts = class_counts(num_clips)
    assert counts.sum() == num_clips and (counts >= 0).all()
    assert num_clips < 128 or (counts > 0).all()


def test_classes_have_imigues_long_tail_softened():
    assert sum(IMIGUE_COUNTS) == 12893
    counts = class_counts(2000)
    assert (np.diff(counts[np.argsort(IMIGUE_COUNTS)]) >= 0).all()
    assert counts.max() == counts[IMIGUE_LABELS.index('illustrative')] > 20 * counts.min()
    assert class_counts(400).min() >= 3


def test_a_missing_joint_has_no_place_and_no_score(small):
    clips = small[1]
    missing = clips[:, 2] == 0
    assert (clips[:, :2].transpose(0, 2, 3, 4, 1)[missing] == 0).all()
    assert (clips[:, :2].transpose(0, 2, 3, 4, 1)[~missing] > 0).all()
    assert clips[:, 2].min() >= 0 and clips[:, 2].max() <= 1 and len(np.unique(clips[:, 2])) > 10000
    assert clips[:, 0].max() < 1920 and clips[:, 1].max() < 1080 and np.isfinite(clips).all()
    inside = clips[:, 2].any(axis=(2, 3))
    assert 0.01 < missing[inside].mean() < 0.2


def test_short_clips_are_padded_with_zero_frames_at_the_end(small):
    real = small[1][:, 2].any(axis=(2, 3))  # (N, T)
    length = real.sum(axis=1)
    assert (real == (np.arange(90) < length[:, None])).all()
    assert 0.2 < (length < 90).mean() < 0.5 and length.min() >= 30


def test_the_wrists_own_hands_are_the_nearer_ones(small):
    xy, has = small[1][:, :2, ..., 0], small[1][:, 2, ..., 0] > 0

    def apart(wrist, tip):
        both = has[..., wrist] & has[..., tip]
        return np.hypot(*(xy[..., wrist] - xy[..., tip]).transpose(1, 0, 2))[both].mean()

    assert apart(7, 14) < 0.6 * apart(4, 14) and apart(4, 19) < 0.6 * apart(7, 19)


def test_people_face_the_camera_and_differ(small):
    split, clips = small
    x, has = clips[:, 0, ..., 0], clips[:, 2, ..., 0] > 0
    width = (x[..., 5] - x[..., 2])[has[..., 5] & has[..., 2]]
    assert (width > 0).all()  # the person's right is on the left of the picture
    assert np.percentile(width, 95) > 1.4 * np.percentile(width, 5)
    left_moves, right_moves = (
        np.ptp(np.where(has[..., wrist], clips[:, 1, ..., wrist, 0], np.nan)[:, :30], axis=1)
        for wrist in (7, 4)
    )
    assert 0.2 < np.nanmean(left_moves > right_moves) < 0.8


def test_arms_keep_their_length_or_look_shorter():
    rng = np.random.default_rng(0)
    people, shape = draw_people(rng, 40), (40, 9, 2)
    still, hands = (
        np.zeros(shape, np.float32),
        rng.uniform(-2.5, 2.5, (2, *shape)).astype(np.float32),
    )
    joints = joints_of(
        Parts(still, still, hands, (still, still), np.full((2, 40, 9), 0.5, np.float32)), people
    )
    for shoulder, elbow, wrist in ((2, 3, 4), (5, 6, 7)):
        upper, fore = (
            np.linalg.norm(joints[:, :, a] - joints[:, :, b], axis=-1)
            for a, b in ((shoulder, elbow), (elbow, wrist))
        )
        assert (upper <= UPPER_ARM * people.upper_arm[:, None] + 1e-4).all()
        assert (fore <= FOREARM * people.forearm[:, None] + 1e-4).all()


def test_every_label_has_one_gesture_and_pairs_share_their_place():
    assert sorted(gesture.name for gesture in GESTURES) == sorted(IMIGUE_LABELS)
    table, where = gesture_table(), IMIGUE_LABELS.index
    for one, other in (
        ('touch hat', 'play hair'),
        ('touch forehead', 'rub eyes'),
        ('touch chin', 'bite nails'),
        ('rub hand', 'cross finger'),
        ('touch neck', 'adjust tie'),
        ('tidy sleeve', 'scratch arm'),
    ):
        assert (table.to[where(one)] == table.to[where(other)]).all()
        differs = [
            (getattr(table, name)[where(one)] != getattr(table, name)[where(other)]).any()
            for name in ('along', 'period', 'lag')
        ]
        assert any(differs)
    assert table.period.min() >= 12  # 16 frames of 90 must still show the movement


def motion_features(clips: np.ndarray) -> np.ndarray:
    """(N, 5 * 44) mean pose, and how much and how fast each joint moves in x and y."""
    features = []
    for clip in clips[..., 0]:
        has = (clip[2] > 0)[..., None]  # (T, V, 1)
        xy = clip[:2].transpose(1, 2, 0)
        seen = np.maximum(has.sum(axis=0), 1)
        mean = (xy * has).sum(axis=0) / seen
        width = np.linalg.norm(mean[2] - mean[5]) or 1.0
        away = (xy - mean) * has / width
        steps = (away[3:] - away[:-3]) * (has[3:] & has[:-3])
        spread = np.sqrt((away**2).sum(axis=0) / seen)
        speed = np.sqrt((steps**2).sum(axis=0) / np.maximum((has[3:] & has[:-3]).sum(axis=0), 1))
        features.append(np.concatenate([(mean - mean[1]) / width, 3 * spread, 3 * speed]).ravel())
    return np.array(features)


def test_a_still_pose_is_not_enough():
    train, test = make_split(1500, 21, 'train'), make_split(300, 21, 'test')
    train_clips, test_clips = clips_of(train), clips_of(test)
    still = mean_pose_nearest_neighbour(
        annotations_of(train_clips, train.labels), annotations_of(test_clips, test.labels)
    )
    mirrored = train_clips[:, :, :, list(LAYOUT.opposite)].copy()
    mirrored[:, 0] = np.where(mirrored[:, 2] > 0, 1920 - mirrored[:, 0], 0)
    known = np.concatenate([motion_features(train_clips), motion_features(mirrored)])
    nearest = [((known - asked) ** 2).sum(axis=1).argmin() for asked in motion_features(test_clips)]
    moving = (np.concatenate([train.labels, train.labels])[nearest] == test.labels).mean()
    print(still, moving)
    assert np.bincount(test.labels).max() / 300 < still < moving - 0.1


def test_labels_can_be_kept_back_and_old_ones_are_not_left_beside_new_data(tmp_path):
    write_demo_data(tmp_path, 20, 0, 20, test_labels=False)
    assert (tmp_path / 'test_data.npy').exists() and not (tmp_path / 'test_label.pkl').exists()
    write_demo_data(tmp_path, 20, 0, 20)
    with pytest.raises(UserError, match=r'test_label\.pkl: exists already'):
        write_demo_data(tmp_path, 20, 0, 20, test_labels=False)


@pytest.mark.parametrize(
    ('num_train', 'seed', 'said'), [(-1, 0, 'the train split has -1 clips'), (5, -2, 'seed = -2')]
)
def test_impossible_sizes_and_seeds_are_named(tmp_path, num_train, seed, said):
    with pytest.raises(UserError, match=said):
        write_demo_data(tmp_path, num_train, 0, 5, seed)
    assert not list(tmp_path.iterdir())


def test_the_script_says_what_it_wrote(tmp_path, capsys):
    script = load_script('make_demo_data')
    script.main(
        [
            str(tmp_path),
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
    )
    train, test = capsys.readouterr().out.splitlines()
    assert train == f'wrote {tmp_path}/train_data.npy (140 clips of 6 people, 32 classes)'
    assert test == f'wrote {tmp_path}/test_data.npy (30 clips of 2 people, no labels)'


def test_the_neighbour_ignores_place_size_side_and_missing_joints():
    rng = np.random.default_rng(1)
    pose = rng.uniform(-1, 1, (4, 22, 2)) * 50
    pose[:, 1], pose[:, 2], pose[:, 5] = 0, (-60, 0), (60, 0)
    score = np.ones((4, 22))

    def clip(xy, score, label, scale=1.0, shift=0.0):
        xy = np.repeat((xy * scale + shift)[None, None], 3, axis=1)
        return dict(
            frame_dir='a',
            label=label,
            keypoint=xy,
            keypoint_score=np.repeat(score[None, None], 3, axis=1),
        )

    train = [clip(p, s, i, shift=300) for i, (p, s) in enumerate(zip(pose, score))]
    mirrored = pose[:, list(LAYOUT.opposite)] * [-1, 1]
    holes = score.copy()
    holes[:, 12:17] = 0
    broken = np.where(holes[..., None] > 0, mirrored, -1e3)
    assert (
        mean_pose_nearest_neighbour(
            train, [clip(p, s, i, 2.5, 700) for i, (p, s) in enumerate(zip(broken, holes))]
        )
        == 1
    )
    poses, seen = mean_poses([clip(pose[0], np.zeros(22), 0)], LAYOUT)
    assert not seen.any() and (poses == 0).all()
    nowhere = np.where(
        np.arange(22)[:, None] < 12, pose[0] + 300, [[0, 0]] * 17 + [[np.nan, 1]] * 5
    )  # scored all the same
    poses, seen = mean_poses([clip(nowhere, np.ones(22), 0)], LAYOUT)
    assert seen[0].tolist() == [True] * 12 + [False] * 10 and np.isfinite(poses).all()


def test_the_neighbour_names_clips_that_do_not_fit():
    clip = dict(
        frame_dir='0001_0',
        label=0,
        keypoint=np.zeros((1, 3, 17, 2)),
        keypoint_score=np.ones((1, 3, 17)),
    )
    with pytest.raises(DataError, match='clip 0001_0: 17 joints; expected the 22'):
        mean_pose_nearest_neighbour([clip], [clip])
    with pytest.raises(DataError, match='no clips'):
        mean_pose_nearest_neighbour([], [clip])
