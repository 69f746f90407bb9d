"""What a config may say: every key with its type, default, unit and check.

This is the only place for defaults. Names and meanings are PYSKL's, whose configs are in the style
of mmcv 1. A class here is a dict in the config; a field with a class of its own is a dict inside
that dict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import ConfigError, did_you_mean
from ..evaluation import check_metrics
from ..seeds import MAX_SEED
from .data_settings import Data
from .settings_base import setting


@dataclass(frozen=True)
class GradClip:
    """optimizer_config.grad_clip: limits the norm of the gradient over all weights.

    Attributes:
        max_norm: the limit
        norm_type: 2, or inf for the largest entry
    """

    max_norm: float = setting(above=0)
    norm_type: float = setting(2.0, above=0, finite=False)


@dataclass(frozen=True)
class OptimizerConfig:
    """optimizer_config: what happens between the gradient and the step."""

    grad_clip: GradClip | None = None


@dataclass(frozen=True)
class Ema:
    """ema: a running average of weights and BatchNorm statistics, which is validated and saved.

    Attributes:
        decay: what stays of the average at each iteration (Mean teacher, Tarvainen and Valpola
            2017, arXiv:1703.01780)
        warmup: a smaller decay at first, (1 + n) / (10 + n) at iteration n, so that the random
            start is soon forgotten
    """

    decay: float = setting(0.999, above=0)
    warmup: bool = True

    def __post_init__(self):
        if self.decay >= 1:
            raise ValueError(
                f'decay = {self.decay}: expected less than 1, e.g. 0.999; with 1 nothing is ever '
                'learnt.'
            )


@dataclass(frozen=True)
class LrConfig:
    """lr_config: the learning rate over the training, as a factor of optimizer.lr.

    Attributes:
        policy: CosineAnnealing: half a cosine from lr to min_lr. step: times gamma at each epoch
            (iteration) in `step`
        by_epoch: True: changes between epochs. False: changes at every iteration, and `step` counts
            iterations
        min_lr: the end of the cosine, or the lower limit of the steps
        min_lr_ratio: the same as a share of lr; give one of the two
        step: a number: every so many epochs. A list: at these epochs
        gamma: the factor at each step; None: 0.1
        warmup: None, or how the rate rises from warmup_ratio * lr to the policy's rate
        warmup_iters: length of the warm-up in iterations, or in epochs with warmup_by_epoch
        warmup_ratio: where the warm-up starts, as a share of the policy's rate
        warmup_by_epoch: whether warmup_iters counts epochs
    """

    policy: Literal['CosineAnnealing', 'step'] = setting()
    by_epoch: bool = True
    min_lr: float | None = setting(None, at_least=0)
    min_lr_ratio: float | None = setting(None, at_least=0, at_most=1)
    step: int | Sequence[int] | None = setting(None, at_least=1)
    gamma: float | None = setting(None, above=0)
    warmup: Literal['constant', 'linear', 'exp'] | None = None
    warmup_iters: int = setting(0, at_least=0)
    warmup_ratio: float = setting(0.1, above=0, at_most=1)
    warmup_by_epoch: bool = False

    def __post_init__(self):
        if self.min_lr is not None and self.min_lr_ratio is not None:
            raise ValueError('min_lr and min_lr_ratio are both given. Give one of them.')
        if self.policy == 'CosineAnnealing':
            for name in ('step', 'gamma'):
                if getattr(self, name) is not None:
                    raise ValueError(
                        f"{name!r} belongs to policy='step'; CosineAnnealing takes min_lr or "
                        f'min_lr_ratio. Leave {name} out, or change the policy.'
                    )
            if self.min_lr is None and self.min_lr_ratio is None:
                object.__setattr__(self, 'min_lr', 0.0)
        else:
            self._check_steps()
        if self.warmup is None and self.warmup_iters:
            raise ValueError(
                f'warmup_iters = {self.warmup_iters} without warmup does nothing. Add '
                "warmup='linear'."
            )
        if self.warmup is not None and not self.warmup_iters:
            raise ValueError(
                f'warmup = {self.warmup!r} needs warmup_iters, its length, at least 1.'
            )

    def _check_steps(self) -> None:
        if self.step is None:
            raise ValueError("'step' is missing; policy='step' needs it, e.g. step=[90, 110].")
        steps = _several(self.step)
        if not steps or any(a >= b for a, b in zip(steps, steps[1:])):
            raise ValueError(
                f'step = {self.step!r}: expected increasing numbers, e.g. step=[90, 110].'
            )
        if self.gamma is None:
            object.__setattr__(self, 'gamma', 0.1)


@dataclass(frozen=True)
class CheckpointConfig:
    """checkpoint_config: when the training is saved.

    Attributes:
        interval: every so many epochs (by_epoch), or iterations and at the end of each epoch; -1:
            only at the end of the training
        by_epoch: whether interval counts epochs
        max_keep_ckpts: how many of the regular checkpoints are kept; -1 keeps all. Latest and best
            are never deleted
    """

    interval: int = setting(1, at_least=-1)
    by_epoch: bool = True
    max_keep_ckpts: int = setting(-1, at_least=-1)

    def __post_init__(self):
        for name in ('interval', 'max_keep_ckpts'):
            if getattr(self, name) == 0:
                never = 'never' if name == 'interval' else 'all'
                raise ValueError(f'{name} = 0: expected at least 1, or -1 for {never}.')


@dataclass(frozen=True)
class Evaluation:
    """evaluation: how the val split is evaluated during training.

    Attributes:
        interval: every so many epochs
        metrics: top_k_accuracy (for each k of topk), mean_class_accuracy, macro_f1; for clips with
            several labels mean_average_precision
        topk: the k of top_k_accuracy
        save_best: the metric whose best checkpoint is kept: top1_acc ..., for a network with
            several answers also rgb_top1_acc, RGBPose_1:1_top1_acc ...; 'auto': the first one;
            None: none is kept
        rule: whether more is better (greater) or less; None: greater
        start: the first epoch that is evaluated, counted from 1; None: as the interval falls
    """

    interval: int = setting(1, at_least=1)
    metrics: str | Sequence[str] = ('top_k_accuracy',)
    topk: int | Sequence[int] = setting((1, 5), at_least=1)
    save_best: str | None = 'auto'
    rule: Literal['greater', 'less'] | None = None
    start: int | None = setting(None, at_least=0)

    def __post_init__(self):
        object.__setattr__(self, 'metrics', _several(self.metrics))
        object.__setattr__(self, 'topk', _several(self.topk))
        check_metrics(self.metrics)
        if not self.metrics or not self.topk:
            raise ValueError('metrics and topk must not be empty.')
        # A prefix names one of the model's answers, which check_best knows.
        by_answer = tuple(f'_{name}' for name in self.metric_names)
        best, known = self.save_best, ('auto', *self.metric_names)
        if best is not None and best not in known and not best.endswith(by_answer):
            raise ValueError(
                f'save_best = {best!r} is unknown. Known: {", ".join(known)}.'
                f'{did_you_mean(best, known)}'
            )

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of the results of the metrics, in order: top1_acc, top5_acc ..."""
        names = [
            [f'top{k}_acc' for k in _several(self.topk)] if metric == 'top_k_accuracy' else [metric]
            for metric in self.metrics
        ]
        return tuple(name for group in names for name in group)

    @property
    def best_metric(self) -> str | None:
        """The metric that decides which checkpoint is the best, or None."""
        return self.metric_names[0] if self.save_best == 'auto' else self.save_best


