"""People who look alike pass a graph network once.

A clip with fewer people than the network expects is filled up with people who are all zeros, and
normalising leaves those of all clips alike. Each distinct person passes once; the features of all
are gathered from the results by an index. The numbers are those of every person passing.

- In testing BatchNorm is fixed, so this works on every device. A GPU is waited for once a batch.
  On the CPU the features of who does not move are remembered until the network changes.
- In training BatchNorm has to count each distinct person as often as they occur, which
  ExactBatchNorm2d can on the CPU: the same losses, gradients and statistics.

On the CPU the people pass with channels last in memory, which the fast layers want.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm

from ..backbones import AAGCN, CTRGCN, DGSTGCN, MSG3D, STGCN, GraphBackbone, ProtoGCN
from .exact_batch_norm import ExactBatchNorm2d, FrameCounts, counting_frames
from .observers import has_hooks, is_recorded

KNOWN_LAYERS = ('torch.nn.', 'mmcv.cnn.', 'pyskl.models.')  # of these modules
MOST_REMEMBERED = 8  # people; of those who are absent there are as many as a clip has people

Look = tuple[float, ...]  # a frame of a person who does not move
Signature = tuple[Any, ...]

# What each network computed of people who do not move.
_remembered: WeakKeyDictionary[nn.Module, tuple[Signature, dict[Look, Any]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class DistinctPeople:
    """The distinct people of a batch, those that occur once first.

    Attributes:
        chosen: where each of them occurs first among all people.
        index: for each of all people its place among the distinct ones.
        times: how often each of them occurs.
        looks: what each of them looks like; None: they move.
    """

    chosen: list[int]
    index: list[int]
    times: list[int]
    looks: list[Look | None]

    @classmethod
    def of(cls, people: Tensor) -> DistinctPeople | None:
        """Find the people who do not move, and who of them look alike; None where all move.

        Args:
            people: (P, C, T, V).
        """
        first = people[:, :, :1]
        still = (people == first).flatten(1).all(1)
        looks = torch.cat([still[:, None].to(people.dtype), first.flatten(1)], 1).tolist()
        if not any(is_still for is_still, *_ in looks):
            return None

        places: dict[Look | int, list[int]] = {}
        for i, (is_still, *look) in enumerate(looks):
            places.setdefault(tuple(look) if is_still else i, []).append(i)
        groups = sorted(places.items(), key=lambda item: len(item[1]))
        index = [0] * len(people)
        for new, (_, group) in enumerate(groups):
            for old in group:
                index[old] = new
        return cls(
            [group[0] for _, group in groups],
            index,
            [len(group) for _, group in groups],
            [look if isinstance(look, tuple) else None for look, _ in groups],
        )

    @property
    def counts(self) -> FrameCounts:
        """How often each of them counts, in slices of those that count alike."""
        times = self.times
        return tuple(
            (slice(times.index(n), times.index(n) + times.count(n)), n) for n in sorted(set(times))
        )


class PeopleSharing(GraphBackbone):
    """A graph network that sees no person twice.

    Attributes:
        joining: names of the children that see all people together.
    """

    joining: ClassVar[tuple[str, ...]] = ('data_bn',)

    def forward(self, keypoint: Tensor) -> Any:
        """Map key points (N, M, T, V, C) to features; for a gradient of theirs everybody passes."""
        if not keypoint.requires_grad:
            return super().forward(keypoint)
        self.check_input(tuple(keypoint.shape[1:]))
        return self.join_people(super().people_features(self.normalise(keypoint)))

    def people_features(self, x: Tensor) -> Any:
        """Pass all people through the network: (N, M, C, T, V) -> (N, M, C', T', V), or a tuple of such."""
        parts = [child for name, child in self.named_children() if name not in self.joining]
        if is_recorded() or 'person_features' in vars(self) or any(map(has_hooks, parts)):
            return super().people_features(x)
        people = x.flatten(0, 1)
        distinct = DistinctPeople.of(people) if keeps_people_apart(parts, people) else None
        if distinct is None:
            features = self.person_features(laid_out(people))
        else:
            index = torch.tensor(distinct.index, device=x.device)
            features = each(
                self.distinct_features(people, distinct, parts), lambda part: gather(part, index)
            )
        return each(features, lambda part: part.unflatten(0, x.shape[:2]))

    def distinct_features(
        self, people: Tensor, distinct: DistinctPeople, parts: list[nn.Module]
    ) -> Any:
        """Compute the features of the distinct ones of (P, C, T, V), in their order."""
        in_training = any(layer.training for part in parts for layer in part.modules())
        if in_training or torch.is_grad_enabled() or people.device.type != 'cpu':
            with contextlib.ExitStack() as stack:
                for part in parts:
                    stack.enter_context(counting_frames(part, distinct.counts))
                return self.person_features(laid_out(people[distinct.chosen]))

        known = recall(self, (people.shape[2], people.dtype))
        rows: list[Any] = [None if look is None else known.get(look) for look in distinct.looks]
        new = [i for i, row in enumerate(rows) if row is None]
        if new:
            features = self.person_features(laid_out(people[[distinct.chosen[i] for i in new]]))
        for place, i in enumerate(new):
            rows[i] = each(features, lambda part, place=place: part[place : place + 1])
            look = distinct.looks[i]
            if look is not None and len(known) < MOST_REMEMBERED:
                known[look] = each(rows[i], Tensor.clone)
        return tuple(map(torch.cat, zip(*rows))) if isinstance(rows[0], tuple) else torch.cat(rows)


def recall(network: nn.Module, settings: Signature) -> dict[Look, Any]:
    """Return what is remembered of a network; nothing if it changed since then."""
    signature = (*settings, *signature_of(network))
    if network not in _remembered or _remembered[network][0] != signature:
        _remembered[network] = signature, {}
    return _remembered[network][1]


def signature_of(network: nn.Module) -> Signature:
    """Return what tells whether a network still is what it was: its layers and their tensors.

    Writing through `.data` leaves a tensor's version as it is, hence the norms.
    """
    tensors = [*network.parameters(), *network.buffers()]
    norms = torch._foreach_norm([tensor for tensor in tensors if tensor.is_floating_point()])
    return (
        tuple(map(type, network.modules())),
        tuple(tensor.data_ptr() for tensor in tensors),
        tuple(0 if tensor.is_inference() else tensor._version for tensor in tensors),
        tuple(torch.stack(norms).tolist()),
        torch.is_autocast_enabled('cpu') and torch.get_autocast_dtype('cpu'),
    )


def keeps_people_apart(parts: list[nn.Module], people: Tensor) -> bool:
    """Return whether each person's features depend on that person only.

    BatchNorm in training mixes people, but ExactBatchNorm2d counts them on the CPU. Layers of
    unknown kinds count as mixing.
    """
    can_count = (
        people.device.type == 'cpu'
        and people.dtype in ExactBatchNorm2d.dtypes
        and not torch.is_autocast_enabled('cpu')
    )
    return all(
        _layer_keeps_people_apart(layer, can_count) for part in parts for layer in part.modules()
    )


def _layer_keeps_people_apart(layer: nn.Module, can_count: bool) -> bool:
    if not type(layer).__module__.startswith(KNOWN_LAYERS):
        return False
    if isinstance(layer, _BatchNorm):
        counts = type(layer) is ExactBatchNorm2d and layer.affine and can_count
        return layer.track_running_stats and (counts or not layer.training)
    if not layer.training:
        return True
    return not (isinstance(layer, _InstanceNorm) and layer.track_running_stats) and not (
        isinstance(layer, _DropoutNd) and layer.p > 0
    )


def laid_out(people: Tensor) -> Tensor:
    """Lay (P, C, T, V) out as the layers want it: fast ones on the CPU with channels last."""
    fast = people.device.type == 'cpu' and not torch.is_autocast_enabled('cpu')
    return people.contiguous(memory_format=torch.channels_last if fast else torch.contiguous_format)


def each(features: Any, change: Any) -> Any:
    """Apply a function to features, or to each part of a tuple of them."""
    return tuple(map(change, features)) if isinstance(features, tuple) else change(features)


def gather(part: Tensor, index: Tensor) -> Tensor:
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
