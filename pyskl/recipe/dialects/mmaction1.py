"""MMAction2 1.x: loaders, loops, hooks and schedulers of mmengine as PYSKL's sections."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from ..change_dicts import change_dicts
from ..settings import TopLevel
from ..settings_base import hints_of
from .mmaction0 import translate_dataset
from .networks import translate_model
from .trackers import loggers_of
from .translation_log import TranslationLog, kind_of, renamed

NAME = 'MMAction2 1.x'

_LOADERS = {f'{split}_dataloader': split for split in ('train', 'val', 'test')}

# Keys of mmengine that are not needed, or have defaults here.
_NOT_NEEDED = (
    *('default_scope', 'val_cfg', 'test_cfg', 'log_processor', 'visualizer', 'vis_backends'),
    *('launcher', 'train_evaluator', 'file_client_args'),
)
SECTIONS = (
    *_LOADERS,
    *('optim_wrapper', 'param_scheduler', 'train_cfg', 'val_evaluator', 'test_evaluator'),
    *('default_hooks', 'env_cfg', 'randomness', 'resume'),
)

_LOADER_KEYS = {
    'batch_size': 'videos_per_gpu',
    'num_workers': 'workers_per_gpu',
    'persistent_workers': 'persistent_workers',
    'pin_memory': 'pin_memory',
    'prefetch_factor': 'prefetch_factor',
}
_FIGURES = {
    'acc/top1': 'top1_acc',
    'acc/top5': 'top5_acc',
    'acc/mean1': 'mean_class_accuracy',
    'acc/mean_class_accuracy': 'mean_class_accuracy',
}


def is_spoken(values: Mapping[str, Any]) -> bool:
    """Return whether a config has mmengine's sections and none of PYSKL's."""
    if any(key in values for key in ('data', 'optimizer', 'lr_config', 'total_epochs')):
        return False
    loaders = [_only(values.get(key)) for key in _LOADERS]
    return any(isinstance(loader, Mapping) and 'dataset' in loader for loader in loaders) or any(
        isinstance(_only(values.get(key)), Mapping) for key in ('optim_wrapper', 'param_scheduler')
    )


def translate(values: Mapping[str, Any], log: TranslationLog) -> dict[str, Any]:
    """Translate a config. Helper names are dropped, since the values made with them are there."""
    values = change_dicts(values, _without_scope)
    translated = {key: values[key] for key in values if key in hints_of(TopLevel)}
    _check_names(values, log)
    hooks = loggers_of(values.get('visualizer'), log)
    said = ('visualizer', 'vis_backends') if hooks else ()
    log.leave_out(*(key for key in _NOT_NEEDED if key in values and key not in said))

    model, normalize = _model(values.get('model'), log)
    if model is not None:
        translated['model'] = model
    translated['data'] = _data(values, normalize, log)
    for part, how in _PARTS.items():
        given = values.get(part)
        if isinstance(given, Mapping):
            for key, value in how(dict(given), log).items():
                shared = key == 'evaluation'  # set by several parts
                translated[key] = {**translated.get(key, {}), **value} if shared else value
        elif given is not None:
            log.cannot(f'{part} = {given!r}:', 'expected a dict.')
    epochs = translated.get('total_epochs')
    translated.update(_schedule(values.get('param_scheduler'), epochs, log))
    evaluation = {**_metrics(values, log), **translated.get('evaluation', {})}
    if evaluation:
        translated['evaluation'] = evaluation
    if hooks:
        text = {'type': 'TextLoggerHook'}
        translated['log_config'] = {**translated.get('log_config', {}), 'hooks': [text, *hooks]}
    if values.get('resume') and translated.get('load_from'):
        translated['resume_from'] = translated.pop('load_from')
    return translated


def _check_names(values: Mapping[str, Any], log: TranslationLog) -> None:
    """Report misspelt sections, which would otherwise be ignored as helper names."""
    absent = [key for key in SECTIONS if key not in values]
    for key in values:
        if isinstance(key, str) and key not in (*SECTIONS, *_NOT_NEEDED, *hints_of(TopLevel)):
            near = difflib.get_close_matches(key.lower(), absent, n=1, cutoff=0.85)
            if near:
                log.cannot(f'{key!r}', f'is unknown. Did you mean {near[0]}?')


def _only(value: Any) -> Any:
    """Return the only item of a list: a published config has a comma behind a dict."""
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


def _without_scope(component: dict[str, Any]) -> dict[str, Any]:
    """Change type='mmaction.STGCN' to type='STGCN'."""
    kind = component.get('type')
    if isinstance(kind, str):
        kind = kind.removeprefix('mmaction.').removeprefix('mmengine.')
        return {**component, 'type': kind}
    return component


# -- model and data ----------------------------------------------------------------------------


def _model(model: Any, log: TranslationLog) -> tuple[Any, Mapping[str, Any] | None]:
    """Return the model, and mean and std of pictures, which here are a pipeline step's."""
    normalize = None
    if isinstance(model, Mapping) and 'data_preprocessor' in model:
        model = dict(model)
        given = model.pop('data_preprocessor')
        given = given if isinstance(given, Mapping) else {}
        # With several inputs: preprocessors=dict(imgs=dict(mean=...)).
        given = (given.get('preprocessors') or {}).get('imgs', given)
        if 'mean' in given and 'std' in given:
            normalize = {'mean': given['mean'], 'std': given['std']}
        else:
            log.leave_out('model.data_preprocessor')
    return translate_model(model, log), normalize


