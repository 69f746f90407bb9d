"""Build a recipe, a model and loaders from a config file, for training, testing and inference."""

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
from ..datasets.loader import collate
from ..engine.checkpoint import load_weights, read_checkpoint
from ..engine.distributed import Ranks
from ..engine.machine import has_bf16, keep_pages, set_determinism, set_threads
from ..engine.trainer import Trainer
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
    """A config file that was read and checked.

    Attributes:
        config: as the user wrote it.
        recipe: the same with types and defaults.
        name: of the file, without ending.
    """

    config: Any
    recipe: Recipe
    name: str

    @property
    def work_dir(self) -> Path:
        """Folder of the run."""
        return Path(str(self.recipe.work_dir))


def read_run(
    config: str | os.PathLike,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
    whole: bool = True,
    splits: Collection[str] = SPLITS,
) -> Run:
    """Read a config file, import its custom modules, and check everything that needs no data.

    Args:
        config: path of the file.
        cfg_options: settings that replace the config's, by their dotted keys.
        whole: see read_recipe.
        splits: see read_recipe.
    """
    cfg = load_config(config, cfg_options)
    import_custom_modules(cfg)
    return Run(cfg, read_recipe(cfg, whole, splits), Path(config).stem)


def prepare_machine(recipe: Recipe, ranks: Ranks, deterministic: bool = False) -> None:
    """Set threads, memory and determinism of this process."""
    keep_pages()
    set_threads(ranks.sharing)
    set_determinism(deterministic or recipe.deterministic, recipe.cudnn_benchmark)


def build_split(recipe: Recipe, split: Split) -> Any:
    """Build the data set of data.train, data.val or data.test."""
    recipe.require(f'data.{split}')
    with naming(recipe, f': data.{split}'):
        return build_dataset(
            getattr(recipe.data, split),
            {'test_mode': split != 'train'},
            where=f'{recipe.filename}: data.{split}',
        )


@contextlib.contextmanager
def naming(recipe: Recipe, place: str = '') -> Iterator[None]:
    """Put the config file's name in front of a ConfigError raised in the `with` block."""
    try:
        yield
    except ConfigError as error:
        if str(error).startswith(str(recipe.filename)):
            raise
        raise ConfigError(f'{recipe.filename}{place}: {error}') from error


def build_batches(
    recipe: Recipe, split: Split, ranks: Ranks, seed: int = 0, dataset: Any = None
) -> Batches:
    """Build this rank's batches of a split with its loader settings.

    Args:
        recipe: the config's.
        split: 'train', 'val' or 'test'.
        ranks: all processes.
        seed: of shuffling and augmentation.
        dataset: of the split, if it is built already.
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


def build_recognizer(
    recipe: Recipe, state_dict: Mapping[str, Any] | None = None
) -> tuple[Recognizer, str | None]:
    """Build the config's model.

    Args:
        recipe: the config's.
        state_dict: weights that the model will be filled from, which decide on its embedding.

    Returns:
        The model on the CPU, and a line for the log on how its embedding was chosen, or None.
    """
    recipe.require('model')
    config, note = recipe.model_config(state_dict)
    assert config is not None
    with naming(recipe):
        return build_model(config), note


def load_start(model: torch.nn.Module, recipe: Recipe, logger: logging.Logger) -> None:
    """Fill a model from load_from, if given; warn of weights that do not fit."""
    path = recipe.load_from
    if not path:
        return
    start = read_checkpoint(path)
    for note in start['notes']:
        logger.info('load_from %s: %s', path, note)
    for problem in load_weights(model, start['state_dict'], path, strict=False):
        logger.warning('load_from %s: %s These keep their initial values.', path, problem)
    warn_of_other_input(logger, model, recipe, start['meta'], path)


def warn_of_other_input(
    logger: logging.Logger,
    model: torch.nn.Module,
    recipe: Recipe,
    meta: Mapping[str, Any],
    source: str,
) -> None:
    """Warn where a checkpoint was trained on another skeleton or features than the config's."""
    for complaint in complaints(model, recipe, meta, source):
        logger.warning('%s', complaint)


