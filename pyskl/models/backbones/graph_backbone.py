"""What all graph networks share: key points are normalised, then each person passes the network alone."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from ...errors import ConfigError, Faults, did_you_mean
from ...signature import accepted, check_call
from ...skeletons.graph import Graph
from ..pretrained import load_backbone
from .base import Backbone

DataNorm = Literal['VC', 'MVC'] | None

# The units that a block may have, the default first: {'gcn': {'unit_gcn': UnitGCN}, ...}.
UnitKinds = Mapping[str, Mapping[str, type[nn.Module]]]

# The arguments of a unit that the network gives.
_BUILT_IN = ('in_channels', 'out_channels', 'A', 'stride')


class BlockShape(NamedTuple):
    """What a block makes of its input.

    Attributes:
        in_channels, out_channels: C and C'.
        stride: in time.
        residual: whether x is added to what the block computes.
    """

    in_channels: int
    out_channels: int
    stride: int
    residual: bool

    @property
    def is_left_out(self) -> bool:
        """Whether the network does without it: the first, if the input is as wide already."""
        return not self.residual and self.in_channels == self.out_channels


class GraphBackbone(Backbone):
    """A graph network over key points (N, M, T, V, C).

    A subclass builds its layers in __init__ and defines `person_features`. What it makes of all people
    together, if anything, it adds in `join_people`.

    A subclass whose blocks take settings ('gcn_*', 'tcn_*') as **kwargs lists their units in
    `unit_kinds`.

    Attributes:
        unit_kinds: the units that a block may have; empty: the network takes no such settings.
        graph: the skeleton's graph; `graph.A` is (K, V, V).
        A0: (K, V, V) float32, the adjacency matrices to start from.
        num_person: M that data_bn and the pipelines expect.

    Args:
        graph_cfg: the arguments of skeletons.graph.Graph.
        in_channels: C of a key point.
        num_person: M, the people of a clip.
        data_bn_type: 'VC': normalise each channel of each joint, over people too; 'MVC': of each
            person apart; None: not at all.
    """

    unit_kinds: ClassVar[UnitKinds] = {}

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        in_channels: int,
        num_person: int,
        data_bn_type: DataNorm,
    ):
        super().__init__()
        check_call(Graph, graph_cfg, 'model.backbone.graph_cfg')
        self.graph = Graph(**graph_cfg)
        self.A0 = torch.tensor(self.graph.A, dtype=torch.float32)
        self.in_channels, self.num_person, self.data_bn_type = in_channels, num_person, data_bn_type
        channels = {'VC': 1, 'MVC': num_person}.get(data_bn_type)
        self.data_bn = (
            nn.Identity()
            if channels is None
            else nn.BatchNorm1d(channels * in_channels * self.graph.num_joints)
        )

    @classmethod
    def check_settings(cls, arguments: Mapping[str, Any], where: str) -> None:
        """Raise ConfigError for what neither __init__ nor a unit takes; see check_call."""
        own = accepted(cls)
        settings = {name: value for name, value in arguments.items() if name not in own}
        num_stages = own['num_stages'].default if 'num_stages' in own else 1
        cls.units(settings, arguments.get('num_stages', num_stages), where)

    @classmethod
    def units(
        cls, settings: Mapping[str, Any], num_blocks: int, where: str | None = None
    ) -> list[dict[str, Callable[..., nn.Module]]]:
        """Return what builds the units of each block, see units_of.

        Args:
            settings: 'gcn_*' and 'tcn_*' as the config gives them, see per_block.
            num_blocks: the number of blocks.
            where: the place as the user knows it.
        """
        where = where or f'model.backbone ({cls.__name__})'
        prefixes = tuple(f'{part}_' for part in cls.unit_kinds)
        known = [*accepted(cls), *(f'{prefix}*' for prefix in prefixes)]
        faults = Faults()
        for name in settings:
            if not (isinstance(name, str) and name.startswith(prefixes)):
                faults.add(
                    f'{where}: unknown argument {name!r}.{did_you_mean(name, known)} '
                    f'Known: {", ".join(known)}.'
                )
        faults.raise_any(where)
        return [units_of(cls.unit_kinds, block, where) for block in per_block(settings, num_blocks)]

    def load_pretrained(self, path: str | os.PathLike | None) -> None:
        """Fill the backbone from a checkpoint file; None leaves it as it is. Call it last in __init__."""
        if path is not None:
            load_backbone(self, path)

    def forward(self, keypoint: Tensor) -> Any:
        """Compute features.

        Args:
            keypoint: (N, M, T, V, C).

        Returns:
            (N, M, C', T', V), or what `join_people` makes of it.

        Raises:
            ConfigError: other joints, channels or people than the network is built for.
        """
        self.check_input(tuple(keypoint.shape[1:]))
        return self.join_people(self.people_features(self.normalise(keypoint)))

    def normalise(self, keypoint: Tensor) -> Tensor:
        """Apply data_bn: (N, M, T, V, C) -> (N, M, C, T, V)."""
        people = keypoint.shape[1]
        if self.data_bn_type == 'MVC':
            x = keypoint.permute(0, 1, 3, 4, 2).flatten(1, 3)  # (N, M V C, T)
        else:
            x = keypoint.permute(0, 1, 3, 4, 2).flatten(2, 3).flatten(0, 1)  # (N M, V C, T)
        x = self.data_bn(x)
        return x.reshape(-1, people, self.graph.num_joints, self.in_channels, x.shape[-1]).permute(
            0, 1, 3, 4, 2
        )

    def people_features(self, x: Tensor) -> Any:
        """Pass all people through the network: (N, M, C, T, V) -> (N, M, C', T', V), or a tuple of such."""
        features = self.person_features(x.flatten(0, 1).contiguous())
        if isinstance(features, tuple):
            return tuple(part.unflatten(0, x.shape[:2]) for part in features)
        return features.unflatten(0, x.shape[:2])

    @abstractmethod
    def person_features(self, x: Tensor) -> Any:
        """Compute the features of single people: (P, C, T, V) -> (P, C', T', V), or a tuple of (P, ...)."""

    def join_people(self, features: Any) -> Any:
        """Return what `forward` gives, from what `people_features` gives; here the same."""
        return features

    def pool(self, features: Any) -> Tensor:
        """Average (N, M, C', T', V), of a tuple the first, over frames, joints and people: (N, C')."""
        features = features[0] if isinstance(features, tuple) else features
        return features.mean((3, 4)).mean(1)

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise ConfigError unless key points of shape (M, T, V, C) fit the network."""
        where = f'model.backbone ({type(self).__name__})'
        if len(shape) != 4:
            raise ConfigError(
                f'{where}: key points of shape {(None, *shape)}; expected (N, M, T, V, C).'
            )
        people, _, joints, channels = shape
        name = self.graph.topology.name
        if joints != self.graph.num_joints:
            raise ConfigError(
                f'{where}: the key points have {joints} joints, but the layout {name!r} of graph_cfg has '
                f'{self.graph.num_joints}. Give the layout of your data: graph_cfg=dict(layout=...).'
            )
        if channels != self.in_channels:
            raise ConfigError(
                f'{where}: the key points have {channels} channels, but in_channels = {self.in_channels}. '
                f'Set in_channels={channels}, or change what the pipeline makes '
                '(x, y, z; x, y, score; several features joined).'
            )
        if self.data_bn_type == 'MVC' and people != self.num_person:
            raise ConfigError(
                f'{where}: the key points have {people} people, but num_person = {self.num_person}. '
                f'Set num_person={people}, or FormatGCNInput(num_person={self.num_person}).'
            )


def per_block(settings: Mapping[str, Any], num_blocks: int) -> list[dict[str, Any]]:
    """Return the settings of each block: a tuple as long as the blocks gives one value to each.

    'tcn_dropout' is left out in the first block.
    """
    blocks = [
        {
            name: value[i] if isinstance(value, tuple) and len(value) == num_blocks else value
            for name, value in settings.items()
        }
        for i in range(num_blocks)
    ]
    if blocks:
        blocks[0].pop('tcn_dropout', None)
    return blocks


def units_of(
    kinds: UnitKinds, settings: Mapping[str, Any], where: str
) -> dict[str, Callable[..., nn.Module]]:
    """Return what builds the units of a block: {'gcn': partial(UnitGCN, adaptive='init'), ...}.

    Args:
        kinds: the units that the block may have.
        settings: of one block. 'gcn_type' chooses a unit, other 'gcn_*' are its arguments.
        where: the place as the user knows it.

    Raises:
        ConfigError: an unknown unit, or a setting that it does not take.
    """
    units: dict[str, Callable[..., nn.Module]] = {}
    for part, classes in kinds.items():
        kind = settings.get(f'{part}_type', next(iter(classes)))
        if not isinstance(kind, str) or kind not in classes:
            raise ConfigError(
                f'{where}.{part}_type = {kind!r} is unknown.{did_you_mean(kind, classes)} '
                f'Known: {", ".join(classes)}.'
            )
        prefix = f'{part}_'
        arguments = {
            name.removeprefix(prefix): value
            for name, value in settings.items()
            if name.startswith(prefix) and name != f'{part}_type'
        }
        taken = [prefix + name for name in arguments if name in _BUILT_IN]
        if taken:
            raise ConfigError(f'{where}: {taken[0]} is not for a config: the network gives it.')
        check_call(classes[kind], arguments, where, _BUILT_IN, prefix)
        units[part] = partial(classes[kind], **arguments)
    return units


def block_shapes(
    in_channels: int,
    base_channels: int,
    num_stages: int,
    inflate_stages: Sequence[int],
    down_stages: Sequence[int],
    ratio: float = 2,
) -> list[BlockShape]:
    """Return the shape of each block.

    Args:
        in_channels: C of the input.
        base_channels: C' of the first block.
        num_stages: the number of blocks.
        inflate_stages: blocks, counted from 1, that multiply the channels by `ratio`.
        down_stages: blocks, counted from 1, that halve the frames.
        ratio: see inflate_stages.
    """
    if num_stages < 1:
        raise ValueError(f'num_stages = {num_stages}: expected 1 or more.')
    shapes = [BlockShape(in_channels, base_channels, 1, False)]
    channels, inflated = base_channels, 0
    for stage in range(2, num_stages + 1):
        inflated += stage in inflate_stages
        wider = int(base_channels * ratio**inflated + 1e-4)
        shapes.append(BlockShape(channels, wider, 2 if stage in down_stages else 1, True))
        channels = wider
    return shapes
