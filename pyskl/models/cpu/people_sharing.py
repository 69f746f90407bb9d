"""People who look alike pass a graph network once.

A clip with fewer people than the network expects is filled up with people who are all zeros, and
normalising leaves those of all clips alike. Each distinct person passes once; the features of all
are gathered from the results by an index. The numbers are those of every person passing.

- In testing BatchNorm is fixed, so this works on every device. A GPU is waited for once a batch.
- In training BatchNorm has to count each distinct person as often as they occur, which
  ExactBatchNorm2d can on the CPU: the same losses, gradients and statistics.

On the CPU the people pass with channels last in memory, which the fast layers want.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm

from ..backbones import AAGCN, CTRGCN, DGSTGCN, MSG3D, STGCN, GraphBackbone, ProtoGCN
from .exact_batch_norm import ExactBatchNorm2d, FrameCounts, counting_frames
from .observers import has_hooks, is_recorded


@dataclass(frozen=True)
class DistinctPeople:
    """The distinct people of a batch, those that occur once first.

    Attributes:
        chosen: where each of them occurs first among all people.
        index: for each of all people its place among the distinct ones.
        counts: how often each of them occurs.
    """

    chosen: list[int]
    index: list[int]
    counts: FrameCounts

    @classmethod
    def of(cls, people: Tensor) -> DistinctPeople | None:
        """Find the people who do not move and look alike; None where there are none.

        Args:
            people: (P, C, T, V).
        """
        first = people[:, :, :1]
        still = (people == first).flatten(1).all(1)
        looks = torch.cat([still[:, None].to(people.dtype), first.flatten(1)], 1).tolist()

        # Those who move are each their own.
        places: dict[Any, list[int]] = {}
        for i, (is_still, *look) in enumerate(looks):
            places.setdefault(tuple(look) if is_still else i, []).append(i)
        if len(places) == len(people):
            return None
        groups = sorted(places.values(), key=len)
        index = [0] * len(people)
        for new, group in enumerate(groups):
            for old in group:
                index[old] = new
        return cls([group[0] for group in groups], index, _counts([len(group) for group in groups]))


def _counts(times: list[int]) -> FrameCounts:
    """Turn how often each occurs, ascending, into slices of those that count alike."""
    return tuple(
        (slice(times.index(n), times.index(n) + times.count(n)), n) for n in sorted(set(times))
    )


class PeopleSharing(GraphBackbone):
    """A graph network that sees no person twice.

    Attributes:
        joining: names of the children that see all people together.
    """

    joining: ClassVar[tuple[str, ...]] = ('data_bn',)

    def people_features(self, x: Tensor) -> Any:
        """Pass all people through the network: (N, M, C, T, V) -> (N, M, C', T', V), or a tuple of such."""
        parts = [child for name, child in self.named_children() if name not in self.joining]
        if is_recorded() or 'person_features' in vars(self) or any(map(has_hooks, parts)):
            return super().people_features(x)
        people = x.flatten(0, 1)
        layout = torch.channels_last if x.device.type == 'cpu' else torch.contiguous_format
        distinct = DistinctPeople.of(people) if keeps_people_apart(parts, x.device) else None
        if distinct is None:
            features = self.person_features(people.contiguous(memory_format=layout))
            return _each(features, lambda part: part.unflatten(0, x.shape[:2]))

        chosen = people[distinct.chosen].contiguous(memory_format=layout)
        with contextlib.ExitStack() as stack:
            for part in parts:
                stack.enter_context(counting_frames(part, distinct.counts))
            features = self.person_features(chosen)
        index = torch.tensor(distinct.index, device=x.device)
        return _each(features, lambda part: _gather(part, index).unflatten(0, x.shape[:2]))


def keeps_people_apart(parts: list[nn.Module], device: torch.device) -> bool:
    """Return whether each person's features depend on that person only.

    BatchNorm in training mixes people, but ExactBatchNorm2d counts them on the CPU. Layers of
    unknown kinds count as mixing.
    """
    return all(
        _layer_keeps_people_apart(layer, device) for part in parts for layer in part.modules()
    )


def _layer_keeps_people_apart(layer: nn.Module, device: torch.device) -> bool:
    if not type(layer).__module__.startswith(OURS):
        return False
    if isinstance(layer, (_BatchNorm, _InstanceNorm)) and not layer.track_running_stats:
        return isinstance(layer, _InstanceNorm)
    if not layer.training:
        return True
    if isinstance(layer, _BatchNorm):
        return type(layer) is ExactBatchNorm2d and layer.affine and device.type == 'cpu'
    return not (isinstance(layer, _DropoutNd) and layer.p > 0)


OURS = ('torch.nn.', 'mmcv.cnn.', 'pyskl.models.')


def _each(features: Any, change: Any) -> Any:
    return tuple(map(change, features)) if isinstance(features, tuple) else change(features)


def _gather(part: Tensor, index: Tensor) -> Tensor:
    """Choose along the first axis; channels last in memory stay last."""
    if part.is_contiguous(memory_format=torch.channels_last):
        return part.permute(0, 2, 3, 1).index_select(0, index).permute(0, 3, 1, 2)
    return part.index_select(0, index)


class SharingSTGCN(PeopleSharing, STGCN):
    """STGCN that sees no person twice."""


class SharingAAGCN(PeopleSharing, AAGCN):
    """AAGCN that sees no person twice."""


class SharingCTRGCN(PeopleSharing, CTRGCN):
    """CTRGCN that sees no person twice."""


class SharingMSG3D(PeopleSharing, MSG3D):
    """MSG3D that sees no person twice."""


class SharingDGSTGCN(PeopleSharing, DGSTGCN):
    """DGSTGCN that sees no person twice."""


class SharingProtoGCN(PeopleSharing, ProtoGCN):
    """ProtoGCN that sees no person twice."""

    joining = ('data_bn', 'prn', 'post', 'bn', 'relu')
