"""Registries of components by name, which build them from configs.

A config is a dict like `dict(type='Flip', flip_ratio=0.5)`. The registries have PYSKL's names, so
that a user's own file can use `@PIPELINES.register_module()` as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from types import FunctionType
from typing import Any

from .errors import ConfigError, Faults, did_you_mean
from .signature import check_call


class Registry:
    """Components by name, checked and built from configs.

    Errors name the place in the config and suggest near misses.
    A component that holds others says so in a class attribute `components = {argument: registry}`;
    an argument that the program itself supplies is listed in `given_by_us`.

    Args:
        name: what its components are, as errors call them: 'pipeline stage'.
        home: the package whose exports are the built-in components. It is imported when a component
            is first looked up, or when a user's component is registered.
        elsewhere: names that PYSKL and MMAction2 know and this project does not, for messages.
    """

    # The base class of all components, where there is one; set by the module that defines it.
    contract: type | None = None

    def __init__(self, name: str, home: str | None = None, elsewhere: Collection[str] = ()):
        self.name, self._elsewhere = name, elsewhere
        self._home, self._home_is_loaded = home, False
        self._components: dict[str, Callable] = {}

    def __repr__(self) -> str:
        return f'Registry({self.name!r}: {", ".join(self.known())})'

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def register_module(
        self,
        name: str | Sequence[str] | None = None,
        force: bool = False,
        module: Callable | None = None,
    ) -> Callable:
        """Register a class or function, as a decorator or, with `module`, as a plain call.

            @PIPELINES.register_module()
            class Shake(Step): ...

            PIPELINES.register_module('Shake', module=Shake)

        Args:
            name: what configs call it, or several such names; None: its own name.
            force: take the place of a component that has the name already.
            module: the class or function.

        Returns:
            `module`, or without it the decorator.

        Raises:
            ConfigError: the name is taken.
            TypeError: not a class or function.
        """
        if module is None and callable(name):  # @register_module without parentheses
            name, module = None, name
        if module is not None:
            return self._add(module, name, force)
        return lambda decorated: self._add(decorated, name, force)

    def _add(self, module: Callable, name: str | Sequence[str] | None, force: bool) -> Callable:
        if not isinstance(module, (type, FunctionType)):
            raise TypeError(
                f'{module!r} cannot be registered as a {self.name}: expected a class or a function.'
            )
        # Built-in components come first, so that the error about a taken name names the other one.
        if module.__module__.partition('.')[0] != __package__:
            self._load_home()
        keys = [name or module.__name__] if name is None or isinstance(name, str) else list(name)
        for key in keys:
            if key in self._components and not force:
                raise ConfigError(
                    f'{key!r} is already the name of a {self.name}, '
                    f'{_full_name(self._components[key])}. Give {_full_name(module)} another name, '
                    'or register_module(force=True) to take its place.'
                )
        self._components.update(dict.fromkeys(keys, module))
        return module

    def _load_home(self) -> None:
        """Import the home and all that it exports, once."""
        if self._home is None or self._home_is_loaded:
            return
        self._home_is_loaded = True  # set first, since what is imported may look components up
        try:
            home = import_module(self._home)
            for name in home.__all__:
                getattr(home, name)
        except BaseException:
            self._home_is_loaded = False
            raise

    @property
    def module_dict(self) -> dict[str, Callable]:
        """All components by name."""
        self._load_home()
        return self._components

    def get(self, name: Any) -> Callable | None:
        """Return the component of a name, with or without 'pyskl.' before it; None without one."""
        return self.module_dict.get(name.removeprefix('pyskl.')) if isinstance(name, str) else None

    def known(self) -> list[str]:
        """Return the names of all components, sorted."""
        return sorted(self.module_dict)

    def check(self, cfg: Any, where: str) -> Callable:
        """Check a component's config, and those nested in it, without building anything.

        Args:
            cfg: a dict with `type`, a registered name or the class itself.
            where: its place as the user knows it, 'joint.py: model.backbone'.

        Returns:
            The class or function.

        Raises:
            ConfigError: no dict, an unknown type, or unknown, missing or mistyped arguments.
        """
        if not isinstance(cfg, Mapping) or 'type' not in cfg:
            raise ConfigError(
                f"{where} = {cfg!r}: expected a dict with a 'type', one of "
                f'{", ".join(self.known())}.'
            )
        cls = cfg['type']
        if isinstance(cls, str):
            cls = self.get(cls)
        if not callable(cls):
            if cfg['type'] in self._elsewhere:
                raise ConfigError(
                    f'{where}.type = {cfg["type"]!r}: this {self.name} of PYSKL and MMAction2 is '
                    f'not available. Known: {", ".join(self.known())}. Use one of these, or '
                    'register one of your own in a file named in custom_imports.'
                )
            raise ConfigError(
                f'{where}.type = {cfg["type"]!r} is not a known {self.name}.'
                f'{did_you_mean(cfg["type"], self.known())} Known: {", ".join(self.known())}. '
                'Register a component of your own in a file named in custom_imports.'
            )
        arguments = {k: v for k, v in cfg.items() if k != 'type'}
        label = f'{where} ({cls.__name__})'
        faults = Faults()
        with faults:
            check_call(cls, arguments, label, given_by_us=getattr(cls, 'given_by_us', ()))
        for name, registry in getattr(cls, 'components', {}).items():
            with faults:
                self._check_nested(registry, arguments.get(name), f'{where}.{name}')
        faults.raise_any(where)
        return cls

    @staticmethod
    def _check_nested(registry: Registry, value: Any, where: str) -> None:
        faults = Faults()
        if isinstance(value, (list, tuple)):
            for i, item in enumerate(value):
                with faults:
                    Registry._check_nested(registry, item, f'{where}[{i}]')
            faults.raise_any(where)
        elif isinstance(value, Mapping) or value is not None and not callable(value):
            registry.check(value, where)  # a callable, such as a module, is built already

    def build(self, cfg: Any, where: str = '', **extra: Any) -> Any:
        """Build a component from its config.

        Args:
            cfg: as for `check`.
            where: as for `check`; the registry's name without one.
            extra: arguments that the program adds; they override the config's.

        Raises:
            ConfigError: as `check`, an argument's value is refused, or the class lacks the
                contract's base.
        """
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
            raise ConfigError(
                f'{where} ({cls.__name__}): is not a {self.contract.__name__}. Derive the class '
                f'from {name}, whose docstring says what it must offer.'
            )
        return component


def _full_name(component: Callable) -> str:
    return f'{component.__module__}.{component.__qualname__}'


DATASETS = Registry('dataset', home='pyskl.datasets')
PIPELINES = Registry(
    'pipeline stage',
    home='pyskl.datasets.pipelines',
    elsewhere=(
        'MultiScaleCrop',
        'ColorJitter',
        'LoadKineticsPose',
        'PoseNormalize',
        'PaddingWithLoop',
    ),
)
BACKBONES = Registry(
    'backbone',
    home='pyskl.models.backbones',
    elsewhere=('AGCN', 'ResNetTSM', 'ResNet2Plus1d', 'SwinTransformer3D', 'VisionTransformer'),
)
HEADS = Registry('head', home='pyskl.models.heads', elsewhere=('TSMHead', 'X3DHead'))
LOSSES = Registry('loss', home='pyskl.models.losses')
RECOGNIZERS = Registry('recognizer', home='pyskl.models.recognizers')
LOGGERS = Registry(
    'logger',
    home='pyskl.engine.loggers',
    elsewhere=(
        *('ClearMLLoggerHook', 'DvcliveLoggerHook', 'NeptuneLoggerHook', 'PaviLoggerHook'),
        'SegmindLoggerHook',
    ),
)
