"""What training, testing and inference have in common.

From a config file to a recipe, a model and loaders.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ..annotations.label_lists import from_one
from ..datasets import Batches, ClipDataset, build_dataloader, build_dataset
from ..datasets.label_embeddings import default_table_note
from ..datasets.loader import collate, seed_everything
from ..engine.checkpoint import load_weights, read_checkpoint
from ..engine.distributed import Ranks
from ..engine.machine import has_bf16, keep_pages, set_determinism, set_threads
from ..errors import ConfigError, DataError
from ..inputs import Input
from ..models import Head, Recognizer, build_model
from ..recipe import SPLITS, Recipe, import_custom_modules, load_config, read_recipe
from ..wording import some
from .names import names_of_run
from .skeleton import complaints

Split = Literal['train', 'val', 'test']


@dataclass
class Run:
    """A config file, read and checked.

    `config` as the user wrote it, `recipe` with types and defaults.
    """

    config: Any
    recipe: Recipe
    name: str

    @property
    def work_dir(self) -> Path:
        return Path(self.recipe.work_dir)


def read_run(
    config: str | os.PathLike,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
    whole: bool = True,
    splits: Collection[str] = SPLITS,
) -> Run:
    """Read a config file with its overrides, import its own modules, check everything that needs no
    data (see read_recipe).
    """
    cfg = load_config(config, cfg_options)
    import_custom_modules(cfg)
    return Run(cfg, read_recipe(cfg, whole, splits), Path(config).stem)


def prepare_machine(recipe: Recipe, ranks: Ranks, deterministic: bool = False) -> None:
    keep_pages()
    set_threads(ranks.sharing)
    set_determinism(deterministic or recipe.deterministic, recipe.cudnn_benchmark)


def build_split(recipe: Recipe, split: Split) -> Any:
    """The dataset of data.train, data.val or data.test."""
    recipe.require(f'data.{split}')
    with naming(recipe, f': data.{split}'):
        return build_dataset(
            getattr(recipe.data, split),
            {'test_mode': split != 'train'},
            where=f'{recipe.filename}: data.{split}',
        )


@contextlib.contextmanager
def naming(recipe: Recipe, place: str = '') -> Iterator[None]:
    """Name the config file in a ConfigError that comes from deep inside."""
    try:
        yield
    except ConfigError as error:
        if str(error).startswith(str(recipe.filename)):
            raise
        raise ConfigError(f'{recipe.filename}{place}: {error}') from error


def build_batches(
    recipe: Recipe, split: Split, ranks: Ranks, seed: int = 0, dataset: Any = None
) -> Batches:
    """This rank's batches of a split, with the loader settings of that split.

    `dataset` if it is built already.
    """
    dataset = build_split(recipe, split) if dataset is None else dataset
    loader = recipe.data.loader(split)
    pin_memory = ranks.device.type == 'cuda' if loader.pin_memory is None else loader.pin_memory
    return build_dataloader(
        dataset,
        loader.videos_per_gpu,
        loader.workers_per_gpu,
        loader.shuffle,
        seed,
        ranks.rank,
        ranks.world,
        pin_memory,
        loader.persistent_workers,
        loader.prefetch_factor,
    )


def build_network(
    recipe: Recipe, ranks: Ranks, seed: int, logger: logging.Logger
) -> torch.nn.Module:
    """The config's model on this rank's device, initialised from the seed and then from load_from,
    if given.
    """
    seed_everything(seed)
    model, _ = build_recognizer(recipe)
    load_start(model, recipe, logger)
    return model.to(ranks.device)


def build_recognizer(
    recipe: Recipe, state_dict: Mapping[str, Any] | None = None
) -> tuple[Recognizer, str | None]:
    """Build the config's model, and fill it from a checkpoint's weights where given.

    Returns:
        The model on the CPU, and a line for the log on how its embedding was chosen, or None.
    """
    config, note = recipe.model_config(state_dict)
    with naming(recipe):
        return build_model(config), note


def load_start(model: torch.nn.Module, recipe: Recipe, logger: logging.Logger) -> None:
    """The weights of load_from, if given, into a model.

    What does not fit is left out, with a warning.
    """
    if recipe.load_from:
        start = read_checkpoint(recipe.load_from)
        for note in start['notes']:
            logger.info('load_from %s: %s', recipe.load_from, note)
        for problem in load_weights(model, start['state_dict'], recipe.load_from, strict=False):
            logger.warning(
                'load_from %s: %s These keep their own values.', recipe.load_from, problem
            )
        warn_of_other_input(logger, model, recipe, start['meta'], recipe.load_from)


def warn_of_other_input(
    logger: logging.Logger,
    model: torch.nn.Module,
    recipe: Recipe,
    meta: Mapping[str, Any],
    source: str,
) -> None:
    """Say so when a checkpoint was trained on another skeleton than the config's, or other features."""
    for complaint in complaints(model, recipe, meta, source):
        logger.warning('%s', complaint)


