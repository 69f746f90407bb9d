"""From a config to a Recipe: every known key checked, and filled with its default.

No data is touched.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mmengine.config import Config

from ..errors import ConfigError, Faults, did_you_mean
from ..registry import DATASETS, LOGGERS, RECOGNIZERS, Registry
from ..signature import accepted
from .checks import check_best, check_dataset, check_sense, choose_embedding
from .dialects import translated
from .dump import plain
from .optimizer import check_optimizer
from .overrides import paths_of
from .settings import TopLevel
from .settings_base import hints_of, read_settings
from .stream import fill_in_stream

SPLITS: tuple[Literal['train', 'val', 'test'], ...] = ('train', 'val', 'test')

# Keys that mean something to other toolboxes. As helper names they would be ignored silently.
_ELSEWHERE = {
    'fp16': 'is not read from the config. Give --amp fp16 or --amp bf16 on the command line',
    'custom_hooks': 'is not supported: there are no hooks to add (for an average of the weights: '
    'ema = dict(decay=0.999))',
    'momentum_config': 'is not supported: momentum stays as in optimizer',
    'precise_bn': 'is not supported',
    'multigrid': 'is not supported',
    'module_hooks': 'is not supported',
    'omnisource': 'is not supported',
    'train_cfg': 'belongs in model: model=dict(train_cfg=...)',
    'test_cfg': 'belongs in model: model=dict(test_cfg=...)',
    **{
        f'{split}_dataloader': f'belongs in data: data=dict({split}_dataloader=...)'
        for split in SPLITS
    },
    **dict.fromkeys(
        ('optim_wrapper', 'param_scheduler', 'default_hooks')
        + tuple(f'{split}_evaluator' for split in SPLITS),
        'is a key of MMAction2 1.x. Expected here are those of the older style: data, optimizer, '
        'lr_config, total_epochs',
    ),
}

_OBSOLETE = {
    'memcached': 'annotations are held in memory, no server is needed',
    'mc_cfg': 'annotations are held in memory, no server is needed',
    'gpu_ids': 'the launcher says how many processes there are',
}

# Keys that decide the weights of a run. A run may be resumed with other values of the rest.
_RESULTS = (
    'model',
    'optimizer',
    'optimizer_config',
    'lr_config',
    'total_epochs',
    'seed',
    'deterministic',
    'load_from',
)


@dataclass(frozen=True)
class Recipe(TopLevel):
    """A whole config, checked and complete: the fields of TopLevel, and those below.

    Attributes:
        filename: the config's file name, for messages.
        notes: remarks for the log: keys of old configs that nothing needs any more, bones of
            another skeleton.
        collects_emb: whether a pipeline collects `emb`, a label's vector; None if that is unknown.
    """

    filename: str = dataclasses.field(default='config', kw_only=True)
    notes: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)
    collects_emb: bool | None = dataclasses.field(default=None, kw_only=True)

    def require(self, *paths: str) -> None:
        """Raise ConfigError unless these keys, like 'data.train' and 'optimizer', are given."""
        faults = Faults()
        for path in paths:
            value: Any = self
            for name in path.split('.'):
                value = getattr(value, name)
            if value is None:
                faults.add(
                    f'{self.filename}: {path} is missing; it is needed here and has no default. '
                    'Add it.'
                )
        faults.raise_any(self.filename)

    @property
    def _test_cfg(self) -> Mapping[str, Any]:
        return (self.model or {}).get('test_cfg') or {}

    @property
    def gives_features(self) -> bool:
        """Whether the model returns features or their scores (test_cfg.feat_ext, score_ext)."""
        return bool(self._test_cfg.get('feat_ext') or self._test_cfg.get('score_ext'))

    @property
    def keeps_views_apart(self) -> bool:
        """Whether the model answers for each view of a clip (model.test_cfg.average_clips=None)."""
        return self._test_cfg.get('average_clips', 'prob') is None

    def model_config(
        self, weights: Collection[str] | None = None
    ) -> tuple[dict[str, Any] | None, str | None]:
        """Return the config of the model to build, and a line for the log; see choose_embedding.

        Args:
            weights: names of the weights of the checkpoint that the model is to be filled from.
        """
        if self.model is None:
            return None, None
        return choose_embedding(self.model, self.collects_emb, weights)

    def results(self) -> dict[str, Any]:
        """Return the settings that decide the trained weights, in a form that checkpoints can hold.

        Work dir, logging, saving, evaluation and the number of workers are left out.
        """
        values, loader = dataclasses.asdict(self), self.data.loader('train')
        chosen = {name: values[name] for name in _RESULTS}
        if self.ema is not None:  # runs from before there was an average can go on
            chosen['ema'] = values['ema']
        chosen['data'] = {
            'train': self.data.train,
            'videos_per_gpu': loader.videos_per_gpu,
            'shuffle': loader.shuffle,
        }
        return _lists(plain(chosen))

    def effective(self) -> dict[str, Any]:
        """Return the whole config with every default filled in, as plain Python.

        dump_config writes it and load_config reads it.
        """
        shown = [name for name in hints_of(TopLevel) if name not in ('runner', *_OBSOLETE)]
        values = dataclasses.asdict(self)
        values = plain({name: values[name] for name in shown})
        values['model'] = plain(_with_defaults(self.model_config()[0], RECOGNIZERS))
        for split in SPLITS:
            values['data'][split] = _with_defaults(
                _in_mode(getattr(self.data, split), split), DATASETS
            )
            values['data'][f'{split}_dataloader'] = dataclasses.asdict(self.data.loader(split))
        return values


def read_recipe(
    cfg: Config | Mapping[str, Any], whole: bool = True, splits: Collection[str] = SPLITS
) -> Recipe:
    """Check a config and fill in its defaults.

    Args:
        cfg: from load_config, or a dict. The caller has imported the config's own modules
            (import_custom_modules).
        whole: also check that model and data fit together; False if only one of them is used and
            the other may be incomplete.
        splits: the data sets that are needed. The others are not checked, and absent from the
            recipe.

    Raises:
        ConfigError: lists all faults, each with the config, the key, what was expected and what to
            try.
    """
    filename = getattr(cfg, 'filename', None) if isinstance(cfg, Config) else None
    name = Path(filename).name if filename else 'config'
    given, log = translated(cfg, name)
    faults = Faults()
    faults.messages += log.faults.messages

    # Known keys, and helper names.
    settings: dict[str, Any] = {}
    known = hints_of(TopLevel)
    for key in (key for key in given if key in known):
        with faults:
            settings[key] = plain(given[key], f'{name}: {key}')
    similar = []
    for key in (key for key in given if key not in known):
        with faults:
            similar.append(_check_helper(key, given, settings, name))
    if isinstance(settings.get('data'), dict):
        settings['data'] = {
            k: v for k, v in settings['data'].items() if k not in SPLITS or k in splits
        }
    with faults:
        settings = fill_in_stream(settings, name)

    # The settings, the components, and whether they fit together.
    top = None
    with faults:
        top = read_settings(TopLevel, settings, f'{name}:')
    model, datasets = _sound_components(settings, name, faults)
    if top is not None:
        for i, hook in enumerate(top.log_config.hooks):
            with faults:
                LOGGERS.check(hook, f'{name}: log_config.hooks[{i}]')
    if isinstance(settings.get('optimizer'), Mapping):
        with faults:
            check_optimizer(settings['optimizer'], f'{name}: optimizer')
    collects_emb, note = None, None
    if whole and isinstance(settings.get('model'), Mapping):
        with faults:
            collects_emb, note = check_sense(model, datasets, name, trains='train' in splits)
    if model is not None and top is not None:
        with faults:
            check_best(top.evaluation.save_best, top.evaluation.metric_names, model, name)
    faults.raise_any(name)
    assert top is not None  # where it could not be read, there was a fault
    values = dict(vars(top))
    if top.runner is not None:
        values['total_epochs'] = top.runner.max_epochs
    if top.work_dir is None:
        values['work_dir'] = os.path.join('.', 'work_dirs', Path(name).stem)
    obsolete = [
        f'{name}: {key} is not needed any more ({why}).'
        for key, why in _OBSOLETE.items()
        if settings.get(key)
    ]
    notes = tuple(filter(None, (*log.notes, *similar, *obsolete, note)))
    return Recipe(**values, filename=name, notes=notes, collects_emb=collects_emb)


def _check_helper(
    key: Any, given: Mapping[str, Any], settings: Mapping[str, Any], name: str
) -> str | None:
    """Return a note on a helper name that is similar to a key of this config.

    Args:
        key: the helper name.
        given: the whole config.
        settings: its known keys.
        name: of the config, for messages.

    Raises:
        ConfigError: it is nearly a missing key, or a key of another toolbox.
    """
    if not isinstance(key, str):
        raise ConfigError(f'{name}: the key {key!r} is not a name.')
    absent = [k for k in hints_of(TopLevel) if k not in given and k not in _OBSOLETE]
    near = difflib.get_close_matches(key.lower(), absent, n=1, cutoff=0.8)
    if near:
        raise ConfigError(
            f'{name}: {key!r} is unknown. Did you mean {near[0]}? (A helper name of your own must '
            'differ more.)'
        )
    if key not in _ELSEWHERE:
        near = difflib.get_close_matches(key.lower(), settings, n=1, cutoff=0.9)
        hint = did_you_mean(key, near)
        return f'{name}: {key!r} is read as a helper name of your own.{hint}' if near else None
    if given[key] is not None and not paths_of(plain(given[key], f'{name}: {key}'), settings):
        raise ConfigError(f'{name}: {key} {_ELSEWHERE[key]}.')
    return None


def _sound_components(
    settings: Mapping[str, Any], name: str, faults: Faults
) -> tuple[Mapping[str, Any] | None, dict[str, Mapping[str, Any]]]:
    """Return the model and the data sets, by split, whose configs have no faults.

    Args:
        settings: the config's known keys.
        name: of the config, for messages.
        faults: takes the faults of the others.
    """
    model: Mapping[str, Any] | None = None
    datasets: dict[str, Mapping[str, Any]] = {}
    if isinstance(settings.get('model'), Mapping):
        with faults:
            RECOGNIZERS.check(settings['model'], f'{name}: model')
            model = settings['model']
    data = settings.get('data')
    for split in SPLITS:
        dataset = data.get(split) if isinstance(data, Mapping) else None
        if isinstance(dataset, Mapping):
            with faults:
                check_dataset(dataset, f'{name}: data.{split}')
                datasets[split] = dataset
    return model, datasets


def _in_mode(cfg: dict | None, split: str) -> dict | None:
    """Return a dataset's config with its test_mode, if its class has one."""
    if cfg is None or 'test_mode' not in accepted(DATASETS.check(cfg, 'config')):
        return cfg
    return {**cfg, 'test_mode': cfg.get('test_mode', split != 'train')}


def _with_defaults(cfg: Any, registry: Registry) -> Any:
    """Return a component's config with the defaults of its class, and so for nested components.

    Arguments that the program supplies are left out.
    """
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(_with_defaults(item, registry) for item in cfg)
    if not isinstance(cfg, Mapping):
        return cfg
    cls = registry.check(cfg, 'config')
    supplied = getattr(cls, 'given_by_us', ())
    defaults = {
        k: p.default
        for k, p in accepted(cls).items()
        if p.default is not p.empty and k not in supplied and _is_plain(p.default)
    }
    filled = {**plain(cfg), **{k: v for k, v in defaults.items() if k not in cfg}}
    nested = getattr(cls, 'components', {})
    return {k: _with_defaults(v, nested[k]) if k in nested else v for k, v in filled.items()}


def _is_plain(value: Any) -> bool:
    try:
        plain(value)
    except ConfigError:
        return False
    return True


def _lists(value: Any) -> Any:
    """Return a value with tuples as lists, so that (1, 2) and [1, 2] are the same setting."""
    if isinstance(value, dict):
        return {k: _lists(v) for k, v in value.items()}
    return [_lists(v) for v in value] if isinstance(value, (list, tuple)) else value