@dataclass(frozen=True)
class LogConfig:
    """log_config: the log of a training.

    Attributes:
        interval: a line every so many iterations
        hooks: loggers that receive the metrics, e.g. dict(type='TensorboardLoggerHook'); the text
            log is always written
    """

    interval: int = setting(20, at_least=1)
    hooks: Sequence[dict] = (dict(type='TextLoggerHook'),)


@dataclass(frozen=True)
class DistParams:
    """dist_params: how processes exchange tensors.

    Attributes:
        backend: None: nccl on GPUs and gloo on CPUs; nccl without a GPU becomes gloo
    """

    backend: Literal['nccl', 'gloo'] | None = None


@dataclass(frozen=True)
class AutoScaleLr:
    """auto_scale_lr: what --autoscale-lr needs to scale the learning rate.

    Attributes:
        base_batch_size: clips per step, over all processes, that optimizer.lr was chosen for
    """

    base_batch_size: int = setting(at_least=1)


@dataclass(frozen=True)
class CustomImports:
    """custom_imports: modules to import first, so that they can register components.

    Attributes:
        imports: names of modules
        allow_failed_imports: warn of a module that is missing instead of stopping
    """

    imports: str | Sequence[str] = setting()
    allow_failed_imports: bool = False

    def __post_init__(self):
        object.__setattr__(self, 'imports', _several(self.imports))
        for name in self.imports:
            if not all(part.isidentifier() for part in name.split('.')):
                module = name.removesuffix('.py').replace('/', '.').strip('.')
                hint = f' Try {module!r}.' if name.endswith('.py') else ''
                raise ValueError(
                    f"imports: {name!r} is not a module's name, as after `import`.{hint}"
                )


