"""Find the data sets inside a data set's config: RepeatDataset and ConcatDataset hold others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..signature import inside

Path = tuple[str] | tuple[str, int]


def inner_datasets(cfg: Any) -> list[tuple[Path, Mapping[str, Any]]]:
    """List the configs that a data set's config holds directly, as `dataset` or in `datasets`.

    Args:
        cfg: a data set's config; it need not be checked yet, and other values hold none.

    Returns:
        (path, config) of each: ('dataset',) or ('datasets', 0), ('datasets', 1), ...
    """
    if not isinstance(cfg, Mapping):
        return []
    found: list[tuple[Path, Any]] = [(('dataset',), cfg.get('dataset'))]
    if isinstance(cfg.get('datasets'), (list, tuple)):
        found += [(('datasets', i), inner) for i, inner in enumerate(cfg['datasets'])]
    return [(path, inner) for path, inner in found if isinstance(inner, Mapping)]


def dataset_configs(cfg: Any, where: str = '') -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Find the data sets that hold no others: `cfg` itself, or those inside it at any depth.

    Args:
        cfg: a data set's config, as in data.train; it need not be checked yet.
        where: the place of `cfg` as the user knows it, e.g. 'joint.py: data.train'.

    Yields:
        (place, config) of each: ('joint.py: data.train.datasets[1]', {...}).
    """
    held = inner_datasets(cfg)
    if not held and isinstance(cfg, Mapping):
        yield where, cfg
    for (name, *index), inner in held:
        place = inside(where, name) if where else name
        yield from dataset_configs(inner, f'{place}[{index[0]}]' if index else place)
