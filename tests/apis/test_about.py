"""Names of the classes and the joints' layout travel with the data."""

from __future__ import annotations

import numpy as np
import pytest

from pyskl.annotations import (
    About,
    make_annotation,
    open_annotations,
    read_annotations,
    write_annotations,
)
from pyskl.errors import DataError
from pyskl.sources.pack import pack_file

NAMES = ('wave', 'point')
LAYOUT = dict(
    name='arm',
    joints=['neck', 'left hand', 'right hand'],
    bones=[(1, 0), (2, 0)],
    mirror=[(1, 2)],
    centre=0,
)


def _clips():
    keypoint = np.full((4, 3, 2), 10.0)
    return [make_annotation(name, keypoint, label=0, img_shape=(48, 64)) for name in 'ab']


@pytest.mark.parametrize('as_given', [False, True])
def test_names_and_layout_are_read_as_they_were_written(tmp_path, as_given):
    path = tmp_path / 'x.pkl'
    write_annotations(path, {'train': ['a']}, _clips(), as_given, About(NAMES, LAYOUT))
    assert read_annotations(path)['label_names'] == list(NAMES)
    about = open_annotations(path).about
    assert about == About(NAMES, LAYOUT)
    assert about.known_layout().joints == ('neck', 'left hand', 'right hand')


@pytest.mark.parametrize('about', [About(NAMES, 'coco17'), About()])
def test_they_survive_packing_and_choosing_a_split(tmp_path, about):
    path = tmp_path / 'x.pkl'
    write_annotations(path, {'train': ['a']}, _clips(), about=about)
    assert set(read_annotations(path)) == {'split', 'annotations', *about.entries()}
    pack_file(path)
    assert open_annotations(path).store.where.endswith('.packed')
    assert open_annotations(path).split('train').about == about


@pytest.mark.parametrize(
    'about',
    [
        dict(label_names='wave'),
        dict(label_names=['wave', 3]),
        dict(label_names=['wave', ' ']),
        dict(layout='no such layout'),
        dict(layout=dict(name='arm', joints=['a'], bones=[(0, 5)], mirror=[], centre=0)),
    ],
)
def test_wrong_ones_are_an_error_that_names_the_file(about):
    with pytest.raises(DataError, match='^some file: '):
        About.of({'annotations': [], **about}, 'some file')