def check_match(model: Recognizer, batches: Batches, recipe: Recipe, split: str) -> None:
    """Check that clips, labels, class names and label vectors fit the network.

    Raises:
        ConfigError: settings contradict each other, or the pipeline does not give what is needed.
        DataError: a label is out of range.
    """
    head, dataset = model.cls_head, batches.dataset
    targets = dataset.targets
    if targets is not None and (not head.multi_class or targets.shape[1] != head.num_classes):
        raise ConfigError(
            f'{recipe.filename}: data.{split} gives several labels per clip over '
            f'{targets.shape[1]} classes, but model.cls_head has multi_class = '
            f'{head.multi_class} and num_classes = {head.num_classes}. They must agree.'
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
    classes = dataset.classes
    if head.has_embedding and classes.vectors is not None:
        where = f'{recipe.filename}: data.{split}'
        _check_table(classes.vectors, classes.vectors_file, head, where)
    with naming(recipe, f': data.{split}'):
        model.check_batch(first_batch(batches), training=split == 'train')


def first_batch(batches: Batches) -> dict[str, Any]:
    """Return the first clip as a batch of one, as the loader would give it."""
    return collate([batches.loader.dataset[0, 0]])


def _check_table(table: np.ndarray, file: str | os.PathLike | None, head: Head, where: str) -> None:
    """Raise a ConfigError where a table of label vectors does not fit the head."""
    name = f"{where} names no label_embeddings; the package's own table"
    if file:
        name = f'{where}.label_embeddings = {str(file)!r}'
    if len(table) != head.num_classes:
        raise ConfigError(
            f'{name} has vectors for {len(table)} classes, but model.cls_head.num_classes = '
            f'{head.num_classes}. Make a table of your label names (tools/embed_labels.py --labels '
            'FILE --out FILE.npy) and name it in label_embeddings, or train without label vectors: '
            'cls_head=dict(loss_emb=None).'
        )
    if table.shape[1] != head.emb_dim:
        raise ConfigError(
            f'{name} has vectors of {table.shape[1]} numbers, but model.cls_head.emb_dim = '
            f'{head.emb_dim}. Set emb_dim={table.shape[1]}, or give another table '
            '(tools/embed_labels.py).'
        )


def teach_labels(model: Recognizer, dataset: ClipDataset, recipe: Recipe) -> list[int] | None:
    """Give the head the class counts and label vectors of the training data; see Head.learn_labels.

    Returns:
        The class counts, for the checkpoints' meta; None where the data has no labels.

    Raises:
        ConfigError: a loss needs class counts, but there are no labels.
    """
    head, counts = model.cls_head, dataset.classes.counts
    if counts is not None:  # also classes without a clip
        counts = np.pad(counts, (0, max(0, head.num_classes - len(counts))))
    elif head.needs_counts:
        raise ConfigError(
            f'{recipe.filename}: model.cls_head: a loss needs the number of training clips of each '
            'class, and data.train has no labels to count. Give each clip a label, or choose a '
            'loss without class_weight and logit adjustment.'
        )
    head.learn_labels(clips_per_epoch(counts, dataset.class_prob), dataset.classes.vectors)
    return None if counts is None else counts.tolist()


def clips_per_epoch(counts: np.ndarray | None, class_prob: np.ndarray | None) -> np.ndarray | None:
    """Return (K,) how many clips of each class an epoch shows.

    With class_prob an epoch is balanced already, and a balanced loss must not balance it again.
    """
    if counts is None or class_prob is None:
        return counts
    times = np.zeros(len(counts))
    times[: len(class_prob)] = class_prob[: len(counts)]
    return counts * times


def warn_of_shared_clips(logger: logging.Logger, train: Any, val: Any) -> None:
    """Warn where clips of the val split, by their names, are also trained on."""
    shared = sorted(set(val.ids).intersection(train.ids))
    if shared:
        logger.warning(
            '%d of the %d clips of data.val are also in data.train (%s), so its figures say little '
            'about unseen clips. Is one of the files left over from another split?',
            len(shared),
            len(val),
            some(shared, 3),
        )


def log_setting(logger: logging.Logger, trainer: Trainer) -> None:
    """Log what belongs at the top of a log: machine, sizes, precision, averages, label vectors."""
    recipe, model, ranks, batches = trainer.recipe, trainer.model, trainer.ranks, trainer.train
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
    if trainer.amp == 'bf16' and not has_bf16(ranks.device):
        logger.warning(
            '--amp bf16: this processor has no bfloat16 arithmetic and emulates it, many times '
            'slower than float32. Remove --amp here.'
        )
    late = [key for key, value in first_batch(batches).items() if isinstance(value, Input)]
    logger.info('Computed on the device: %s', ', '.join(late) or 'nothing, all in the loader')
    if recipe.ema is not None:
        logger.info(
            'The moving average of the weights (ema, decay %g) is validated and saved as '
            'state_dict',
            recipe.ema.decay,
        )
    if model.cls_head.has_embedding:
        names = names_of_run(recipe, model.cls_head.num_classes, batches.dataset)
        logger.info('%s', default_table_note(batches.dataset.classes.vectors_file, names))
