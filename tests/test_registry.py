"""Building from configs: every wrong type or argument is named where it stands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from pyskl.errors import ConfigError
from pyskl.registry import Registry


@pytest.fixture
def toys() -> Registry:
    toys, parts = Registry('toy'), Registry('part')

    @parts.register_module()
    class Wheel:
        def __init__(self, size: float = 1.0):
            if size <= 0:
                raise ValueError(f'size = {size}: expected more than 0.')
            self.size = size

    @toys.register_module()
    class Car:
        components = {'wheels': parts}
        given_by_us = ('owner',)

        def __init__(self, owner: str, wheels: Sequence[dict] = (), doors: int = 4):
            self.owner, self.doors = owner, doors
            self.wheels = [parts.build(wheel) for wheel in wheels]

    @toys.register_module()
    class Lorry(Car):
        def __init__(self, load: float = 1.0, **kwargs):
            super().__init__(**kwargs)
            self.load = load

    @toys.register_module()
    def ball(size: int) -> int:
        return size

    return toys


def test_a_component_is_built_from_its_type_and_arguments(toys):
    car = toys.build(dict(type='Car', wheels=[dict(type='Wheel', size=2)]), owner='Ada')
    assert (car.owner, car.wheels[0].size, car.doors) == ('Ada', 2, 4)
    lorry = toys.build(dict(type='Lorry', load=3.5, doors=2), owner='Ada')
    assert (lorry.load, lorry.doors) == (3.5, 2)
    assert toys.build(dict(type='ball', size=4)) == 4
    # What the program gives need not be in the config.
    for name in ('Car', 'pyskl.Car', toys.get('Car')):
        assert toys.check(dict(type=name), 'here') is toys.get('Car')


@pytest.mark.parametrize(
    ('cfg', 'words'),
    [
        ('Car', ("here = 'Car'", "a dict with a 'type'", 'Car, Lorry')),
        (None, ('here = None', "a dict with a 'type'")),
        ({}, ('here = {}', "a dict with a 'type'")),
        (
            dict(type='carr'),
            ("here.type = 'carr' is not a known toy", 'Did you mean Car?', 'custom_imports'),
        ),
        (dict(type=5), ('here.type = 5', 'Known: Car, Lorry')),
        (dict(type=['Car']), ("here.type = ['Car']", 'Known: Car, Lorry')),
        (dict(type='ball'), ("here (ball): 'size' is missing",)),
        (dict(type='Lorry', lod=2), ("here (Lorry): unknown argument 'lod'", 'Did you mean load?')),
        (dict(type='Car', doors='four'), ("here (Car).doors = 'four'", 'a whole number')),
        (dict(type='Car', wheels=dict(type='Wheel')), ('here (Car).wheels', 'a list')),
        (
            dict(type='Car', wheels=[dict(type='Wheel'), dict(type='Weel')]),
            ("here.wheels[1].type = 'Weel' is not a known part", 'Did you mean Wheel?'),
        ),
        (
            dict(type='Car', wheels=[dict(type='Wheel', siez=2)]),
            ("here.wheels[0] (Wheel): unknown argument 'siez'", 'Did you mean size?'),
        ),
    ],
)
def test_a_wrong_config_is_named_with_its_place(toys, cfg, words):
    with pytest.raises(ConfigError) as caught:
        toys.check(cfg, 'here')
    assert all(word in str(caught.value) for word in words)


def test_a_value_that_the_component_refuses_is_a_config_error(toys):
    with pytest.raises(ConfigError, match=r'part \(Wheel\): size = -1: expected more than 0'):
        toys.build(dict(type='Car', wheels=[dict(type='Wheel', size=-1)]), owner='Ada')


# -- registering


def test_names_are_given_in_every_way_that_configs_know():
    things = Registry('thing')

    @things.register_module
    class Plain:
        pass

    @things.register_module('Second')
    class First:
        pass

    @things.register_module(name=['A', 'B'])
    def both() -> None:
        pass

    class Late:
        pass

    assert things.register_module(module=Late) is Late
    things.register_module('Later', module=Late)
    names = {'Plain': Plain, 'Second': First, 'A': both, 'B': both, 'Late': Late, 'Later': Late}
    assert things.module_dict == names and things.known() == sorted(names)
    assert things.get('pyskl.B') is both and things.get(None) is None
    assert 'A' in things and 'First' not in things


def test_a_name_that_is_taken_is_refused_with_both_places_unless_forced(toys):
    class Car:
        pass

    old = toys.get('Car')
    for name in (None, ['Coach', 'Car']):
        with pytest.raises(ConfigError, match="'Car' is already.*test_registry.toys.*test_a_name"):
            toys.register_module(name, module=Car)
    assert toys.get('Car') is old and toys.get('Coach') is None
    toys.register_module(module=Car, force=True)
    assert toys.get('Car') is Car


@pytest.mark.parametrize('thing', [5, 'Car', None])
def test_only_classes_and_functions_are_registered(toys, thing):
    with pytest.raises(TypeError, match='expected a class or a function'):
        toys.register_module('thing')(thing)


HOME = """
import sys
from pyskl.registry import Registry
__all__ = ['BuiltIn']
@sys.modules['test_registry'].HOMELY.register_module()
class BuiltIn:
    pass
"""
HOMELY = Registry('homely thing', home='homely_things')


def test_the_home_is_imported_at_the_first_lookup_or_when_others_register(tmp_path, monkeypatch):
    """So that a name of theirs that is taken is found where they stand."""
    (tmp_path / 'homely_things.py').write_text(HOME)
    monkeypatch.syspath_prepend(tmp_path)

    class BuiltIn:
        pass

    assert 'homely_things' not in sys.modules
    with pytest.raises(ConfigError, match=r'homely_things.BuiltIn. Give test_registry'):
        HOMELY.register_module(module=BuiltIn)
    assert HOMELY.get('BuiltIn') is sys.modules['homely_things'].BuiltIn


def test_a_home_that_cannot_be_imported_is_tried_again(tmp_path, monkeypatch):
    things = Registry('thing', home='nowhere_things')
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match='nowhere_things'):
            things.known()
    (tmp_path / 'nowhere_things.py').write_text('__all__ = []')
    monkeypatch.syspath_prepend(tmp_path)
    assert things.known() == []
