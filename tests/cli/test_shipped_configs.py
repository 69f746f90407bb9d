"""`pyskl configs`, and configs that are found by name."""

from __future__ import annotations

import pytest
from tiny import ROOT

from pyskl.cli import dispatch, places
from pyskl.errors import ConfigError, UserError
from pyskl.recipe import load_config

CONFIGS = ROOT / 'configs'


def printed(capsys, *words):
    dispatch(['configs', *words])
    return capsys.readouterr().out


def test_all_but_the_bases_are_listed_with_what_they_are(capsys):
    lines = printed(capsys, 'list').splitlines()
    shipped = [p.relative_to(CONFIGS).as_posix() for p in sorted(CONFIGS.rglob('*.py'))]
    names = [line.split()[0] for line in lines]
    assert names == [name for name in shipped if not name.startswith('_base_/')]
    assert all(len(line.split()) > 2 for line in lines)
    assert printed(capsys, 'list', '--names').split() == names


def test_words_choose_by_name(capsys):
    names = printed(capsys, 'list', 'STGCN', 'xsub', '--names').split()
    assert names and all('stgcn' in name and 'xsub' in name for name in names)
    with pytest.raises(UserError, match='stgcn zzz'):
        dispatch(['configs', 'list', 'stgcn', 'zzz'])


def test_a_config_is_shown_as_it_is(capsys):
    assert printed(capsys, 'show', 'demo/joint') == (CONFIGS / 'demo' / 'joint.py').read_text()
    with pytest.raises(UserError, match='Did you mean demo/joint.py?'):
        dispatch(['configs', 'show', 'demo/jiont.py'])


def test_a_copy_means_the_same(tmp_path, capsys):
    printed(capsys, 'copy', 'demo/limb.py', 'natops', '-o', str(tmp_path))
    for name in ('demo/limb.py', 'natops/graph.py'):
        ours = load_config(tmp_path / name)
        assert ours.to_dict() == load_config(CONFIGS / name).to_dict()
    assert sorted(p.name for p in (tmp_path / '_base_').iterdir()) == ['natops.py']


def test_what_was_changed_is_never_overwritten(tmp_path, capsys):
    printed(capsys, 'copy', 'demo/limb.py', '-o', str(tmp_path))
    printed(capsys, 'copy', 'demo/limb.py', '-o', str(tmp_path))  # the same again
    (tmp_path / 'demo' / 'joint.py').write_text('mine = 1')
    with pytest.raises(UserError, match='joint.py: exists already'):
        dispatch(['configs', 'copy', 'demo', '-o', str(tmp_path)])
    assert (tmp_path / 'demo' / 'joint.py').read_text() == 'mine = 1'
    assert not (tmp_path / 'demo' / 'gcn.py').exists()


@pytest.mark.parametrize('name', ['../setup.py', '/etc/passwd', 'demo/../../setup.py', 'a\0b', ''])
def test_nothing_outside_of_the_configs_is_found(name):
    assert places.shipped_config(name) is None


@pytest.mark.parametrize('given', ['demo/joint.py', 'demo/joint', 'configs/demo/joint.py'])
def test_a_name_that_is_no_file_is_a_config_that_comes_along_and_that_is_said(
    given, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    expected = CONFIGS / 'demo' / 'joint.py'
    assert places.find_config(given) == str(expected)
    assert capsys.readouterr().err == f'{given}: the config that comes with pyskl, {expected}\n'
    monkeypatch.setenv('RANK', '1')  # only the first process says it
    assert places.find_config(given) == str(expected) and capsys.readouterr().err == ''


def test_a_file_that_is_there_goes_first_and_nothing_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'demo').mkdir()
    (tmp_path / 'demo' / 'joint.py').write_text('')
    assert places.find_config('demo/joint.py') == 'demo/joint.py'
    assert capsys.readouterr().err == ''


def test_a_misspelt_name_is_suggested(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match='Did you mean demo/joint.py?'):
        places.find_config('demo/jiont.py')
    with pytest.raises(ConfigError, match='there is no such config file'):
        places.find_config('zzzzzzz.py')


def test_without_the_project_configs_are_the_packages_and_files_lie_here(monkeypatch):
    monkeypatch.setattr(places, 'checkout', lambda: None)
    assert places.configs_folder() == ROOT / 'pyskl' / '_configs'
    assert not places.home().is_absolute()
