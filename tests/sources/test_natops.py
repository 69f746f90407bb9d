"""NATOPS: the archive's .ts files become annotation pickles; the configs are built."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import Config
from natops_files import HEADER, made_up, ts_file
from numpy.testing import assert_allclose, assert_array_equal
from tiny import script as load_script

from pyskl.annotations import read_annotations
from pyskl.annotations.check import check_annotations
from pyskl.datasets import build_dataset
from pyskl.errors import DataError, UserError
from pyskl.models import build_model
from pyskl.recipe import load_config, read_recipe
from pyskl.sources.natops import (
    CLASSES,
    PICTURE,
    PIXELS_PER_UNIT,
    PROJECTIONS,
    folds,
    read_ts,
)
from pyskl.sources.natops_people import guess_people
from pyskl.sweep.plan import read_plan

ROOT = Path(__file__).parents[2]
_candidates = [os.environ.get('PYSKL_NATOPS'), ROOT.parent / 'shared' / 'real' / 'natops']
REAL = next((Path(p) for p in _candidates if p and Path(p).is_dir()), None)


convert = load_script('convert_natops')


def two_files(folder: Path) -> tuple[Path, Path]:
    return (
        ts_file(folder / 'TRAIN.ts', made_up(12), ['1.0', '2.0'] * 6),
        ts_file(folder / 'TEST.ts', made_up(4, seed=1), ['2.0', '1.0'] * 2),
    )


def run(*arguments) -> None:
    convert.main([str(a) for a in arguments])


def test_each_value_comes_from_its_place_in_the_file(tmp_path):
    values = made_up(3)
    series = read_ts(ts_file(tmp_path / 'a.ts', values, ['2.0', '1.0', '2.0']))
    assert series.labels == [1, 0, 1] and series.names == ('1.0', '2.0')
    for n, t, v, axis in [(0, 0, 0, 0), (1, 4, 7, 2), (2, 3, 5, 1)]:
        assert series.xyz[n][t, v, axis] == values[n, 3 * v + axis, t]


@pytest.mark.parametrize('projection', PROJECTIONS)
def test_the_values_can_be_read_back_from_the_pictures(projection, tmp_path, capsys):
    run(*two_files(tmp_path), '--out-dir', tmp_path / 'out')
    path = tmp_path / 'out' / f'natops_{projection}.pkl'
    assert f'wrote {path} (12 + 4 clips, 2 classes)' in capsys.readouterr().out
    clips = {clip['frame_dir']: clip for clip in read_annotations(path)['annotations']}
    right, up = ('xyz'.index(axis) for axis in projection)
    back = (clips['train_7']['keypoint'][0] - PICTURE / 2) / PIXELS_PER_UNIT  # (T, V, 2)
    assert_allclose(back[..., 0], made_up(12)[7, right::3].T, atol=1e-5)
    assert_allclose(-back[..., 1], made_up(12)[7, up::3].T, atol=1e-5)
    assert clips['train_7']['label'] == clips['test_0']['label'] == 1


def test_the_values_stand_in_the_file_for_space_with_the_same_clips_and_splits(tmp_path):
    run(*two_files(tmp_path), '--out-dir', tmp_path)
    space, front = (read_annotations(tmp_path / f'natops_{name}.pkl') for name in ('xyz', 'xy'))
    assert space['split'] == front['split']
    names = [[(c['frame_dir'], c['label']) for c in data['annotations']] for data in (space, front)]
    assert names[0] == names[1]
    values = made_up(12)[7].reshape(8, 3, 5).transpose(2, 0, 1)  # (T, V, 3)
    assert_array_equal(space['annotations'][7]['keypoint'][0], values.astype(np.float32))
    assert check_annotations(space).errors == []


def test_every_val_is_a_part_of_train_and_its_fit_the_rest(tmp_path):
    run(*two_files(tmp_path), '--out-dir', tmp_path)
    split = read_annotations(tmp_path / 'natops_xy.pkl')['split']
    assert list(split) == ['train', 'test', 'fit', 'val', 'fit2', 'val2', 'fit3', 'val3']
    for number in ('', '2', '3'):
        assert sorted(split[f'fit{number}'] + split[f'val{number}']) == sorted(split['train'])
    assert sorted(split['val'] + split['val2'] + split['val3']) == sorted(split['train'])
    assert not set(split['test']) & set(split['train'])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(2, 6), st.integers(0, 3))
def test_folds_share_nobody_and_lose_no_clip(people, num_folds, seed):
    parts = folds(people, num_folds, seed)
    assert sorted(i for part in parts for i in part) == list(range(len(people)))
    assert parts == folds(people, num_folds, seed)
    assert sum(len({people[i] for i in part}) for part in parts) == len(set(people))


def test_people_are_told_apart_by_how_their_arms_hang_whatever_they_do():
    rng = np.random.default_rng(0)
    looks = rng.normal(size=(10, 8, 3))
    whose, labels = np.repeat(np.arange(10), 6), np.tile([0, 1], 30)
    clips = [looks[p] + rng.normal(0, 0.02, (12, 8, 3)) for p in whose]
    for clip, label in zip(clips, labels):
        clip[4:, : 2 - label, 1] += 3  # the left hand goes up, or both
    found = guess_people(clips, labels)
    assert all(len(set(found[whose == p])) == 1 for p in range(10)) and len(set(found)) == 10
    assert (found == guess_people(clips, labels)).all()


ROW = ':'.join(['0.1,0.2'] * 24)


@pytest.mark.parametrize(
    'text, words',
    [
        (HEADER, 'holds no clips'),
        ('', 'holds no clips'),
        (f'{ROW}:1.0\n', 'line 1: 0.1,0.2'),
        (f'@data\n{ROW}:1.0\n', "Expected a line like '@classLabel true 1.0 2.0'"),
        (HEADER.replace('false', 'true') + ROW + ':1.0\n', 'time stamps'),
        (HEADER + f'{ROW}:1.0\n{ROW}\n', 'line 8: 23 series and a label. Expected 24'),
        (
            HEADER + f'{ROW}:3.0\n',
            "line 7: the label is '3.0'. Expected one of @classLabel: 1.0, 2.0.",
        ),
        (HEADER + f'{ROW.replace("0.2", "?", 1)}:1.0\n', "line 7, series 1: '?' is not a number"),
        (HEADER + f'{ROW.replace("0.2", "", 1)}:1.0\n', "series 1: 'nothing' is not a number"),
        (HEADER + f'0.1,NaN:{ROW[8:]}:1.0\n', 'series 1: holds NaN'),
        (HEADER + f'0.1,0.2,0.3:{ROW[8:]}:1.0\n', 'line 7: series of 2, 3 frames'),
    ],
)
def test_a_malformed_file_is_named_with_its_line(text, words, tmp_path):
    (tmp_path / 'a.ts').write_text(text)
    with pytest.raises(DataError) as error:
        read_ts(tmp_path / 'a.ts')
    message = str(error.value)
    assert words in message and str(tmp_path / 'a.ts') in message and len(message) < 400


@pytest.mark.parametrize(
    'test, folds', [('other.ts', 3), ('none.ts', 3), ('TEST.ts', 1), ('TEST.ts', 11)]
)
def test_files_of_other_classes_and_missing_ones_are_refused_before_anything_is_written(
    test, folds, tmp_path
):
    train, _ = two_files(tmp_path)
    ts_file(tmp_path / 'other.ts', made_up(1), ['a'], HEADER.replace('1.0 2.0', 'a b'))
    with pytest.raises(UserError):
        run(train, tmp_path / test, '--folds', folds, '--out-dir', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.skipif(
    REAL is None, reason="the archive's files are not at hand (set PYSKL_NATOPS to their folder)"
)
def test_the_real_files_hold_180_clips_each_thirty_a_class():
    for name in ('TRAIN', 'TEST'):
        series = read_ts(REAL / f'NATOPS_{name}.ts')
        assert np.bincount(series.labels).tolist() == [30] * len(CLASSES)
        assert {clip.shape for clip in series.xyz} == {(51, 8, 3)}


PLANS = [ROOT / 'configs' / 'natops' / f'{name}.py' for name in ('plan', 'choose')]
CONFIGS = sorted(p for p in (ROOT / 'configs' / 'natops').glob('*.py') if p not in PLANS)


@pytest.mark.parametrize('config', CONFIGS, ids=lambda p: p.stem)
def test_the_configs_train_on_train_judge_on_test_alone_and_fit_their_clips(
    config, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    run(*two_files(tmp_path), '--out-dir', 'data/natops')
    recipe = read_recipe(load_config(config))
    train, test = (build_dataset(getattr(recipe.data, name)) for name in ('train', 'test'))
    assert recipe.data.val is None and (len(train), len(test)) == (12, 4)
    model = build_model(recipe.model)
    entry, axis = ('keypoint', -1) if config.stem == 'graph' else ('imgs', 1)
    assert train[0][entry].shape[axis] == model.backbone.in_channels
    assert model.forward_test(test[0][entry][None]).shape == (1, len(CLASSES))


def test_the_configs_are_read_alike_by_mmengine_and_have_work_dirs_of_their_own():
    for config in CONFIGS:
        assert load_config(config).to_dict() == Config.fromfile(str(config)).to_dict()
        assert load_config(config).work_dir == f'./work_dirs/natops/{config.stem}'


@pytest.mark.parametrize('plan', PLANS, ids=lambda p: p.stem)
def test_every_run_of_the_plans_is_a_recipe_and_choosing_never_sees_test(plan):
    for entry in read_plan(plan).entries:
        data = read_recipe(load_config(entry.config, entry.words)).data
        seen = [data.train['split'], data.test['split']]
        allowed = [['fit', 'val'], ['fit2', 'val2'], ['fit3', 'val3']]
        assert seen in ([['train', 'test']] if plan.stem == 'plan' else allowed)