def _data(
    values: Mapping[str, Any], normalize: Mapping | None, log: TranslationLog
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, split in _LOADERS.items():
        loader = _only(values.get(key))
        if loader is None:
            continue
        if not isinstance(loader, Mapping):
            log.cannot(f'{key} = {loader!r}:', 'expected a dict.')
            continue
        settings, dataset = _loader(loader, key, split, log)
        place = f'{key}.dataset'
        data[split] = translate_dataset(dataset, place, log, normalize)
        if split == 'train':  # the training's values become PYSKL's values for all splits
            common = ('videos_per_gpu', 'workers_per_gpu', 'persistent_workers')
            data.update({name: settings.pop(name) for name in common if name in settings})
        if settings:
            data[key] = settings
    for key in ('val_dataloader', 'test_dataloader'):
        if key in data:  # keep only what differs
            train = {name: data.get(name) for name in ('videos_per_gpu', 'workers_per_gpu')}
            data[key] = {k: v for k, v in data[key].items() if k not in train or v != train[k]}
            data[key].pop('persistent_workers', None)
            if not data[key]:
                del data[key]
    return data


def _loader(
    loader: Mapping[str, Any], place: str, split: str, log: TranslationLog
) -> tuple[dict[str, Any], Any]:
    settings, dataset = {}, None
    for key, value in loader.items():
        if key == 'dataset':
            dataset = value
        elif key in _LOADER_KEYS:
            settings[_LOADER_KEYS[key]] = value
        elif key == 'sampler':
            sampler = value if isinstance(value, Mapping) else {}
            kind = sampler.get('type', 'DefaultSampler')
            if kind != 'DefaultSampler':
                instead = 'Leave it out; class_prob of a data set shows rare classes more often.'
                log.unknown(f'{place}.sampler.type', kind, instead)
            elif split == 'train' and sampler.get('shuffle') is False:
                settings['shuffle'] = False
        elif key == 'drop_last' and value is False or key == 'collate_fn' and value in _COLLATE:
            log.leave_out(f'{place}.{key}')
        else:
            log.unknown(f'{place}.{key}', value)
    return settings, dataset


_COLLATE = ({'type': 'pseudo_collate'}, {'type': 'default_collate'}, None)


# -- optimiser, loop, hooks --------------------------------------------------------------------


def _optimizer(wrapper: dict[str, Any], log: TranslationLog) -> dict[str, Any]:
    kind, optimizer = wrapper.pop('type', 'OptimWrapper'), wrapper.pop('optimizer', None)
    clip = wrapper.pop('clip_grad', None)
    if kind == 'AmpOptimWrapper':
        log.note(
            'optim_wrapper.type = AmpOptimWrapper: give --amp fp16, or bf16, on the command line.'
        )
        for key in ('loss_scale', 'dtype'):
            wrapper.pop(key, None)
    elif kind != 'OptimWrapper':
        log.unknown('optim_wrapper.type', kind, 'Write OptimWrapper.')
    if wrapper.pop('accumulative_counts', 1) != 1:
        log.cannot(
            'optim_wrapper.accumulative_counts',
            'is not known here. Leave it out, and scale lr with the batch: --autoscale-lr.',
        )
    for key, value in wrapper.items():
        if value is not None:
            instead = 'All weights are in one group. Leave it out.'
            log.unknown(f'optim_wrapper.{key}', value, instead)
    if isinstance(clip, Mapping):
        clip = {k: v for k, v in clip.items() if k in ('max_norm', 'norm_type')}
    found = {} if optimizer is None else {'optimizer': optimizer}
    return {**found, 'optimizer_config': {'grad_clip': clip}}


def _loop(loop: dict[str, Any], log: TranslationLog) -> dict[str, Any]:
    if (
        loop.pop('type', 'EpochBasedTrainLoop') != 'EpochBasedTrainLoop'
        or loop.pop('by_epoch', True) is not True
    ):
        log.cannot(
            'train_cfg.type', "counts iterations. Write type='EpochBasedTrainLoop' with max_epochs."
        )
    translated = renamed(loop, {'max_epochs': 'total_epochs'})
    evaluation = renamed(loop, {'val_interval': 'interval'})
    begin = loop.get('val_begin', 1)
    if isinstance(begin, int) and begin > 1:
        evaluation['start'] = begin
    for key, value in loop.items():
        known = ('max_epochs', 'max_iters', 'val_interval', 'val_begin')
        if value is not None and key not in known:
            log.unknown(f'train_cfg.{key}', value)
    return {**translated, 'evaluation': evaluation} if evaluation else translated


def _hooks(hooks: dict[str, Any], log: TranslationLog) -> dict[str, Any]:
    translated: dict[str, Any] = {}
    saving = hooks.get('checkpoint')
    if isinstance(saving, Mapping):
        known = ('interval', 'by_epoch', 'max_keep_ckpts')
        kept = renamed(saving, dict(zip(known, known)))
        if kept:  # otherwise a checkpoint_config of the config's own counts
            translated['checkpoint_config'] = kept
        best = saving.get('save_best', 'auto')
        if best != 'auto':
            figure = _FIGURES.get(best, best) if isinstance(best, str) else best
            translated['evaluation'] = {'save_best': figure}
    logger = hooks.get('logger')
    if isinstance(logger, Mapping) and 'interval' in logger:
        translated['log_config'] = {'interval': logger['interval']}
    return translated


def _environment(env: dict[str, Any], log: TranslationLog) -> dict[str, Any]:
    translated = renamed(env, {'cudnn_benchmark': 'cudnn_benchmark'})
    dist = env.get('dist_cfg')
    if isinstance(dist, Mapping) and 'backend' in dist:
        translated['dist_params'] = {'backend': dist['backend']}
    return translated


def _seed(given: dict[str, Any], log: TranslationLog) -> dict[str, Any]:
    return {key: given[key] for key in ('seed', 'deterministic') if given.get(key) is not None}


def _batch(given: dict[str, Any], log: TranslationLog) -> dict[str, Any]:
    if given.get('enable'):
        log.note('auto_scale_lr.enable: give --autoscale-lr on the command line.')
    return {'auto_scale_lr': {k: v for k, v in given.items() if k != 'enable'}}


_PARTS: dict[str, Callable[[dict[str, Any], TranslationLog], dict[str, Any]]] = {
    'optim_wrapper': _optimizer,
    'train_cfg': _loop,
    'default_hooks': _hooks,
    'env_cfg': _environment,
    'randomness': _seed,
    'auto_scale_lr': _batch,
}


def _metrics(values: Mapping[str, Any], log: TranslationLog) -> dict[str, Any]:
    """Return the metrics of the first AccMetric, by default top-k and the mean over classes."""
    for key in ('val_evaluator', 'test_evaluator'):
        given = values.get(key)
        for metric in given if isinstance(given, (list, tuple)) else [given]:
            if not isinstance(metric, Mapping):
                continue
            if metric.get('type') != 'AccMetric':
                log.note(
                    f'{key}: {metric.get("type")} is ignored; tools/test.py writes scores.npz.'
                )
                continue
            names = metric.get('metric_list', ('top_k_accuracy', 'mean_class_accuracy'))
            options = metric.get('metric_options') or {}
            options = options.get('top_k_accuracy', {}) if isinstance(options, Mapping) else {}
            names = [names] if isinstance(names, str) else list(names)
            return {'metrics': names, 'topk': options.get('topk', (1, 5))}
    return {}


# -- schedule ----------------------------------------------------------------------------------

_WARMUPS = {'LinearLR': 'linear', 'ConstantLR': 'constant'}


def _schedule(given: Any, epochs: Any, log: TranslationLog) -> dict[str, Any]:
    """Return lr_config from one scheduler over all epochs, with or without a warm-up before it."""
    steps = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
    main: dict[str, Any] = {}
    warmup: dict[str, Any] = {}
    for i, step in enumerate(steps):
        place = f'param_scheduler[{i}]'
        kind = kind_of(step)
        if kind in _WARMUPS and not warmup:
            warmup = _warmup(step, place, log)
        elif kind in _SCHEDULES and not main:
            main = _SCHEDULES[kind](step, place, epochs, log)
            if step.get('begin', 0) != 0:
                instead = 'The schedule starts at the first epoch. Leave it out.'
                log.unknown(f'{place}.begin', step['begin'], instead)
        else:
            log.cannot(
                f'{place} ({kind}):',
                'only one of CosineAnnealingLR, MultiStepLR, StepLR is known here, after LinearLR '
                "or ConstantLR. Write lr_config = dict(policy='CosineAnnealing' or 'step', ...), "
                'as in configs/README.md.',
            )
    return {'lr_config': {**main, **warmup}} if main else {}


def _cosine(
    step: Mapping[str, Any], place: str, epochs: Any, log: TranslationLog
) -> dict[str, Any]:
    length = step.get('T_max', step.get('end'))
    if length is not None and epochs is not None and length != epochs:
        log.cannot(
            f'{place}.T_max = {length!r}',
            f'differs from train_cfg.max_epochs = {epochs!r}; here the cosine ends with the '
            'training. Give both the same.',
        )
    by_epoch = step.get('by_epoch', True) and not step.get('convert_to_iter_based', False)
    given = {key: value for key, value in step.items() if value is not None}
    floor = renamed(given, {'eta_min': 'min_lr', 'eta_min_ratio': 'min_lr_ratio'})
    return {'policy': 'CosineAnnealing', 'by_epoch': by_epoch, **(floor or {'min_lr': 0})}


def _several_steps(
    step: Mapping[str, Any], place: str, epochs: Any, log: TranslationLog
) -> dict[str, Any]:
    known = {'milestones': 'step', 'step_size': 'step', 'gamma': 'gamma', 'by_epoch': 'by_epoch'}
    return {'policy': 'step', **renamed(step, known)}


_SCHEDULES: dict[str, Callable[[Mapping[str, Any], str, Any, TranslationLog], dict[str, Any]]] = {
    'CosineAnnealingLR': _cosine,
    'MultiStepLR': _several_steps,
    'StepLR': _several_steps,
}


def _warmup(step: Mapping[str, Any], place: str, log: TranslationLog) -> dict[str, Any]:
    """Return the warm-up, which multiplies the policy's rate in mmcv as in mmengine."""
    if step.get('end') is None or step.get('begin', 0) != 0 or step.get('end_factor', 1.0) != 1.0:
        log.cannot(
            place, 'is no warm-up from the first epoch on: begin=0, end=EPOCHS, end_factor=1.'
        )
    return {
        'warmup': _WARMUPS[step['type']],
        'warmup_ratio': step.get('start_factor', step.get('factor', 1 / 3)),
        'warmup_iters': step.get('end', 1),
        'warmup_by_epoch': step.get('by_epoch', True),
    }
