"""MMAction2 1.x: loaders, loops, hooks and schedulers of mmengine in PYSKL's sections."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from ..setting import hints_of
from ..settings import TopLevel
from .mmaction0 import translate_dataset
from .networks import translate_model
from .remarks import Remarks, kind_of
from .trackers import loggers_of

NAME = 'MMAction2 1.x'

_LOADERS = {f'{split}_dataloader': split for split in ('train', 'val', 'test')}

# Keys of mmengine that say nothing that is not said elsewhere here, or has a default.
_NOT_NEEDED = (
    *('default_scope', 'val_cfg', 'test_cfg', 'log_processor', 'visualizer', 'vis_backends'),
    *('launcher', 'train_evaluator', 'file_client_args'),
)
SECTIONS = (
    *_LOADERS,
    *('optim_wrapper', 'param_scheduler', 'train_cfg', 'val_evaluator', 'test_evaluator'),
    *('default_hooks', 'env_cfg', 'randomness', 'resume'),
)

_LOADER_WORDS = {
    'batch_size': 'videos_per_gpu',
    'num_workers': 'workers_per_gpu',
    **{word: word for word in ('persistent_workers', 'pin_memory', 'prefetch_factor')},
}
_FIGURES = {
    'acc/top1': 'top1_acc',
    'acc/top5': 'top5_acc',
    'acc/mean1': 'mean_class_accuracy',
    'acc/mean_class_accuracy': 'mean_class_accuracy',
}


def is_spoken(values: Mapping[str, Any]) -> bool:
    """Whether a config has mmengine's sections and none of PYSKL's."""
    if any(key in values for key in ('data', 'optimizer', 'lr_config', 'total_epochs')):
        return False
    loaders = [_only(values.get(key)) for key in _LOADERS]
    return any(isinstance(loader, Mapping) and 'dataset' in loader for loader in loaders) or any(
        isinstance(_only(values.get(key)), Mapping) for key in ('optim_wrapper', 'param_scheduler')
    )


def translate(values: Mapping[str, Any], remarks: Remarks) -> dict[str, Any]:
    """Translate a config. Helper names are left out: what they helped to say is translated."""
    values = {key: _without_scope(value) for key, value in values.items()}
    translated = {key: values[key] for key in values if key in hints_of(TopLevel)}
    _check_names(values, remarks)
    hooks = loggers_of(values.get('visualizer'), remarks)
    said = ('visualizer', 'vis_backends') if hooks else ()
    remarks.leave_out(*(key for key in _NOT_NEEDED if key in values and key not in said))

    model, normalize = _model(values.get('model'), remarks)
    if model is not None:
        translated['model'] = model
    translated['data'] = _data(values, normalize, remarks)
    for part, how in _PARTS.items():
        given = values.get(part)
        if isinstance(given, Mapping):
            for key, value in how(dict(given), remarks).items():
                several = key == 'evaluation'  # of which several parts speak
                translated[key] = {**translated.get(key, {}), **value} if several else value
        elif given is not None:
            remarks.cannot(f'{part} = {given!r}:', 'expected a dict.')
    epochs = translated.get('total_epochs')
    translated.update(_schedule(values.get('param_scheduler'), epochs, remarks))
    evaluation = {**_metrics(values, remarks), **translated.get('evaluation', {})}
    if evaluation:
        translated['evaluation'] = evaluation
    if hooks:
        text = {'type': 'TextLoggerHook'}
        translated['log_config'] = {**translated.get('log_config', {}), 'hooks': [text, *hooks]}
    if values.get('resume') and translated.get('load_from'):
        translated['resume_from'] = translated.pop('load_from')
    return translated


def _check_names(values: Mapping[str, Any], remarks: Remarks) -> None:
    """Find misspelt sections, which would else be taken for helper names and passed over."""
    absent = [key for key in SECTIONS if key not in values]
    for key in values:
        if isinstance(key, str) and key not in (*SECTIONS, *_NOT_NEEDED, *hints_of(TopLevel)):
            near = difflib.get_close_matches(key.lower(), absent, n=1, cutoff=0.85)
            if near:
                remarks.cannot(f'{key!r}', f'is unknown. Did you mean {near[0]}?')


def _only(value: Any) -> Any:
    """The one item of a list: a comma behind a dict makes a tuple of it, as in a published config."""
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


def _without_scope(value: Any) -> Any:
    """type='mmaction.STGCN' -> type='STGCN', wherever it stands."""
    if isinstance(value, Mapping):
        changed = {key: _without_scope(inner) for key, inner in value.items()}
        if isinstance(changed.get('type'), str):
            changed['type'] = changed['type'].removeprefix('mmaction.').removeprefix('mmengine.')
        return changed
    if isinstance(value, (list, tuple)):
        return type(value)(_without_scope(inner) for inner in value)
    return value


# -- model and data ----------------------------------------------------------------------------


def _model(model: Any, remarks: Remarks) -> tuple[Any, Mapping[str, Any] | None]:
    """The model, and the pictures' mean and std, which a step of the pipeline takes off here."""
    normalize = None
    if isinstance(model, Mapping) and 'data_preprocessor' in model:
        model = dict(model)
        given = model.pop('data_preprocessor')
        given = given if isinstance(given, Mapping) else {}
        # Of several inputs only the pictures are normalised: preprocessors=dict(imgs=dict(mean=...)).
        given = (given.get('preprocessors') or {}).get('imgs', given)
        if 'mean' in given and 'std' in given:
            normalize = {'mean': given['mean'], 'std': given['std']}
        else:
            remarks.leave_out('model.data_preprocessor')
    return translate_model(model, remarks), normalize


