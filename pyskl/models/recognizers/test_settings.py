"""The settings of `model.test_cfg`: how the views of a sample become one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...errors import ConfigError
from ..heads.base import Head


@dataclass(frozen=True)
class TestSettings:
    """How the views of a sample become one answer.

    Attributes:
        average_clips: 'prob': the mean of the views' probabilities; 'score': the mean of their
            class scores; None: the class scores of each view.
        max_testing_views: volumes that pass the network at once; None: chosen by the device's
            memory.
        feat_ext: whether to return pooled features, averaged over views, instead of class scores.
        semantic_weight: weight, in [0, 1], of the embeddings' similarity to the label vectors in
            the probabilities. For a network with several answers also a dict by answer,
            {'pose': 0.5}, 0 for the others.
        semantic_temperature: divisor of the similarities (cosines) before softmax.
        classes: the classes that can be predicted (zero-shot: those without training clips); the
            others score 0. None: all.

    Raises:
        ConfigError: a value is out of range, or two settings contradict each other.
    """

    __test__ = False  # not a test class for pytest

    average_clips: Literal['prob', 'score'] | None = 'prob'
    max_testing_views: int | None = None
    feat_ext: bool = False
    semantic_weight: float | dict[str, float] = 0.0
    semantic_temperature: float = 0.1
    classes: Sequence[int] | None = None

    def __post_init__(self):
        if self.max_testing_views is not None and self.max_testing_views < 1:
            raise ConfigError(
                f'model.test_cfg.max_testing_views = {self.max_testing_views}: expected at least '
                '1, or None.'
            )
        given = self.semantic_weight
        for weight in given.values() if isinstance(given, Mapping) else (given,):
            if not (isinstance(weight, (int, float)) and 0 <= weight <= 1):
                raise ConfigError(
                    f'model.test_cfg.semantic_weight = {given}: expected a number from 0 to 1.'
                )
        if not 0 < self.semantic_temperature < float('inf'):
            raise ConfigError(
                f'model.test_cfg.semantic_temperature = {self.semantic_temperature}: expected a '
                'number above 0, e.g. 0.1.'
            )
        if self.in_probabilities and (self.average_clips != 'prob' or self.feat_ext):
            raise ConfigError(
                'model.test_cfg: semantic_weight and classes apply to probabilities. Set '
                "average_clips='prob' and leave feat_ext out."
            )

    def weight_of(self, answer: str) -> float:
        """Return the semantic weight of an answer."""
        given = self.semantic_weight
        return given.get(answer, 0.0) if isinstance(given, Mapping) else given

    @property
    def uses_embeddings(self) -> bool:
        """Whether answers depend on embeddings."""
        given = self.semantic_weight
        return any(given.values()) if isinstance(given, Mapping) else given > 0

    @property
    def in_probabilities(self) -> bool:
        """Whether the head computes the probabilities of each view, see ClassHead.probabilities."""
        return self.uses_embeddings or self.classes is not None

    def check_head(self, head: Head) -> None:
        """Check that a head can compute such answers.

        Args:
            head: of the recognizer.

        Raises:
            ConfigError: it cannot.
        """
        if self.in_probabilities and not hasattr(head, 'probabilities'):
            raise ConfigError(
                'model.test_cfg: semantic_weight and classes need a head with probabilities(), '
                f'which {type(head).__name__} does not have.'
            )
        if self.in_probabilities and head.multi_class:
            raise ConfigError(
                'model.test_cfg: semantic_weight and classes are for one class per clip, but '
                'model.cls_head.multi_class = True. Leave them out.'
            )
        self._check_semantic_weight(head)
        if self.classes is not None and (
            not self.classes or not set(self.classes) <= set(range(head.num_classes))
        ):
            raise ConfigError(
                f'model.test_cfg.classes = {list(self.classes)}: expected some of the classes 0 to '
                f'{head.num_classes - 1}.'
            )

    def _check_semantic_weight(self, head: Head) -> None:
        given = self.semantic_weight
        named = given if isinstance(given, Mapping) else {}
        unknown = [name for name in named if name not in head.answers]
        if unknown:
            raise ConfigError(
                f'model.test_cfg.semantic_weight names {unknown[0]!r}, but the answers of this '
                f'network are {", ".join(head.answers)}.'
            )
        without = [
            name
            for name in head.answers
            if self.weight_of(name) > 0 and name not in head.embedded_answers
        ]
        if without and head.has_embedding:
            raise ConfigError(
                f'model.test_cfg.semantic_weight = {given}, but {without[0]} has no embedding '
                f'(cls_head.emb_components). Set, e.g., '
                f'{dict.fromkeys(head.embedded_answers, 0.5)}.'
            )
        if without:
            raise ConfigError(
                f'model.test_cfg.semantic_weight = {given}, but the head has no embedding '
                '(cls_head.loss_emb=None). Give it a loss_emb, or leave semantic_weight out.'
            )
