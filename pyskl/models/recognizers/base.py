"""The contract of a recognizer: the whole network, from a batch to losses or answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import ConfigError
from ...inputs import Input, Target
from ...registry import RECOGNIZERS
from ..heads.base import Head


class Recognizer(nn.Module, ABC):
    """A network that can be trained, tested and used for inference.

    A recognizer of your own derives from it, registers itself (`@RECOGNIZERS.register_module()`),
    names the entries that it takes, and defines `losses` and `predict`. A batch is a dict of the
    entries that the pipelines collect, on the model's device: tensors, or Inputs still to be
    computed (`pyskl.inputs.input_tensor` returns the tensor).

    Attributes:
        takes: the entries of a batch that it needs, in training besides 'label', e.g. ('imgs',),
            ('keypoint',) or ('imgs', 'keypoint').
        answers: the names of the class scores (B, K) that `predict` returns: ('score',), or
            several, e.g. ('rgb', 'pose').
        cls_head: the head, with the number of classes and the label vectors.
        channels_last: whether the backbone wants channels last in memory, which does not change
            its results.
    """

    takes: tuple[str, ...] = ()
    answers: tuple[str, ...] = ('score',)
    cls_head: Head
    channels_last = False

    @abstractmethod
    def losses(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Compute losses and accuracies of a training batch.

        Args:
            batch: the entries of `takes`; `label` (B,), (B, 1) or (B, K); and, if a user's pipeline
                collects it, `emb` (B, D), the targets of the embedding.

        Returns:
            0-dim tensors by name. Training minimises the sum of those with 'loss' in their name.
        """

    @abstractmethod
    def predict(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Compute the answers for a batch, according to `test_cfg`.

        Args:
            batch: the entries of `takes`.

        Returns:
            {'score': (B, K) class probabilities}, or whatever else test_cfg asks for; with several
            answers, an entry for each.
        """

    @property
    def needs_label_vectors(self) -> bool:
        """Whether testing needs the label vectors, to compare embeddings with."""
        return False

    @property
    def target(self) -> Target:
        """The device, dtype and memory layout of the backbone's input."""
        return Target.of(next(self.parameters()), self.channels_last)

    def forward(
        self,
        batch: Mapping[str, Any] | Any = None,
        label: Any = None,
        return_loss: bool = True,
        **entries: Any,
    ) -> dict[str, Tensor] | np.ndarray | dict[str, np.ndarray]:
        """Return the losses of a batch, or with return_loss=False its scores as NumPy arrays.

        The batch is a dict, or its entries are given by name, as PYSKL's callers do:
        `model(imgs=..., label=..., return_loss=True)`, `model(imgs, return_loss=False)`.

        Args:
            batch: a dict of entries, or the first entry of `takes`.
            label: see `losses`.
            return_loss: whether to return losses instead of scores.
            **entries: further entries by name.

        Raises:
            ConfigError: the batch lacks an entry that the recognizer takes.
        """
        whole = dict(batch) if isinstance(batch, Mapping) else {}
        if batch is not None and not isinstance(batch, Mapping):
            whole[self.takes[0]] = batch
        whole.update(entries)
        if label is not None:
            whole['label'] = label
        self.check_batch(whole, training=return_loss)
        if return_loss:
            return self.losses(whole)
        with torch.no_grad():
            answers = {name: scores.cpu().numpy() for name, scores in self.predict(whole).items()}
        return answers['score'] if set(answers) == {'score'} else answers

    def forward_test(self, batch: Mapping[str, Any] | Any) -> Any:
        """Return the scores of a batch, given as in `forward`, as NumPy arrays."""
        return self(batch, return_loss=False)

    def check_batch(self, batch: Mapping[str, Any], training: bool) -> None:
        """Check that a batch has the entries that the recognizer takes.

        Args:
            batch: by name.
            training: whether 'label' is needed, too.

        Raises:
            ConfigError: an entry is missing, or neither a tensor nor an Input.
        """
        wanted = (*self.takes, 'label') if training else self.takes
        missing = [key for key in wanted if key not in batch]
        if missing:
            raise ConfigError(
                f'{type(self).__name__} needs {missing[0]!r} in the batch, which has '
                f'{", ".join(batch) or "nothing"}. '
                f'Add {missing[0]!r} to the keys that the pipeline collects.'
            )
        for key in wanted:
            if not isinstance(batch[key], (Tensor, Input)):
                raise ConfigError(
                    f'{type(self).__name__}: {key!r} in the batch is a '
                    f'{type(batch[key]).__name__}, expected a tensor. Remove nested=True from '
                    'Collect, and let the pipeline make arrays or numbers.'
                )


RECOGNIZERS.contract = Recognizer