def _data(values: Mapping[str, Any], normalize: Mapping | None, remarks: Remarks) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, split in _LOADERS.items():
        loader = _only(values.get(key))
        if loader is None:
            continue
        if not isinstance(loader, Mapping):
            remarks.cannot(f'{key} = {loader!r}:', 'expected a dict.')
            continue
        words, dataset = _loader(loader, key, split, remarks)
        place = f'{key}.dataset'
        data[split] = translate_dataset(dataset, place, remarks, normalize)
        if split == 'train':  # PYSKL's keys for all splits are the training's
            common = ('videos_per_gpu', 'workers_per_gpu', 'persistent_workers')
            data.update({word: words.pop(word) for word in common if word in words})
        if words:
            data[key] = words
    for key in ('val_dataloader', 'test_dataloader'):
        if key in data:  # say only what differs
            trains = {word: data.get(word) for word in ('videos_per_gpu', 'workers_per_gpu')}
            data[key] = {w: v for w, v in data[key].items() if w not in trains or v != trains[w]}
            data[key].pop('persistent_workers', None)
            if not data[key]:
                del data[key]
    return data


def _loader(
    loader: Mapping[str, Any], place: str, split: str, remarks: Remarks
) -> tuple[dict[str, Any], Any]:
    words, dataset = {}, None
    for key, value in loader.items():
        if key == 'dataset':
            dataset = value
        elif key in _LOADER_WORDS:
            words[_LOADER_WORDS[key]] = value
        elif key == 'sampler':
            sampler = value if isinstance(value, Mapping) else {}
            if sampler.get('type', 'DefaultSampler') != 'DefaultSampler':
                remarks.cannot(
                    f'{place}.sampler.type = {sampler["type"]!r}',
                    'is not known here. Leave it out; class_prob of a data set shows rare classes more often.',
                )
            elif split == 'train' and sampler.get('shuffle') is False:
                words['shuffle'] = False
        elif key == 'drop_last' and value is False or key == 'collate_fn' and value in _COLLATE:
            remarks.leave_out(f'{place}.{key}')
        else:
            remarks.cannot(f'{place}.{key} = {value!r}', 'is not known here. Leave it out.')
    return words, dataset


_COLLATE = ({'type': 'pseudo_collate'}, {'type': 'default_collate'}, None)


# -- optimiser, loop, hooks --------------------------------------------------------------------


