"""Pass people with equal key points through a graph network once.

A clip with fewer people than the network expects is padded with people who are all zeros, and they
stay equal in all clips when they are normalised. Each distinct person passes the network once; the
features of all people are gathered from the results by an index. The results are those of all
people passing.

- In testing BatchNorm is fixed, so this works on every device. It takes one synchronisation with a
  GPU per batch. On the CPU the features of people who do not move are kept until the network
  changes.
- In training BatchNorm must count each distinct person as often as they occur, which
  ExactBatchNorm2d does on the CPU, so that losses, gradients and statistics are the same.

On the CPU people pass with channels last in memory, which the fast layers need.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm

from ..backbones import AAGCN, CTRGCN, DGSTGCN, MSG3D, STGCN, GraphBackbone, ProtoGCN
from .exact_batch_norm import ExactBatchNorm2d, counting_frames, frame_counts
from .observers import has_hooks, is_recorded

KNOWN_LAYERS = ('torch.nn.', 'mmcv.cnn.', 'pyskl.models.')  # the modules that define them
MAX_KEPT = 8  # people; at least the absent ones, of which there may be as many as in a clip

StillPose = tuple[float, ...]  # the only pose of a person who does not move, flattened
Signature = tuple[Any, ...]

# The features of people who do not move, by network.
_kept: WeakKeyDictionary[nn.Module, tuple[Signature, dict[StillPose, Any]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class DistinctPeople:
    """The distinct people of a batch, sorted by how often they occur.

    Attributes:
        chosen: the place of each of them among all people, where they occur first.
        index: the place of each of all people among the distinct ones.
        times: how often each of them occurs.
        poses: the pose of each of them; None: they move.
    """

    chosen: list[int]
    index: list[int]
    times: list[int]
    poses: list[StillPose | None]

    @classmethod
    def of(cls, people: Tensor) -> DistinctPeople | None:
        """Group the people who do not move by their pose.

        Args:
            people: (P, C, T, V).

        Returns:
            None if all people move.
        """
        # One transfer to the host: whether each person is still, and the first pose.
        first = people[:, :, :1]
        still = (people == first).flatten(1).all(1)
        rows = torch.cat([still[:, None].to(people.dtype), first.flatten(1)], 1).tolist()
        if not any(is_still for is_still, *_ in rows):
            return None

        # People who move are groups of their own.
        places: dict[StillPose | int, list[int]] = {}
        for i, (is_still, *pose) in enumerate(rows):
            places.setdefault(tuple(pose) if is_still else i, []).append(i)
        groups = sorted(places.items(), key=lambda item: len(item[1]))
        index = [0] * len(people)
        for new, (_, group) in enumerate(groups):
            for old in group:
                index[old] = new
        return cls(
            [group[0] for _, group in groups],
            index,
            [len(group) for _, group in groups],
            [key if isinstance(key, tuple) else None for key, _ in groups],
        )


class PeopleSharing(GraphBackbone):
    """A graph network that computes no person twice.

    Attributes:
        joining: names of the children that see all people together.
    """

    joining: ClassVar[tuple[str, ...]] = ('data_bn',)

    def forward(self, keypoint: Tensor) -> Any:
        """Map key points (N, M, T, V, C) to features.

        If the key points need a gradient, all people pass.
        """
        if not keypoint.requires_grad:
            return super().forward(keypoint)
        self.check_input(tuple(keypoint.shape[1:]))
        return self.join_people(super().people_features(self.normalise(keypoint)))

    def people_features(self, x: Tensor) -> Any:
        """Compute the features of all people, see GraphBackbone.people_features."""
        parts = [child for name, child in self.named_children() if name not in self.joining]
        if is_recorded() or 'person_features' in vars(self) or any(map(has_hooks, parts)):
            return super().people_features(x)
        people = x.flatten(0, 1)
        distinct = DistinctPeople.of(people) if keeps_people_apart(parts, people) else None
        if distinct is None:
            features = self.person_features(lay_out(people))
        else:
            index = torch.tensor(distinct.index, device=x.device)
            features = self.distinct_features(people, distinct, parts)
            features = map_parts(features, lambda part: gather(part, index))
        return map_parts(features, lambda part: part.unflatten(0, x.shape[:2]))

    def distinct_features(
        self, people: Tensor, distinct: DistinctPeople, parts: list[nn.Module]
    ) -> Any:
        """Compute the features of distinct people, in their order.

        Args:
            people: (P, C, T, V), all of them.
            distinct: the distinct ones among them.
            parts: the children of the network that see each person on its own.
        """
        in_training = any(layer.training for part in parts for layer in part.modules())
        if in_training or torch.is_grad_enabled() or people.device.type != 'cpu':
            counts = frame_counts(distinct.times)
            with contextlib.ExitStack() as stack:
                for part in parts:
                    stack.enter_context(counting_frames(part, counts))
                return self.person_features(lay_out(people[distinct.chosen]))

        # Take the features that are kept, and compute those of the others.
        kept = kept_features(self, (people.shape[2], people.dtype))
        rows: list[Any] = [None if pose is None else kept.get(pose) for pose in distinct.poses]
        new = [i for i, row in enumerate(rows) if row is None]
        if new:
            features = self.person_features(lay_out(people[[distinct.chosen[i] for i in new]]))

        # Keep those of people who do not move.
        for place, i in enumerate(new):
            rows[i] = map_parts(features, partial(torch.narrow, dim=0, start=place, length=1))
            pose = distinct.poses[i]
            if pose is not None and len(kept) < MAX_KEPT:
                kept[pose] = map_parts(rows[i], Tensor.clone)
        return tuple(map(torch.cat, zip(*rows))) if isinstance(rows[0], tuple) else torch.cat(rows)


def kept_features(network: nn.Module, settings: Signature) -> dict[StillPose, Any]:
    """Return the features kept for a network by pose; none if it has changed since.

    Args:
        network: the network.
        settings: whatever else the features depend on.
    """
    signature = (*settings, *signature_of(network))
    if network not in _kept or _kept[network][0] != signature:
        _kept[network] = signature, {}
    return _kept[network][1]


def signature_of(network: nn.Module) -> Signature:
    """Return a value that changes when the layers or tensors of a network change.

    Writing through `.data` does not change the version of a tensor, hence the norms.
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
    """Return whether the features of each person depend on that person only.

    BatchNorm in training mixes people, except for ExactBatchNorm2d on the CPU, which counts them.
    Layers of unknown classes count as mixing.
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


def lay_out(people: Tensor) -> Tensor:
    """Return (P, C, T, V) in the memory layout of the layers: channels last for fast ones."""
    fast = people.device.type == 'cpu' and not torch.is_autocast_enabled('cpu')
    return people.contiguous(memory_format=torch.channels_last if fast else torch.contiguous_format)


def map_parts(features: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """Apply a function to features, or to each part of a tuple of them."""
    return tuple(map(function, features)) if isinstance(features, tuple) else function(features)


def gather(part: Tensor, index: Tensor) -> Tensor:
    """Select along the first axis, and keep channels last in memory."""
    if part.is_contiguous(memory_format=torch.channels_last):
        return part.permute(0, 2, 3, 1).index_select(0, index).permute(0, 3, 1, 2)
    return part.index_select(0, index)


class SharingSTGCN(PeopleSharing, STGCN):
    """STGCN that computes no person twice."""


class SharingAAGCN(PeopleSharing, AAGCN):
    """AAGCN that computes no person twice."""


class SharingCTRGCN(PeopleSharing, CTRGCN):
    """CTRGCN that computes no person twice."""


class SharingMSG3D(PeopleSharing, MSG3D):
    """MSG3D that computes no person twice."""


class SharingDGSTGCN(PeopleSharing, DGSTGCN):
    """DGSTGCN that computes no person twice."""


class SharingProtoGCN(PeopleSharing, ProtoGCN):
    """ProtoGCN that computes no person twice."""

    joining = ('data_bn', 'prn', 'post', 'bn', 'relu')
