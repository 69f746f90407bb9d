"""The contract of a recognizer: the whole network, from a batch to losses or to answers."""

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
    """A network that training, testing and inference know how to use.

    A recognizer of your own derives from it, registers itself (`@RECOGNIZERS.register_module()`),
    names what it takes, and defines `losses` and `predict`. A batch is a dict of the entries that
    the pipelines collect, on the model's device: tensors, or Inputs still to be computed
    (`pyskl.inputs.input_tensor` gives the tensor).

    Attributes:
        takes: the entries of a batch that it needs, 'label' in training aside, e.g. ('imgs',),
            ('keypoint',) or ('imgs', 'keypoint').
        answers: the names of what `predict` gives, class scores (B, K) each: ('score',), or of
            several their names, e.g. ('rgb', 'pose').
        cls_head: the head, which knows the number of classes and the label vectors.
        channels_last: whether the backbone wants channels last in memory; the numbers are the same.
    """

    takes: tuple[str, ...] = ()
    answers: tuple[str, ...] = ('score',)
    cls_head: Head
    channels_last = False

    @abstractmethod
    def losses(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Compute losses and accuracies of a training batch.

        Args:
            batch: the entries of `takes`, `label` (B,), (B, 1) or (B, K), and, where a pipeline of
                the user's own makes them, `emb` (B, D): targets of the embedding.

        Returns:
            0-dim tensors by name. The sum of those with 'loss' in their name is trained on.
        """

    @abstractmethod
    def predict(self, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Answer for a batch, as `test_cfg` says.

        Returns:
            One entry 'score', (B, K) class probabilities (or what test_cfg asks for instead); a
            recognizer with several answers gives each a name of its own.
        """

    @property
    def needs_label_vectors(self) -> bool:
        """Whether answers compare with the label vectors, so that testing needs them."""
        return False

    @property
    def target(self) -> Target:
        """Where inputs are wanted, and in which dtype and memory layout."""
        return Target.of(next(self.parameters()), self.channels_last)

    def forward(
        self,
        batch: Mapping[str, Any] | Any = None,
        label: Any = None,
        return_loss: bool = True,
        **entries: Any,
    ) -> dict[str, Tensor] | np.ndarray:
        """Return the losses of a batch; with return_loss=False the scores, on the host.

        The batch is a dict, or its entries are given by name, as PYSKL's callers do:
        `model(imgs=..., label=..., return_loss=True)`, `model(imgs, return_loss=False)`.

        Raises:
            ConfigError: when the batch lacks what the recognizer takes.
        """
        given = (
            batch if isinstance(batch, Mapping) else {} if batch is None else {self.takes[0]: batch}
        )
        given = {**given, **entries, **({} if label is None else {'label': label})}
        self.check_batch(given, training=return_loss)
        if return_loss:
            return self.losses(given)
        with torch.no_grad():
            answers = {name: scores.cpu().numpy() for name, scores in self.predict(given).items()}
        return answers['score'] if set(answers) == {'score'} else answers

    def forward_test(self, batch: Mapping[str, Any] | Any) -> np.ndarray | dict[str, np.ndarray]:
        """Return the scores of a batch, or of its first entry alone, on the host."""
        return self(batch, return_loss=False)

    def check_batch(self, batch: Mapping[str, Any], training: bool) -> None:
        """Raise ConfigError unless the batch has what the recognizer takes."""
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
                    f'{type(batch[key]).__name__}, expected a tensor. Leave nested=True '
                    'out of Collect, and let the pipeline make arrays or numbers.'
                )


RECOGNIZERS.contract = Recognizer
