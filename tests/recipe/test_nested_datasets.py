"""The data sets inside a data set's config."""

from __future__ import annotations

import pytest

from pyskl.recipe import dataset_configs, inner_datasets

ONE, TWO, THREE = (
    dict(type='PoseDataset', ann_file=f'{name}.pkl') for name in ('one', 'two', 'three')
)
NESTED = dict(
    type='RepeatDataset',
    times=2,
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            ONE,
            dict(type='RepeatDataset', dataset=TWO),
            dict(type='ConcatDataset', datasets=(THREE,)),
        ],
    ),
)


def test_a_data_set_that_holds_none_is_found_itself():
    assert list(dataset_configs(ONE, 'joint.py: data.val')) == [('joint.py: data.val', ONE)]


def test_the_innermost_data_sets_are_found_in_order_with_their_places():
    assert list(dataset_configs(NESTED, 'data.train')) == [
        ('data.train.dataset.datasets[0]', ONE),
        ('data.train.dataset.datasets[1].dataset', TWO),
        ('data.train.dataset.datasets[2].datasets[0]', THREE),
    ]
    paths = [path for path, _ in inner_datasets(NESTED['dataset'])]
    assert paths == [('datasets', 0), ('datasets', 1), ('datasets', 2)]


@pytest.mark.parametrize('nothing', [None, 5, 'train.pkl', [ONE]])
def test_what_is_no_config_holds_no_data_set(nothing):
    assert list(dataset_configs(nothing)) == [] and inner_datasets(nothing) == []


def test_a_config_that_nobody_checked_is_walked_as_far_as_it_is_one():
    half = dict(dataset=5, datasets=[None, ONE, 'x'])
    assert list(dataset_configs(half)) == [('datasets[1]', ONE)]
    assert list(dataset_configs(dict(datasets='ab'))) == [('', dict(datasets='ab'))]
