"""The base of graph networks: normalise key points, then compute each person on its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from ...errors import ConfigError, Faults, did_you_mean
from ...signature import accepted, check_call
from ...skeletons.graph import Graph
from ..layers.graph_block import GraphBlock
from ..layers.temporal import shortcut
from .base import Backbone

DataNorm = Literal['VC', 'MVC'] | None

# The units that a block may have, the default first: {'gcn': {'unit_gcn': UnitGCN}, ...}.
UnitKinds = Mapping[str, Mapping[str, type[nn.Module]]]

# Arguments of a unit that the network sets.
_BUILT_IN = ('in_channels', 'out_channels', 'A', 'stride')


class BlockShape(NamedTuple):
    """The shape of a block.

    Attributes:
        in_channels, out_channels: C and C'.
        stride: in time.
        residual: whether the block has a shortcut.
    """

    in_channels: int
    out_channels: int
    stride: int
    residual: bool

    @property
    def is_left_out(self) -> bool:
        """Whether the network omits it: the first block, if the input is as wide as its output."""
        return not self.residual and self.in_channels == self.out_channels


class GraphBackbone(Backbone):
    """A graph network over key points (N, M, T, V, C).

    A subclass builds its layers in __init__ and defines `person_features`, and `join_people` if it
    computes something from all people together. A subclass whose blocks (`build_blocks`) take
    settings ('gcn_*', 'tcn_*') as **kwargs lists their units in `unit_kinds`.

    Args:
        graph_cfg: the arguments of skeletons.graph.Graph.
        in_channels: C of a key point.
        num_person: M, the people of a clip.
        data_bn_type: 'VC': normalise each channel of each joint, all people together; 'MVC': each
            person separately; None: not at all.

    Attributes:
        unit_kinds: the units that a block may have; empty: the network takes no such settings.
        block_class: the class of a block.
        graph: of the skeleton; `graph.A` is (K, V, V).
        A0: (K, V, V) float32, the initial adjacency matrices.
        num_person: M that data_bn and the pipelines expect.
    """

    in_channels: int
    num_features: int

    unit_kinds: ClassVar[UnitKinds] = {}
    block_class: ClassVar[type[GraphBlock]] = GraphBlock
    gcn: nn.ModuleList

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
        self.data_bn: nn.Module = nn.Identity()
        if data_bn_type is not None:
            people = num_person if data_bn_type == 'MVC' else 1
            self.data_bn = nn.BatchNorm1d(people * in_channels * self.graph.num_joints)

    @classmethod
    def check_settings(cls, arguments: Mapping[str, Any], where: str) -> None:
        """Check the settings that __init__ takes as **kwargs.

        Args:
            arguments: all arguments of the config.
            where: the place in the config, for messages.

        Raises:
            ConfigError: neither __init__ nor a unit takes one of them.
        """
        named = accepted(cls)
        settings = {name: value for name, value in arguments.items() if name not in named}
        num_stages = named['num_stages'].default if 'num_stages' in named else 1
        cls.units(settings, arguments.get('num_stages', num_stages), where)

    @classmethod
    def units(
        cls, settings: Mapping[str, Any], num_blocks: int, where: str | None = None
    ) -> list[dict[str, Callable[..., nn.Module]]]:
        """Return the functions that build the units of each block, see units_of.

        Args:
            settings: 'gcn_*' and 'tcn_*' of the config, see per_block.
            num_blocks: the number of blocks.
            where: the place in the config, for messages.

        Raises:
            ConfigError: an unknown unit, or a setting that it does not take.
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

    def build_blocks(self, shapes: Sequence[BlockShape], settings: Mapping[str, Any]) -> None:
        """Build `gcn`, the blocks of a network, but for those that it omits.

        Args:
            shapes: of each block.
            settings: 'gcn_*' and 'tcn_*' of the config, see per_block.
        """
        self.gcn = nn.ModuleList(
            self.block_class(
                unit['gcn'](shape.in_channels, shape.out_channels, self.A0),
                unit['tcn'](shape.out_channels, shape.out_channels, stride=shape.stride),
                shortcut(*shape[:3]) if shape.residual else None,
            )
            for shape, unit in zip(shapes, self.units(settings, len(shapes)))
            if not shape.is_left_out
        )
        self.num_features = shapes[-1].out_channels

    def forward(self, keypoint: Tensor) -> Any:
        """Compute features.

        Args:
            keypoint: (N, M, T, V, C).

        Returns:
            (N, M, C', T', V), or what `join_people` makes of it.

        Raises:
            ConfigError: the number of joints, channels or people differs from the network's.
        """
        self.check_input(tuple(keypoint.shape[1:]))
        return self.join_people(self.people_features(self.normalise(keypoint)))

    def normalise(self, keypoint: Tensor) -> Tensor:
        """Apply data_bn: (N, M, T, V, C) -> (N, M, C, T, V)."""
        x = keypoint.permute(0, 1, 3, 4, 2)  # (N, M, V, C, T)
        by_person = self.data_bn_type == 'MVC'  # (N, M V C, T), else (N M, V C, T)
        rows = x.flatten(1, 3) if by_person else x.flatten(2, 3).flatten(0, 1)
        return self.data_bn(rows).reshape(x.shape).permute(0, 1, 3, 4, 2)

    def people_features(self, x: Tensor) -> Any:
        """Compute the features of all people.

        Args:
            x: (N, M, C, T, V).

        Returns:
            (N, M, C', T', V), or a tuple of (N, M, ...).
        """
        features = self.person_features(x.flatten(0, 1).contiguous())
        if isinstance(features, tuple):
            return tuple(part.unflatten(0, x.shape[:2]) for part in features)
        return features.unflatten(0, x.shape[:2])

    @abstractmethod
    def person_features(self, x: Tensor) -> Any:
        """Compute the features of P people, each on its own.

        Args:
            x: (P, C, T, V).

        Returns:
            (P, C', T', V), or a tuple of (P, ...).
        """

    def run_blocks(self, x: Tensor) -> Tensor:
        """Apply the blocks `gcn` one after the other: (P, C, T, V) -> (P, C', T', V)."""
        for block in self.gcn:
            x = block(x)
        return x

    def join_people(self, features: Any) -> Any:
        """Turn the output of `people_features` into that of `forward`; here the same."""
        return features

    def pool(self, features: Any) -> Tensor:
        """Average over frames, joints and people.

        Args:
            features: (N, M, C', T', V), or a tuple whose first entry has this shape.

        Returns:
            (N, C').
        """
        features = features[0] if isinstance(features, tuple) else features
        return features.mean((3, 4)).mean(1)

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Check that key points fit the network.

        Args:
            shape: (M, T, V, C) of a view.

        Raises:
            ConfigError: another number of axes, joints, channels or people.
        """
        where = f'model.backbone ({type(self).__name__})'
        if len(shape) != 4:
            raise ConfigError(
                f'{where}: key points of shape {(None, *shape)}; expected (N, M, T, V, C).'
            )
        people, _, joints, channels = shape
        name = self.graph.topology.name
        if joints != self.graph.num_joints:
            raise ConfigError(
                f'{where}: the key points have {joints} joints, but the layout {name!r} of '
                f'graph_cfg has {self.graph.num_joints}. Give the layout of your data: '
                'graph_cfg=dict(layout=...).'
            )
        if channels != self.in_channels:
            raise ConfigError(
                f'{where}: the key points have {channels} channels, but in_channels = '
                f'{self.in_channels}. Set in_channels={channels}, or change the features of the '
                'pipeline (x, y, z; x, y, score; several features joined).'
            )
        if self.data_bn_type == 'MVC' and people != self.num_person:
            raise ConfigError(
                f'{where}: the key points have {people} people, but num_person = '
                f'{self.num_person}. Set num_person={people}, or '
                f'FormatGCNInput(num_person={self.num_person}).'
            )


def per_block(settings: Mapping[str, Any], num_blocks: int) -> list[dict[str, Any]]:
    """Return the settings of each block.

    A tuple with as many values as there are blocks gives each block its own value. The first block
    has no 'tcn_dropout'.
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
    """Return the functions that build the units of a block.

    Args:
        kinds: the units that the block may have.
        settings: of one block. 'gcn_type' chooses a unit, other 'gcn_*' are its arguments.
        where: the place in the config, for messages.

    Returns:
        A function for each part, e.g. {'gcn': partial(UnitGCN, adaptive='init'), ...}.

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
            raise ConfigError(f'{where}: {taken[0]} cannot be set: the network does.')
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

    Raises:
        ValueError: there is no block.
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