@dataclass(frozen=True)
class Runner:
    """runner: the newer way to give total_epochs.

    Attributes:
        max_epochs: epochs of training
        type: the only runner there is
    """

    max_epochs: int = setting(at_least=1)
    type: Literal['EpochBasedRunner'] = 'EpochBasedRunner'


def _several(value: Any) -> tuple:
    """Return a list as a tuple, and a single value as a tuple of one."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


@dataclass(frozen=True)
class TopLevel:
    """The keys at the top level of a config. Other names there are the config's own helpers.

    Attributes:
        model: the recognizer, e.g. dict(type='Recognizer3D', ...)
        optimizer: dict(type=a class of torch.optim, lr=..., its other arguments)
        stream: of a graph network: the feature that every GenSkeFeat makes (j joints, b bones, jm
            and bm their motion; k, km of ProtoGCN), whatever its own argument; '{stream}' in
            work_dir becomes its name
        ema: None, or an average of the weights that is tested in their place
        labels: names of the classes, in class order: a list, a text file with one name a line, or a
            known name (imigue, ntu60, ntu120, gestures). None: the label_names of the data
        total_epochs: epochs of training
        log_level: what is logged
        work_dir: the folder of a run; default ./work_dirs/ and the config's name
        load_from: a checkpoint whose weights the training starts from
        resume_from: a checkpoint to go on from; with auto_resume from the work dir's newest
            checkpoint if that one goes back to it
        auto_resume: go on from work_dir/latest.pth when it is there
        find_unused_parameters: for several processes: some weights may get no gradient
        cudnn_benchmark: let cuDNN measure its algorithms at the start, since shapes stay the same;
            not with `deterministic`
        workflow: only [('train', 1)]; validation is set in `evaluation`
        seed: of all random numbers; None counts as 0
        deterministic: only algorithms that give the same bits every time
        allow_odd_data: train even if the clips cannot be right (normalised coordinates, no visible
            joint ...), with a warning
        memcached, mc_cfg, gpu_ids: of old configs, not needed any more
    """

    model: dict | None = None
    data: Data = Data()
    optimizer: dict | None = None
    optimizer_config: OptimizerConfig = OptimizerConfig()
    lr_config: LrConfig | None = None
    stream: str | None = None
    ema: Ema | None = None
    labels: str | Sequence[str] | None = None
    total_epochs: int | None = setting(None, at_least=1)
    runner: Runner | None = None
    checkpoint_config: CheckpointConfig = CheckpointConfig()
    evaluation: Evaluation = Evaluation()
    log_config: LogConfig = LogConfig()
    log_level: Literal['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] = 'INFO'
    work_dir: str | None = None
    load_from: str | None = None
    resume_from: str | None = None
    auto_resume: bool = True
    find_unused_parameters: bool = True
    dist_params: DistParams = DistParams()
    cudnn_benchmark: bool = True
    workflow: Sequence = (('train', 1),)
    seed: int | None = setting(None, at_least=0, at_most=MAX_SEED)
    deterministic: bool = False
    allow_odd_data: bool = False
    auto_scale_lr: AutoScaleLr | None = None
    custom_imports: CustomImports | None = None
    memcached: bool = False
    mc_cfg: Any = None
    gpu_ids: Any = None

    def __post_init__(self):
        if [*map(_several, self.workflow)] != [('train', 1)]:
            raise ValueError(
                f"workflow = {self.workflow!r}: only [('train', 1)] is known; validation is set in "
                '`evaluation`.'
            )
        if '\0' in (self.work_dir or ''):
            raise ConfigError(
                f'work_dir = {self.work_dir!r}: a folder cannot have a NUL character in its name.'
            )
        if self.runner is not None and self.total_epochs not in (None, self.runner.max_epochs):
            raise ValueError(
                f'total_epochs = {self.total_epochs} and runner.max_epochs = '
                f'{self.runner.max_epochs} disagree. Give one of them.'
            )
