"""What `model.test_cfg` may say: how the views of a sample become one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...errors import ConfigError
from ..heads.base import Head


@dataclass(frozen=True)
class TestSettings:
    """How the views of a sample become one answer.

    average_clips      'prob': the mean of their softmaxes; 'score': the mean of their scores; None: each view's scores
    max_testing_views  volumes that pass the network at once; None: chosen by the device's memory
    feat_ext           give the pooled feature, averaged over views, instead of class scores
    semantic_weight    0..1: how much the embedding's likeness to each label's vector says in the probabilities; 0: nothing.
                       Of a network with several answers also a dict by their names, {'pose': 0.5}; the others: 0
    semantic_temperature   that the likenesses (cosines) are divided by, before softmax
    classes            the only classes that can be answered (zero-shot: those never trained on); the others score 0. None: all
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
                'model.test_cfg: semantic_weight and classes work on probabilities. Set '
                "average_clips='prob' and leave "
                'feat_ext out.'
            )

    def weight_of(self, answer: str) -> float:
        """Return the semantic weight of an answer."""
        given = self.semantic_weight
        return given.get(answer, 0.0) if isinstance(given, Mapping) else given

    @property
    def uses_embeddings(self) -> bool:
        """Does an embedding say anything in the answers?"""
        given = self.semantic_weight
        return any(given.values()) if isinstance(given, Mapping) else given > 0

    @property
    def in_probabilities(self) -> bool:
        """Is the answer made of each view's probabilities by the head, not of its class scores?"""
        return self.uses_embeddings or self.classes is not None

    def check_head(self, head: Head) -> None:
        """ConfigError when the head cannot answer so."""
        if self.in_probabilities and not hasattr(head, 'probabilities'):
            raise ConfigError(
                'model.test_cfg: semantic_weight and classes need a head with probabilities(), '
                f'which {type(head).__name__} '
                'lacks.'
            )
        if self.in_probabilities and head.multi_class:
            raise ConfigError(
                'model.test_cfg: semantic_weight and classes choose one class a clip, and '
                'model.cls_head.multi_class = True gives several. Leave them out.'
            )
        self._check_semantic_weight(head)
        known = range(head.num_classes) if self.classes is not None else ()
        if self.classes is not None and (
            not self.classes or any(k not in known for k in self.classes)
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
                f'network are called {", ".join(head.answers)}.'
            )
        without = [
            name
            for name in head.answers
            if self.weight_of(name) > 0 and name not in head.embedded_answers
        ]
        if without and head.has_embedding:
            raise ConfigError(
                f'model.test_cfg.semantic_weight = {given}, but {without[0]} has no embedding '
                f'(cls_head.emb_components). Take {dict.fromkeys(head.embedded_answers, 0.5)}.'
            )
        if without:
            raise ConfigError(
                f'model.test_cfg.semantic_weight = {given}, but the head has no embedding '
                '(cls_head.loss_emb=None). Give it a loss_emb, or leave semantic_weight out.'
            )
