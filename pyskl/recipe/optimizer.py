"""`optimizer`: a class of torch.optim by name and its arguments."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any

import torch

from ..errors import ConfigError, Faults, did_you_mean
from ..signature import accepted, check_call

_UNSUITABLE = (
    'Optimizer',  # the base class
    'LBFGS',  # needs a closure
    'SparseAdam',  # sparse gradients only
    'Muon',  # matrices only
)


def known_optimizers() -> dict[str, type[torch.optim.Optimizer]]:
    """Return the optimisers of torch.optim that a config may name."""
    return {
        name: cls
        for name, cls in vars(torch.optim).items()
        if inspect.isclass(cls)
        and issubclass(cls, torch.optim.Optimizer)
        and name not in _UNSUITABLE
    }


def check_optimizer(cfg: Any, where: str) -> None:
    """Check an optimiser's config.

    Args:
        cfg: dict(type=..., lr=..., ...).
        where: its place as the user knows it, 'joint.py: optimizer'.

    Raises:
        ConfigError: torch.optim lacks that type, or it does not take these arguments and values.
    """
    known = known_optimizers()
    if not isinstance(cfg, Mapping) or not isinstance(cfg.get('type'), str):
        raise ConfigError(
            f"{where} = {cfg!r}: expected a dict with a 'type', e.g. dict(type='SGD', lr=0.1, "
            'momentum=0.9).'
        )
    if cfg['type'] not in known:
        raise ConfigError(
            f'{where}.type = {cfg["type"]!r} is unknown.{did_you_mean(cfg["type"], known)} Known: '
            f'{", ".join(known)}.'
        )
    faults = Faults()
    cls = known[cfg['type']]
    arguments = {k: v for k, v in cfg.items() if k not in ('type', 'paramwise_cfg')}
    if 'paramwise_cfg' in cfg:
        faults.add(
            f'{where}.paramwise_cfg is not supported: all weights are in one group. Leave it out.'
        )
    with faults:
        check_call(cls, arguments, f'{where} ({cls.__name__})', given_by_us=('params',))
    if 'params' in arguments:
        faults.add(f"{where}: 'params' is given by the program. Leave it out.")
    if 'lr' not in arguments:
        faults.add(f"{where}: 'lr' is missing, the learning rate. Add it, e.g. lr=0.1.")
    named = [line.partition(' = ')[0] for line in faults.messages]
    for name, value in arguments.items():
        if name in accepted(cls) and f'{where} ({cls.__name__}).{name}' not in named:
            with faults:
                _check_numbers(name, value, accepted(cls)[name].default, where)
    faults.raise_any(where)
    try:
        cls([torch.zeros(1, requires_grad=True)], **arguments)
    except Exception as error:  # torch checks the values: negative lr, nesterov ...
        raise ConfigError(f'{where} ({cls.__name__}): {error}. Give another value.') from error


def _check_numbers(name: str, value: Any, default: Any, where: str) -> None:
    """Expect a finite number where the default is a number; torch does not always check that."""
    if isinstance(default, tuple) and isinstance(value, (list, tuple)):
        for i, (item, example) in enumerate(zip(value, default)):
            _check_numbers(f'{name}[{i}]', item, example, where)
    elif isinstance(default, (int, float)) and not isinstance(default, bool):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        largest = 2**53 if isinstance(value, int) else sys.float_info.max
        if not is_number or not abs(value) <= largest:
            raise ConfigError(f'{where}.{name} = {value!r}: expected a finite number.')
