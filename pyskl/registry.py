"""Where components are registered by name and built from configs (`dict(type='Flip', flip_ratio=0.5)`).

The registries carry PYSKL's names, so a user's own file can say `@PIPELINES.register_module()` as usual.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.registry import Registry as _Registry

from .errors import ConfigError, did_you_mean
from .signature import check_call


class Registry(_Registry):
    """mmengine's Registry, whose build names the place in the config, checks every argument and suggests near misses.

    A component that holds others says so in a class attribute `components = {argument: registry}`;
    an argument that the program itself supplies is listed in `given_by_us`.
    """

    contract: type | None = None        # what each built component must be; set where the class is defined

    def __init__(self, name: str):
        super().__init__(name, scope='pyskl', locations=[])

    def known(self) -> list[str]:
        return sorted(self.module_dict)

    def check(self, cfg: Any, where: str) -> type:
        """Check a component's config, nested ones too, without building it. Returns the class.

        cfg     dict with `type`, a registered name
        where   the place as the user knows it, e.g. 'joint.py: model.backbone'
        raises  ConfigError: not a dict, unknown type, unknown / missing / mis-typed argument
        """
        if not isinstance(cfg, Mapping) or 'type' not in cfg:
            raise ConfigError(f"{where} = {cfg!r}: expected a dict with a 'type', one of {', '.join(self.known())}.")
        cls = cfg['type']
        if isinstance(cls, str):
            cls = self.module_dict.get(cls.removeprefix('pyskl.'))
        if not callable(cls):
            raise ConfigError(f'{where}.type = {cfg["type"]!r} is not a known {self.name}.'
                              f'{did_you_mean(cfg["type"], self.known())} Known: {", ".join(self.known())}. '
                              'A component of your own is registered in a file named in custom_imports.')
        arguments = {k: v for k, v in cfg.items() if k != 'type'}
        label = f'{where} ({cls.__name__})'
        check_call(cls, arguments, label, given_by_us=getattr(cls, 'given_by_us', ()))
        for name, registry in getattr(cls, 'components', {}).items():
            self._check_nested(registry, arguments.get(name), f'{where}.{name}')
        return cls

    @staticmethod
    def _check_nested(registry: Registry, value: Any, where: str) -> None:
        if isinstance(value, (list, tuple)):
            for i, item in enumerate(value):
                Registry._check_nested(registry, item, f'{where}[{i}]')
        elif value is not None and (isinstance(value, Mapping) or not callable(value)):     # a callable is already built
            registry.check(value, where)

    def build(self, cfg: Any, where: str = '', **extra: Any) -> Any:
        """Build a component from its config; `extra` are arguments that the program adds (they win over the config's)."""
        where = where or self.name
        if isinstance(cfg, Mapping):
            cfg = {**cfg, **extra}
        cls = self.check(cfg, where)
        try:
            component = cls(**{k: v for k, v in cfg.items() if k != 'type'})
        except (ValueError, TypeError) as error:
            raise ConfigError(f'{where} ({cls.__name__}): {error}') from error
        if self.contract is not None and not isinstance(component, self.contract):
            name = f'{self.contract.__module__}.{self.contract.__name__}'
            raise ConfigError(f'{where} ({cls.__name__}): is no {self.contract.__name__}. Derive the class from {name}, '
                              'whose docstring says what it must offer.')
        return component


DATASETS = Registry('dataset')
PIPELINES = Registry('pipeline stage')
BACKBONES = Registry('backbone')
HEADS = Registry('head')
LOSSES = Registry('loss')
RECOGNIZERS = Registry('recognizer')
