"""A child's values over those of its base: layouts, texts and dicts, and what cannot be merged."""

from __future__ import annotations

import functools
import operator
from pathlib import Path

import pytest
from config_files import CONFIGS, paths_in

from pyskl.errors import ConfigError
from pyskl.recipe import load_config
from pyskl.recipe.layout_option import read_layout
from pyskl.skeletons import imigue22, layout_of

OWN = dict(
    name='arm',
    joints=['neck', 'left hand', 'right hand'],
    bones=[(1, 0), (2, 0)],
    mirror=[(1, 2)],
    centre=0,
)


@pytest.fixture
def child(tmp_path):
    """Load a child of a config with these lines."""

    def load(base: Path, text: str):
        (tmp_path / 'child.py').write_text(f'_base_ = [{str(base)!r}]\n{text}\n')
        return load_config(tmp_path / 'child.py')

    return load


def named(config) -> list:
    """All that stands as layout, or as the data set of features, in model and data."""
    values = [config.model.to_dict(), config.data.to_dict()]
    dicts = [value_at(values, path) for path in paths_in(values)]
    dicts = [value for value in dicts if isinstance(value, dict)]
    layouts = [value['layout'] for value in dicts if 'layout' in value]
    return layouts + [value['dataset'] for value in dicts if value.get('type') == 'GenSkeFeat']


def value_at(values, path):
    return functools.reduce(operator.getitem, path, values)


@pytest.mark.parametrize('base', ['demo/joint.py', 'demo/gcn.py', 'stgcn++/imigue22.py'])
@pytest.mark.parametrize(
    'other', [OWN, dict(name='imigue22', first_hand='right'), 'natops8'], ids=str
)
def test_a_childs_own_layout_stands_wherever_its_base_named_one(child, base, other):
    places = named(load_config(CONFIGS / base))
    assert set(places) == {'imigue22'}
    found = child(CONFIGS / base, f'layout = {other!r}')
    assert found.layout == other and named(found) == [other] * len(places)


def test_a_child_of_a_child_changes_the_layout_once_more(child, tmp_path):
    (tmp_path / 'middle.py').write_text(
        f'_base_ = [{str(CONFIGS / "demo/joint.py")!r}]\n'
        "layout = dict(name='imigue22', first_hand='right')\n"
    )
    found = child(tmp_path / 'middle.py', f'layout = dict(_delete_=True, **{OWN!r})')
    assert found.layout == OWN and all(layout == OWN for layout in named(found))


def test_another_layout_than_the_bases_stays(child, tmp_path):
    """What the base gave a layout of its own keeps it."""
    (tmp_path / 'base.py').write_text(
        "layout = 'coco17'\nhelper = dict(a=dict(layout=layout), b=dict(layout='ntu25'))\n"
    )
    found = child(tmp_path / 'base.py', "layout = 'openpose18'")
    assert found.helper == dict(a=dict(layout='openpose18'), b=dict(layout='ntu25'))


def test_a_dict_replaces_a_text_or_none_and_is_merged_into_a_dict(child, tmp_path):
    (tmp_path / 'base.py').write_text("a = dict(b='text', c=None, d=dict(x=1, y=dict(z=2)))\n")
    found = child(tmp_path / 'base.py', 'a = dict(b=dict(p=1), c=dict(q=2), d=dict(y=dict(w=3)))')
    assert found.a == dict(b=dict(p=1), c=dict(q=2), d=dict(x=1, y=dict(z=2, w=3)))


def test_a_dict_that_cannot_be_merged_is_named_by_its_path_in_short(child, tmp_path):
    (tmp_path / 'base.py').write_text('a = dict(b=dict(c=[1, 2]))\n')
    with pytest.raises(ConfigError, match=r'a\.b\.c = .*_delete_=True') as error:
        child(tmp_path / 'base.py', 'a = dict(b=dict(c=dict(x=list(range(5000)))))')
    assert len(str(error.value)) < 600
    found = child(tmp_path / 'base.py', 'a = dict(b=dict(c=dict(_delete_=True, x=1)))')
    assert found.a.b.c == dict(x=1)


# -- a layout on the command line ------------------------------------------------------------------


@pytest.mark.parametrize(
    'text',
    ["dict(name='imigue22', first_hand='right')", "{'name': 'imigue22', 'first_hand': 'right'}"],
)
def test_a_dict_on_the_command_line_is_read_in_both_forms(text):
    assert layout_of(read_layout(text)) == imigue22('right')


def test_a_name_on_the_command_line_is_itself():
    assert read_layout('coco17') == 'coco17' and read_layout(None) is None


@pytest.mark.parametrize(
    ('config', 'expected'),
    [('demo/joint.py', 'imigue22'), ('stgcn++/stgcn++_ntu60_xsub_3dkp.py', 'nturgb+d')],
)
def test_a_config_file_on_the_command_line_means_its_layout(config, expected):
    assert read_layout(str(CONFIGS / config)) == expected


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ("model = dict(a=dict(layout='coco17'), b=dict(layout='ntu25'))", 'coco17., .ntu25'),
        ('seed = 1', 'names no layout'),
    ],
)
def test_a_config_file_without_one_layout_is_refused(tmp_path, text, words):
    (tmp_path / 'c.py').write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_layout(str(tmp_path / 'c.py'))


@pytest.mark.parametrize('text', ['{1, 2}', "{'name': ", 'dict(name=', 'dict(a, b)', '{[1]: 2}'])
def test_a_dict_that_cannot_be_read_is_refused(text):
    with pytest.raises(ConfigError, match='cannot be read; expected a name'):
        read_layout(text)
