"""Building from configs: every wrong type or argument is named where it stands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

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

        def __init__(
            self,
            owner: str,
            wheels: Sequence[dict] = (),
            colour: Literal['red', 'blue'] = 'red',
            doors: int = 4,
        ):
            self.owner, self.wheels, self.colour, self.doors = (
                owner,
                [parts.build(w) for w in wheels],
                colour,
                doors,
            )

    @toys.register_module()
    class Lorry(Car):
        def __init__(self, load: float = 1.0, **kwargs):
            super().__init__(**kwargs)
            self.load = load

    return toys


def test_a_component_is_built_from_its_type_and_arguments(toys):
    car = toys.build(dict(type='Car', wheels=[dict(type='Wheel', size=2)]), owner='Ada')
    assert (car.owner, car.wheels[0].size, car.colour) == ('Ada', 2, 'red')


def test_a_subclass_takes_its_parents_arguments_too(toys):
    lorry = toys.build(dict(type='Lorry', load=3.5, doors=2), owner='Ada')
    assert (lorry.load, lorry.doors) == (3.5, 2)


def test_a_type_may_carry_the_scope_pyskl(toys):
    assert toys.check(dict(type='pyskl.Car'), 'here').__name__ == 'Car'


def test_what_the_program_gives_need_not_be_in_the_config(toys):
    toys.check(dict(type='Car'), 'here')


def test_a_class_may_stand_for_its_name(toys):
    assert toys.check(dict(type=toys.module_dict['Car']), 'here') is toys.module_dict['Car']


@pytest.mark.parametrize(
    ('cfg', 'words'),
    [
        ('Car', ("here = 'Car'", "a dict with a 'type'", 'Car, Lorry')),
        (None, ('here = None', "a dict with a 'type'")),
        ({}, ('here = {}', "a dict with a 'type'")),
        (
            dict(type='Carr'),
            ("here.type = 'Carr' is not a known toy", 'Did you mean Car?', 'custom_imports'),
        ),
        (dict(type='car'), ('Did you mean Car?',)),
        (dict(type=5), ('here.type = 5', 'Known: Car, Lorry')),
        (dict(type=['Car']), ("here.type = ['Car']", 'Known: Car, Lorry')),
        (
            dict(type='Car', dors=2),
            ("here (Car): unknown argument 'dors'", 'Did you mean doors?', 'Known: owner, wheels'),
        ),
        (dict(type='Lorry', lod=2), ("here (Lorry): unknown argument 'lod'", 'Did you mean load?')),
        (dict(type='Car', doors='four'), ("here (Car).doors = 'four'", 'a whole number')),
        (dict(type='Car', doors=True), ('here (Car).doors = True', 'a whole number')),
        (
            dict(type='Car', colour='rde'),
            ("here (Car).colour = 'rde' is unknown", 'Known: red, blue', 'Did you mean red?'),
        ),
        (dict(type='Car', wheels=dict(type='Wheel')), ('here (Car).wheels', 'a list')),
        (
            dict(type='Car', wheels=[dict(type='Weel')]),
            ("here.wheels[0].type = 'Weel' is not a known part", 'Did you mean Wheel?'),
        ),
        (
            dict(type='Car', wheels=[dict(type='Wheel'), dict(type='Wheel', siez=2)]),
            ("here.wheels[1] (Wheel): unknown argument 'siez'", 'Did you mean size?'),
        ),
    ],
)
def test_a_wrong_config_is_named_with_its_place(toys, cfg, words):
    with pytest.raises(ConfigError) as caught:
        toys.check(cfg, 'here')
    for word in words:
        assert word in str(caught.value)


def test_a_value_that_the_component_refuses_is_a_config_error(toys):
    with pytest.raises(ConfigError, match=r'part \(Wheel\): size = -1: expected more than 0'):
        toys.build(dict(type='Car', wheels=[dict(type='Wheel', size=-1)]), owner='Ada')


def test_a_missing_argument_is_named(toys):
    @toys.register_module()
    class Kite:
        def __init__(self, line: float):
            self.line = line

    with pytest.raises(ConfigError, match=r"here \(Kite\): 'line' is missing"):
        toys.build(dict(type='Kite'), 'here')


def test_a_function_may_be_registered(toys):
    @toys.register_module()
    def ball(size: int = 3) -> int:
        return size

    assert toys.build(dict(type='ball', size=4)) == 4


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

    assert (
        things.register_module(module=Late) is Late
        and things.register_module('Later', module=Late) is Late
    )
    assert things.known() == ['A', 'B', 'Late', 'Later', 'Plain', 'Second'] and len(things) == 6
    assert (
        things.get('Second') is First
        and things.get('A') is things.get('pyskl.B') is both
        and things.get('Late') is Late
    )
    assert (
        'Plain' in things
        and 'First' not in things
        and things.get('First') is None
        and things.get(None) is None
    )


def test_a_name_that_is_taken_is_refused_with_both_places_unless_forced(toys):
    class Car:
        pass

    old = toys.get('Car')
    with pytest.raises(
        ConfigError,
        match=r"'Car' is already the name of a toy, test_registry.toys.*Car. Give "
        r'test_registry.test_a_.*Car',
    ):
        toys.register_module(module=Car)
    with pytest.raises(ConfigError, match="'Car' is already"):
        toys.register_module(['Coach', 'Car'], module=Car)
    assert toys.get('Car') is old and 'Coach' not in toys
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
