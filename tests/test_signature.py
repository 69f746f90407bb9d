"""The checker of arguments: what fits a type hint, and how it is told when it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pyskl.errors import ConfigError
from pyskl.models.backbones import STGCN
from pyskl.signature import accepted, check_call, describe, fits, inside


class Quacks(Protocol):
    def quack(self) -> None: ...


@pytest.mark.parametrize(
    ('value', 'hint'),
    [
        (1, int),
        (1, float),
        (1.5, float),
        ('a', str),
        (True, bool),
        (None, None),
        (3, int | None),
        ([1, 2], list[int]),
        ((1, 2), list[int]),
        ([1, 2], tuple[int, ...]),
        ([1, 2], tuple[int, int]),
        ([], Sequence[str]),
        ([[0, 1], [1, 2]], Sequence[Sequence[int]]),
        ({'a': 1}, dict),
        ({'a': 1}, Mapping[str, int]),
        (len, Callable),
        (1, Any),
        ('red', Literal['red', 'blue']),
        (2, Literal[1, 2]),
        ('x', int | str),
        (Path('a'), Path),
        (object(), Quacks),
    ],
)
def test_it_fits(value, hint):
    assert fits(value, hint)


@pytest.mark.parametrize(
    ('value', 'hint', 'words'),
    [
        (True, int, 'a whole number'),
        (1.0, int, 'a whole number'),
        ('1', float, 'a number'),
        (True, float, 'a number'),
        (1, str, 'a string'),
        (1, bool, 'True or False'),
        (None, int, 'a whole number'),
        ([], dict, 'a dict'),
        ('ab', Sequence[str], 'a list, each a string'),
        ([1, 'a'], list[int], 'a list, each a whole number'),
        ([1], tuple[int, int], 'a list of 2: a whole number, a whole number'),
        ([1, 2, 3], tuple[int, int], 'a list of 2'),
        (1, Callable, 'Callable'),
        ('3', int | None, 'a whole number or None'),
        (True, Literal[1, 2], '1 or 2'),
        (1, Literal[True], 'True'),
        ('green', Literal['red', 'blue'], "'red' or 'blue'"),
        (3, Path, 'Path'),
    ],
)
def test_it_does_not_fit_and_the_expectation_is_in_words(value, hint, words):
    assert not fits(value, hint)
    assert words in describe(hint)


def test_a_near_miss_of_a_word_is_suggested():
    def paint(colour: Literal['red', 'blue'] | None = None): ...

    with pytest.raises(
        ConfigError, match=r"wall.colour = 'bleu' is unknown. Known: red, blue. Did you mean blue\?"
    ):
        check_call(paint, {'colour': 'bleu'}, 'wall')


class Bare: ...


class Loss(torch.nn.Module): ...


class Passes(Loss):
    def __init__(self, weight: float = 1.0, **rest): ...


@pytest.mark.parametrize(('target', 'known'), [(Bare, 'none'), (Loss, 'none'), (Passes, 'weight')])
@pytest.mark.parametrize('key', ['beta', 'self', None, 3, ('a',)])
def test_an_unknown_argument_is_named_with_the_known_ones(target, known, key):
    check_call(target, {}, 'here')
    with pytest.raises(ConfigError) as error:
        check_call(target, {key: 2}, 'here')
    assert str(error.value) == f'here: unknown argument {key!r}. Known: {known}.'


def test_open_ended_functions_take_any_argument():
    def anything(a: int = 1, **rest): ...

    check_call(anything, {'a': 2, 'b': 3}, 'here')
    with pytest.raises(ConfigError, match='a whole number'):
        check_call(anything, {'a': 'two', 'b': 3}, 'here')


def test_keywords_pass_through_to_parents_only_where_the_class_hands_them_on():
    class Parent:
        def __init__(self, a: int, b: int = 2): ...

    class Open(Parent):
        def __init__(self, c: int = 3, **kwargs): ...

    class Closed(Parent):
        def __init__(self, c: int = 3): ...

    class Silent(Parent): ...

    for cls, names in ((Open, 'cab'), (Closed, 'c'), (Silent, 'ab')):
        assert list(accepted(cls)) == list(names)
    with pytest.raises(ConfigError, match="unknown argument 'd'"):
        check_call(Open, {'a': 1, 'd': 4}, 'here')


def test_a_class_checks_the_settings_of_its_parts_itself():
    class Whole:
        def __init__(self, a: int = 1, **parts): ...

        @classmethod
        def check_settings(cls, arguments, where):
            raise ConfigError(f'{where}: {sorted(set(arguments) - set(accepted(cls)))}')

    with pytest.raises(ConfigError, match=r"here: \['part_b'\]"):
        check_call(Whole, {'a': 1, 'part_b': 4}, 'here')
    with pytest.raises(ConfigError, match='here.a'):
        check_call(Whole, {'a': 'one', 'part_b': 4}, 'here')


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (
            {'siz': 2},
            "unknown argument 'part_siz'. Did you mean part_size? Known: part_size, part_",
        ),
        ({'size': '2'}, "here.part_size = '2': expected a whole number"),
        ({'kind': 'y'}, "'part_size' is missing"),
    ],
)
def test_a_prefix_stands_before_the_names_that_the_config_has(arguments, words):
    def part(size: int, given: int, kind: Literal['x', 'y'] = 'x'): ...

    with pytest.raises(ConfigError) as error:
        check_call(part, arguments, 'here', ('given',), 'part_')
    assert words in str(error.value)


def test_hints_that_cannot_be_resolved_are_passed_over():
    def strange(a: NoSuchName = 1): ...  # noqa: F821

    check_call(strange, {'a': 'anything'}, 'here')


def test_places_are_joined_by_dots_and_behind_a_file_name_by_a_blank():
    assert inside('joint.py:', 'data') == 'joint.py: data'
    assert inside('joint.py: data', 'train') == 'joint.py: data.train'


HINTS = (
    *(int, float, str, bool, dict, list[int], tuple[int, int], Sequence[Sequence[float]], Callable),
    *(Literal['a', 1], int | None, Mapping[str, int], Path, Any, Quacks),
)


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    hint=st.sampled_from(HINTS),
)
def test_any_value_against_any_hint_gives_yes_or_no(value, hint):
    assert fits(value, hint) in (True, False)
    assert isinstance(describe(hint), str)


def test_a_graph_networks_setting_that_is_no_name_is_an_unknown_argument():
    with pytest.raises(ConfigError, match='unknown argument None'):
        check_call(STGCN, {'graph_cfg': {}, None: 1}, 'config: model.backbone')