def check_match(model: Recognizer, batches: Batches, recipe: Recipe, split: str) -> None:
    """Check that clips, labels, their names and their vectors fit the network.

    Better said here than by torch in the first batch.
    """
    head, dataset = model.cls_head, batches.dataset
    targets = dataset.targets
    if targets is not None and (not head.multi_class or targets.shape[1] != head.num_classes):
        raise ConfigError(
            f'{recipe.filename}: data.{split} gives several labels a clip over {targets.shape[1]} '
            f'classes, but model.cls_head has multi_class = {head.multi_class} and num_classes = '
            f'{head.num_classes}. They must agree.'
        )
    if len(dataset.labels) and dataset.labels.max() >= head.num_classes:
        worst = int(dataset.labels.argmax())
        advice = from_one(np.asarray(dataset.labels), head.num_classes, 'FILE')
        raise DataError(
            f'data.{split}: clip {dataset.ids[worst]} has label {dataset.labels[worst]}, but '
            f'model.cls_head.num_classes = {head.num_classes} (labels 0..{head.num_classes - 1}). '
            + (advice or 'Raise num_classes or correct the labels.')
        )
    names_of_run(recipe, head.num_classes, dataset)
    with naming(recipe):
        if head.has_embedding and dataset.classes.vectors is not None:
            _check_table(
                dataset.classes.vectors, dataset.classes.vectors_file, head, f'data.{split}'
            )
    with naming(recipe, f': data.{split}'):
        model.check_batch(first_batch(batches), training=split == 'train')


def first_batch(batches: Batches) -> dict[str, Any]:
    """Return the first clip as a batch of one, as the loader would give it."""
    return collate([batches.loader.dataset[0, 0]])


def _check_table(table: np.ndarray, file: str | None, head: torch.nn.Module, where: str) -> None:
    name = (
        f'{where}.label_embeddings = {file!r}'
        if file
        else f"{where} names no label_embeddings; the package's own table"
    )
    if len(table) != head.num_classes:
        raise ConfigError(
            f'{name} has vectors for {len(table)} classes, but model.cls_head.num_classes = '
            f'{head.num_classes}. Make a table of your own label names (tools/embed_labels.py '
            '--labels FILE --out FILE.npy) and name it in label_embeddings, or train without label '
            'vectors: cls_head=dict(loss_emb=None).'
        )
    if table.shape[1] != head.emb_dim:
        raise ConfigError(
            f'{name} has vectors of {table.shape[1]} numbers, but model.cls_head.emb_dim = '
            f'{head.emb_dim}. '
            f'Set emb_dim={table.shape[1]}, or give another table (tools/embed_labels.py).'
        )


def teach_labels(model: Recognizer, dataset: ClipDataset, recipe: Recipe) -> list[int] | None:
    """Tell the head, before training, how many clips each class has and what the label vectors are (see Head.learn_labels).

    ->      the class counts, for the checkpoints' meta; None where the data has no labels
    raises  ConfigError when a loss needs counts and there are no labels
    """
    head, counts = model.cls_head, class_counts(model.cls_head, dataset)
    if counts is None and head.needs_counts:
        raise ConfigError(
            f'{recipe.filename}: model.cls_head: a loss needs the number of training clips of each '
            'class, and data.train has no labels to count. Give each clip a label, or choose a '
            'loss without class_weight and logit adjustment.'
        )
    head.learn_labels(shown(counts, dataset.class_prob), dataset.classes.vectors)
    return None if counts is None else counts.tolist()


def shown(counts: np.ndarray | None, class_prob: np.ndarray | None) -> np.ndarray | None:
    """(K,) how many clips of each class an epoch shows, so that what balances a loss does not
    balance a balanced epoch once more.
    """
    if counts is None or class_prob is None:
        return counts
    times = np.zeros(len(counts))
    times[: len(class_prob)] = class_prob[: len(counts)]
    return counts * times


def class_counts(head: Head, dataset: ClipDataset) -> np.ndarray | None:
    """(K,) clips of each class, a repeated dataset counted once; None when unknown."""
    counts = dataset.classes.counts
    return None if counts is None else np.pad(counts, (0, max(0, head.num_classes - len(counts))))


def warn_of_shared_clips(logger: logging.Logger, train: Any, val: Any) -> None:
    """Say so when clips of the val split, by their names, are trained on."""
    shared = sorted(set(val.ids).intersection(train.ids))
    if shared:
        logger.warning(
            '%d of the %d clips of data.val are in data.train too (%s), so its figures say little '
            'about clips never seen. Is one of the files left over from another split?',
            len(shared),
            len(val),
            some(shared, 3),
        )


def log_setting(
    logger: logging.Logger,
    recipe: Recipe,
    model: torch.nn.Module,
    ranks: Ranks,
    batches: Batches,
    amp: str | None = None,
) -> None:
    """The lines that one wants to find at the top of a log."""
    for note in (*recipe.notes, recipe.model_config()[1]):
        if note:
            logger.info('%s', note)
    numbers = sum(p.numel() for p in model.parameters())
    logger.info(
        '%d process(es) on %s; PyTorch %s; %d clips, %d parameters',
        ranks.world,
        ranks.device,
        torch.__version__,
        len(batches.dataset),
        numbers,
    )
    if amp == 'bf16' and not has_bf16(ranks.device):
        logger.warning(
            '--amp bf16: this processor has no bfloat16 arithmetic, so it is emulated, many times '
            'slower than float32. Leave --amp out here.'
        )
    late = [key for key, value in first_batch(batches).items() if isinstance(value, Input)]
    logger.info('Computed on the device: %s; all else in the loader', ', '.join(late) or 'nothing')
    if recipe.ema is not None:
        logger.info(
            'An average of the weights (ema, decay %g) is what is validated and saved as '
            'state_dict',
            recipe.ema.decay,
        )
    if model.cls_head.has_embedding:
        names = names_of_run(recipe, model.cls_head.num_classes, batches.dataset)
        logger.info('%s', default_table_note(batches.dataset.classes.vectors_file, names))