def _optimizer(wrapper: dict[str, Any], remarks: Remarks) -> dict[str, Any]:
    kind, optimizer = wrapper.pop('type', 'OptimWrapper'), wrapper.pop('optimizer', None)
    clip = wrapper.pop('clip_grad', None)
    if kind == 'AmpOptimWrapper':
        remarks.note(
            'optim_wrapper.type = AmpOptimWrapper: give --amp fp16, or bf16, on the command line.'
        )
        for key in ('loss_scale', 'dtype'):
            wrapper.pop(key, None)
    elif kind != 'OptimWrapper':
        remarks.cannot(f'optim_wrapper.type = {kind!r}', 'is not known here. Write OptimWrapper.')
    if wrapper.pop('accumulative_counts', 1) != 1:
        remarks.cannot(
            'optim_wrapper.accumulative_counts',
            'is not known here. Leave it out, and scale lr with the batch: --autoscale-lr.',
        )
    for key, value in wrapper.items():
        if value is not None:
            remarks.cannot(
                f'optim_wrapper.{key} = {value!r}',
                'is not known here: all weights are in one group. Leave it out.',
            )
    clip = (
        {k: v for k, v in clip.items() if k in ('max_norm', 'norm_type')}
        if isinstance(clip, Mapping)
        else clip
    )
    found = {} if optimizer is None else {'optimizer': optimizer}
    return {**found, 'optimizer_config': {'grad_clip': clip}}


def _loop(loop: dict[str, Any], remarks: Remarks) -> dict[str, Any]:
    if (
        loop.pop('type', 'EpochBasedTrainLoop') != 'EpochBasedTrainLoop'
        or loop.pop('by_epoch', True) is not True
    ):
        remarks.cannot(
            'train_cfg.type', "counts iterations. Write type='EpochBasedTrainLoop' with max_epochs."
        )
    translated, evaluation = {}, {}
    if 'max_epochs' in loop:
        translated['total_epochs'] = loop.pop('max_epochs')
    if 'val_interval' in loop:
        evaluation['interval'] = loop.pop('val_interval')
    begin = loop.pop('val_begin', 1)
    if isinstance(begin, int) and begin > 1:
        evaluation['start'] = begin
    for key, value in loop.items():
        if value is not None and key != 'max_iters':
            remarks.cannot(f'train_cfg.{key} = {value!r}', 'is not known here. Leave it out.')
    return {**translated, 'evaluation': evaluation} if evaluation else translated


def _hooks(hooks: dict[str, Any], remarks: Remarks) -> dict[str, Any]:
    translated: dict[str, Any] = {}
    saving = hooks.get('checkpoint')
    if isinstance(saving, Mapping):
        known = ('interval', 'by_epoch', 'max_keep_ckpts')
        kept = {key: saving[key] for key in known if key in saving}
        if kept:
            translated['checkpoint_config'] = kept
        best = saving.get('save_best', 'auto')
        if best != 'auto':
            figure = _FIGURES.get(best, best) if isinstance(best, str) else best
            translated['evaluation'] = {'save_best': figure}
    logger = hooks.get('logger')
    if isinstance(logger, Mapping) and 'interval' in logger:
        translated['log_config'] = {'interval': logger['interval']}
    return translated


def _environment(env: dict[str, Any], remarks: Remarks) -> dict[str, Any]:
    translated: dict[str, Any] = {}
    if 'cudnn_benchmark' in env:
        translated['cudnn_benchmark'] = env['cudnn_benchmark']
    dist = env.get('dist_cfg')
    if isinstance(dist, Mapping) and 'backend' in dist:
        translated['dist_params'] = {'backend': dist['backend']}
    return translated


def _seed(given: dict[str, Any], remarks: Remarks) -> dict[str, Any]:
    return {key: given[key] for key in ('seed', 'deterministic') if given.get(key) is not None}


def _batch(given: dict[str, Any], remarks: Remarks) -> dict[str, Any]:
    if given.get('enable'):
        remarks.note('auto_scale_lr.enable: give --autoscale-lr on the command line.')
    return {'auto_scale_lr': {k: v for k, v in given.items() if k != 'enable'}}


_PARTS: dict[str, Callable[[dict[str, Any], Remarks], dict[str, Any]]] = {
    'optim_wrapper': _optimizer,
    'train_cfg': _loop,
    'default_hooks': _hooks,
    'env_cfg': _environment,
    'randomness': _seed,
    'auto_scale_lr': _batch,
}


