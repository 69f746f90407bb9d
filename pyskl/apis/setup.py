"""What training, testing and inference have in common: from a config file to a recipe, a model and loaders."""
from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ..datasets import Batches, RepeatDataset, build_dataloader, build_dataset
from ..datasets.label_embeddings import default_table_note
from ..datasets.loader import seed_everything
from ..engine.checkpoint import load_weights, read_checkpoint
from ..engine.distributed import Ranks
from ..engine.machine import has_bf16, keep_pages, set_determinism, set_threads
from ..errors import ConfigError, DataError
from ..inputs.heatmaps import Heatmaps
from ..models import build_model
from ..recipe import Recipe, import_custom_modules, load_config, read_recipe
from ..wording import some

Split = Literal['train', 'val', 'test']


@dataclass
class Run:
    """A config file, read and checked: `config` as the user wrote it, `recipe` with types and defaults."""

    config: Any
    recipe: Recipe
    name: str

    @property
    def work_dir(self) -> Path:
        return Path(self.recipe.work_dir)


def read_run(config: str | os.PathLike, cfg_options: Mapping[str, Any] | Sequence[str] | None = None) -> Run:
    """Read a config file with its overrides, import its own modules, check everything that needs no data."""
    cfg = load_config(config, cfg_options)
    import_custom_modules(cfg)
    return Run(cfg, read_recipe(cfg), Path(config).stem)


def prepare_machine(recipe: Recipe, ranks: Ranks, deterministic: bool = False) -> None:
    keep_pages()
    set_threads(ranks.sharing)
    set_determinism(deterministic or recipe.deterministic, recipe.cudnn_benchmark)


def build_split(recipe: Recipe, split: Split) -> Any:
    """The dataset of data.train, data.val or data.test."""
    recipe.require(f'data.{split}')
    with naming(recipe, f': data.{split}'):
        return build_dataset(getattr(recipe.data, split), {'test_mode': split != 'train'}, where=f'{recipe.filename}: data.{split}')


@contextlib.contextmanager
def naming(recipe: Recipe, place: str = '') -> Iterator[None]:
    """Name the config file in a ConfigError that comes from deep inside."""
    try:
        yield
    except ConfigError as error:
        if str(error).startswith(str(recipe.filename)):
            raise
        raise ConfigError(f'{recipe.filename}{place}: {error}') from error


def build_batches(recipe: Recipe, split: Split, ranks: Ranks, seed: int = 0, dataset: Any = None) -> Batches:
    """This rank's batches of a split, with the loader settings of that split; `dataset` if it is built already."""
    dataset = build_split(recipe, split) if dataset is None else dataset
    _check_end(dataset, ('imgs', 'label') if split == 'train' else ('imgs',), f'{recipe.filename}: data.{split}.pipeline')
    loader = recipe.data.loader(split)
    pin_memory = ranks.device.type == 'cuda' if loader.pin_memory is None else loader.pin_memory
    return build_dataloader(dataset, loader.videos_per_gpu, loader.workers_per_gpu, loader.shuffle, seed, ranks.rank, ranks.world,
                            pin_memory, loader.persistent_workers, loader.prefetch_factor)


def _check_end(dataset: Any, wanted: Sequence[str], where: str) -> None:
    """Does the pipeline end with what the network needs? (A pipeline with a user's own stages may.)"""
    gives = getattr(getattr(dataset, 'pipeline', None), 'gives', None)
    missing = [key for key in wanted if gives is not None and key not in gives]
    if missing:
        raise ConfigError(f'{where}: ends without {missing[0]!r}, which the network needs. Expected GeneratePoseTarget, FormatShape, '
                          "and Collect with keys=['imgs', 'label', ...] among its stages.")


def build_network(recipe: Recipe, ranks: Ranks, seed: int, logger: logging.Logger) -> torch.nn.Module:
    """The config's model on this rank's device, initialised from the seed and then from load_from, if given."""
    seed_everything(seed)
    with naming(recipe):
        model = build_model(recipe.model)
    load_start(model, recipe, logger)
    return model.to(ranks.device)


def load_start(model: torch.nn.Module, recipe: Recipe, logger: logging.Logger) -> None:
    """The weights of load_from, if given, into a model; what does not fit is left out, with a warning."""
    if recipe.load_from:
        for problem in load_weights(model, read_checkpoint(recipe.load_from)['state_dict'], recipe.load_from, strict=False):
            logger.warning('load_from %s: %s These keep their own values.', recipe.load_from, problem)


def check_match(model: torch.nn.Module, batches: Batches, recipe: Recipe, split: str) -> None:
    """Do clips, labels and label vectors of a split fit the network? Better said here than by torch in the first batch."""
    head, dataset = model.cls_head, batches.dataset
    num_classes = getattr(head, 'num_classes', None)
    labels = np.asarray(getattr(dataset, 'labels', []))
    if num_classes is not None and labels.size and labels.max() >= num_classes:
        worst = int(labels.argmax())
        raise DataError(f'data.{split}: clip {dataset.ids[worst]} has label {labels[worst]}, but model.cls_head.num_classes = '
                        f'{num_classes} (labels 0..{num_classes - 1}). Raise num_classes or correct the labels.')
    with naming(recipe):
        if getattr(head, 'loss_emb', None) is not None and getattr(dataset, 'label_embeddings', None) is not None:
            _check_table(dataset.label_embeddings, getattr(dataset, 'label_embeddings_file', None), head, f'data.{split}')
        _check_channels(model, batches, f'data.{split}')


