"""Where MMAction2 1.x sends figures, as loggers of log_config.hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...wording import some
from .translation_log import TranslationLog, kind_of

# vis_backends -> the logger, and the arguments that both have
_LOGGERS: dict[str, tuple[str, tuple[str, ...]]] = {
    'TensorboardVisBackend': ('TensorboardLoggerHook', ()),
    'WandbVisBackend': ('WandbLoggerHook', ('init_kwargs',)),
    'MLflowVisBackend': ('MlflowLoggerHook', ('exp_name', 'tags', 'params')),
}


def loggers_of(visualizer: Any, log: TranslationLog) -> list[dict[str, Any]]:
    """Return the hooks that stand for a visualizer's `vis_backends`; [] for the text log alone."""
    given = visualizer.get('vis_backends') if isinstance(visualizer, Mapping) else None
    hooks: list[dict[str, Any]] = []
    for backend in given if isinstance(given, (list, tuple)) else ():
        kind = kind_of(backend)
        if kind == 'LocalVisBackend':
            continue
        if kind not in _LOGGERS:
            known = ', '.join(_LOGGERS)
            log.note(f'visualizer.vis_backends: {kind} is left out. Known: {known}.')
            continue
        hook, arguments = _LOGGERS[kind]
        kept = {key: backend[key] for key in arguments if backend.get(key) is not None}
        lost = [key for key in backend if key not in ('type', 'save_dir', *arguments)]
        if lost:
            log.note(f'visualizer.vis_backends: {kind}: {some(lost)} is left out.')
        hooks.append({'type': hook, **kept})
    return hooks