def _metrics(values: Mapping[str, Any], remarks: Remarks) -> dict[str, Any]:
    """The metrics of the first evaluator that has any; AccMetric's defaults are top-k and the mean of classes."""
    for key in ('val_evaluator', 'test_evaluator'):
        given = values.get(key)
        for metric in given if isinstance(given, (list, tuple)) else [given]:
            if not isinstance(metric, Mapping):
                continue
            if metric.get('type') != 'AccMetric':
                remarks.note(
                    f'{key}: {metric.get("type")} is passed over; tools/test.py writes scores.npz.'
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


def _schedule(given: Any, epochs: Any, remarks: Remarks) -> dict[str, Any]:
    """lr_config: one scheduler over all epochs, and perhaps a warm-up before it."""
    steps = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
    main: dict[str, Any] = {}
    warmup: dict[str, Any] = {}
    for i, step in enumerate(steps):
        place = f'param_scheduler[{i}]'
        kind = kind_of(step)
        if kind in _WARMUPS and not warmup:
            warmup = _warmup(step, place, remarks)
        elif kind in _SCHEDULES and not main:
            main = _SCHEDULES[kind](step, place, epochs, remarks)
            if step.get('begin', 0) != 0:
                remarks.cannot(
                    f'{place}.begin = {step["begin"]!r}',
                    'is not known here: the schedule starts at the first epoch. Leave it out.',
                )
        else:
            remarks.cannot(
                f'{place} ({kind}):',
                'one of CosineAnnealingLR, MultiStepLR, StepLR is known here, after LinearLR or ConstantLR. Write lr_config = '
                "dict(policy='CosineAnnealing' or 'step', ...), as in configs/README.md.",
            )
    return {'lr_config': {**main, **warmup}} if main else {}


def _cosine(step: Mapping[str, Any], place: str, epochs: Any, remarks: Remarks) -> dict[str, Any]:
    length = step.get('T_max', step.get('end'))
    if length is not None and epochs is not None and length != epochs:
        remarks.cannot(
            f'{place}.T_max = {length!r}',
            f'differs from train_cfg.max_epochs = {epochs!r}; the cosine ends with the training here. Give both the same.',
        )
    by_epoch = step.get('by_epoch', True) and not step.get('convert_to_iter_based', False)
    ends = {'eta_min': 'min_lr', 'eta_min_ratio': 'min_lr_ratio'}
    floor = {ours: step[theirs] for theirs, ours in ends.items() if step.get(theirs) is not None}
    return {'policy': 'CosineAnnealing', 'by_epoch': by_epoch, **(floor or {'min_lr': 0})}


def _several_steps(
    step: Mapping[str, Any], place: str, epochs: Any, remarks: Remarks
) -> dict[str, Any]:
    known = {'milestones': 'step', 'step_size': 'step', 'gamma': 'gamma', 'by_epoch': 'by_epoch'}
    return {'policy': 'step', **{ours: step[word] for word, ours in known.items() if word in step}}


_SCHEDULES: dict[str, Callable[[Mapping[str, Any], str, Any, Remarks], dict[str, Any]]] = {
    'CosineAnnealingLR': _cosine,
    'MultiStepLR': _several_steps,
    'StepLR': _several_steps,
}


def _warmup(step: Mapping[str, Any], place: str, remarks: Remarks) -> dict[str, Any]:
    """mmcv's warm-up multiplies the policy's rate, which has begun meanwhile, as mmengine's factor does."""
    if step.get('end') is None or step.get('begin', 0) != 0 or step.get('end_factor', 1.0) != 1.0:
        remarks.cannot(
            place, 'is no warm-up from the first epoch on: begin=0, end=EPOCHS, end_factor=1.'
        )
    names = ('start_factor', 'factor')
    default = 1 / 3
    return {
        'warmup': _WARMUPS[step['type']],
        'warmup_ratio': next((step[name] for name in names if name in step), default),
        'warmup_iters': step.get('end', 1),
        'warmup_by_epoch': step.get('by_epoch', True),
    }