def _check_channels(model: torch.nn.Module, batches: Batches, where: str) -> None:
    """Pass the first clip through its pipeline, and count the heatmaps that come out."""
    imgs = batches.loader.dataset[0, 0]['imgs']
    imgs = imgs.draw(slice(0, 1))[0] if isinstance(imgs, Heatmaps) else imgs           # (views, C, T, H, W)
    wanted = getattr(model.backbone, 'in_channels', None)
    if wanted is not None and np.ndim(imgs) == 5 and imgs.shape[1] != wanted:
        raise ConfigError(f'model.backbone.in_channels = {wanted}, but {where} gives {imgs.shape[1]} heatmaps a frame. '
                          f'Set in_channels={imgs.shape[1]}, or change what GeneratePoseTarget draws (joints, limbs).')


def _check_table(table: np.ndarray, file: str | None, head: torch.nn.Module, where: str) -> None:
    name = f'{where}.label_embeddings = {file!r}' if file else f"{where} names no label_embeddings; the package's own table"
    if len(table) != head.num_classes:
        raise ConfigError(f'{name} has vectors for {len(table)} classes, but model.cls_head.num_classes = {head.num_classes}. Make a '
                          'table of your own label names (tools/embed_labels.py --labels FILE --out FILE.npy) and name it in '
                          'label_embeddings, or train without label vectors: cls_head=dict(loss_emb=None).')
    if table.shape[1] != head.emb_dim:
        raise ConfigError(f'{name} has vectors of {table.shape[1]} numbers, but model.cls_head.emb_dim = {head.emb_dim}. '
                          f'Set emb_dim={table.shape[1]}, or give another table (tools/embed_labels.py).')


def teach_labels(model: torch.nn.Module, dataset: Any, recipe: Recipe) -> list[int] | None:
    """Tell the head, before training, how many clips each class has and what the label vectors are (see I3DHead.learn_labels).

    ->      the class counts, for the checkpoints' meta; None where the data has no labels or the head no number of classes
    raises  ConfigError when a loss needs counts and there are no labels
    """
    head, counts = model.cls_head, class_counts(model.cls_head, dataset)
    if counts is None and getattr(head, 'needs_counts', False):
        raise ConfigError(f'{recipe.filename}: model.cls_head: a loss needs the number of training clips of each class, and data.train '
                          'has no labels to count. Give each clip a label, or choose a loss without class_weight and logit adjustment.')
    if hasattr(head, 'learn_labels'):
        head.learn_labels(shown(counts, getattr(dataset, 'class_prob', None)), getattr(dataset, 'label_embeddings', None))
    return None if counts is None else counts.tolist()


def shown(counts: np.ndarray | None, class_prob: np.ndarray | None) -> np.ndarray | None:
    """(K,) how many clips of each class an epoch shows, so that what balances a loss does not balance a balanced epoch once more."""
    if counts is None or class_prob is None:
        return counts
    times = np.zeros(len(counts))
    times[:len(class_prob)] = class_prob[:len(counts)]
    return counts * times


def class_counts(head: torch.nn.Module, dataset: Any) -> np.ndarray | None:
    """(K,) clips of each class, a repeated dataset counted once; None when unknown."""
    num_classes = getattr(head, 'num_classes', None)
    while isinstance(dataset, RepeatDataset):
        dataset = dataset.dataset
    labels = np.asarray(getattr(dataset, 'labels', []))
    labels = labels[labels >= 0] if labels.size else labels
    return np.bincount(labels, minlength=num_classes) if num_classes is not None and labels.size else None


def warn_of_shared_clips(logger: logging.Logger, train: Any, val: Any) -> None:
    """Say so when clips of the val split, by their names, are trained on."""
    shared = sorted(set(val.ids).intersection(train.ids))
    if shared:
        logger.warning('%d of the %d clips of data.val are in data.train too (%s), so its figures say little about clips never seen. '
                       'Is one of the files left over from another split?', len(shared), len(val), some(shared, 3))


def log_setting(logger: logging.Logger, recipe: Recipe, model: torch.nn.Module, ranks: Ranks, batches: Batches,
                amp: str | None = None) -> None:
    """The lines that one wants to find at the top of a log."""
    for note in recipe.notes:
        logger.info('%s', note)
    numbers = sum(p.numel() for p in model.parameters())
    logger.info('%d process(es) on %s; PyTorch %s; %d clips, %d parameters', ranks.world, ranks.device, torch.__version__,
                len(batches.dataset), numbers)
    if amp == 'bf16' and not has_bf16(ranks.device):
        logger.warning('--amp bf16: this processor has no bfloat16 arithmetic, so it is emulated, many times slower than float32. '
                       'Leave --amp out here.')
    logger.info('Heatmaps are drawn %s', 'on the device' if batches.deferred else
                'in the loader (a stage after GeneratePoseTarget or the dataset\'s __getitem__ is not ours, so drawing can\'t wait)')
    if recipe.ema is not None:
        logger.info('An average of the weights (ema, decay %g) is what is validated and saved as state_dict', recipe.ema.decay)
    if getattr(model.cls_head, 'loss_emb', None) is not None:
        logger.info('%s', default_table_note(getattr(batches.dataset, 'label_embeddings_file', None)))
