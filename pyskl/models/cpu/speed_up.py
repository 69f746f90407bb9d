"""Make a plain model faster from outside, with the same parameters, buffers and numbers."""

from __future__ import annotations

from typing import TypeVar

import torch
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks.wrappers import Conv3d as MmcvConv3d
from torch import nn

from ..backbones import (
    AAGCN,
    CTRGCN,
    DGSTGCN,
    MSG3D,
    STGCN,
    GraphBackbone,
    ProtoGCN,
    ResNet3d,
)
from ..backbones.protogcn import PrototypeBlock
from ..layers.adaptive_graph_conv import UnitAAGCN
from ..layers.ctr_graph_conv import UnitCTRGCN
from ..layers.dggcn import DGGCN, PrototypeGCN
from ..layers.dgmstcn import DGMSTCN
from ..layers.graph_block import GraphBlock
from ..layers.graph_conv import UnitGCN
from ..layers.ms_graph_conv import MSGCN, MSG3DBlock
from ..layers.residual import BasicBlock3d, Bottleneck3d
from ..layers.temporal import MSTCN, MultiScaleTCN, UnitTCN
from ..recognizers.mm_recognizer3d import MMRecognizer3D
from ..recognizers.recognizer3d import Recognizer3D
from .channels_last import PointwiseConv2d
from .conv3d_as_2d import Conv3dAs2d
from .exact_batch_norm import ExactBatchNorm2d, ExactBatchNorm3d
from .fast_channel_graphs import FastDGGCN, FastPrototypeGCN, FastUnitCTRGCN
from .fast_graph_block import FastGraphBlock, FastPrototypeBlock
from .fast_graph_conv import FastMSG3DBlock, FastMSGCN, FastUnitAAGCN, FastUnitGCN
from .fast_temporal import FastDGMSTCN, FastMSTCN, FastMultiScaleTCN, FastUnitTCN
from .frame_sharing_recognizer import FrameSharingRecognizer3D
from .joined_conv import FastBasicBlock3d, FastBottleneck3d, JoinedConv
from .people_sharing import (
    SharingAAGCN,
    SharingCTRGCN,
    SharingDGSTGCN,
    SharingMSG3D,
    SharingProtoGCN,
    SharingSTGCN,
)
from .pool3d_as_2d import MaxPool3dAs2d
from .sparse_conv import SparseConv3d

AnyModule = TypeVar('AnyModule', bound=nn.Module)
Classes = dict[type[nn.Module], type[nn.Module]]

# Plain classes and their fast subclasses, which add no parameter, buffer or attribute.
STEM: Classes = {nn.Conv3d: SparseConv3d, MmcvConv3d: SparseConv3d}
BLOCKS: Classes = {BasicBlock3d: FastBasicBlock3d, Bottleneck3d: FastBottleneck3d}
IN_BLOCKS: Classes = {ConvModule: JoinedConv}
LAYERS: Classes = {nn.Conv3d: Conv3dAs2d, MmcvConv3d: Conv3dAs2d, nn.BatchNorm3d: ExactBatchNorm3d}
POOLING: Classes = {nn.MaxPool3d: MaxPool3dAs2d}
RECOGNIZERS: Classes = {Recognizer3D: FrameSharingRecognizer3D}
OF_VOLUMES = (Recognizer3D, MMRecognizer3D)
GRAPH_NETWORKS: Classes = {
    STGCN: SharingSTGCN,
    AAGCN: SharingAAGCN,
    CTRGCN: SharingCTRGCN,
    MSG3D: SharingMSG3D,
    DGSTGCN: SharingDGSTGCN,
    ProtoGCN: SharingProtoGCN,
}
GRAPH_LAYERS: Classes = {
    nn.BatchNorm2d: ExactBatchNorm2d,
    nn.Conv2d: PointwiseConv2d,
    GraphBlock: FastGraphBlock,
    PrototypeBlock: FastPrototypeBlock,
    UnitGCN: FastUnitGCN,
    UnitAAGCN: FastUnitAAGCN,
    UnitCTRGCN: FastUnitCTRGCN,
    DGGCN: FastDGGCN,
    PrototypeGCN: FastPrototypeGCN,
    MSGCN: FastMSGCN,
    MSG3DBlock: FastMSG3DBlock,
    UnitTCN: FastUnitTCN,
    MultiScaleTCN: FastMultiScaleTCN,
    DGMSTCN: FastDGMSTCN,
    MSTCN: FastMSTCN,
}
PLAIN: Classes = {
    fast: plain
    for table in (
        STEM,
        BLOCKS,
        IN_BLOCKS,
        LAYERS,
        POOLING,
        RECOGNIZERS,
        GRAPH_NETWORKS,
        GRAPH_LAYERS,
    )
    for plain, fast in table.items()
}


def speed_up(model: AnyModule) -> AnyModule:
    """Swap faster layers into a model, in place.

    Only the class of a module changes, and only if it is exactly one of torch's, mmcv's or ours. So
    state-dict keys, optimisers, hooks, copies and pickles keep working, and a user's own classes
    stay as they are. Hooks, torch.compile and torch.export see plain layers.

    - Frames that clips share pass once in testing, on every device (see `frame_sharing`).
    - So do people with equal key points, such as absent ones (see `people_sharing`).
    - On the CPU layers are swapped; they need channels last in memory.
    - On CUDA only MaxPool3d is swapped, and only if deterministic algorithms are requested: the
      gradient of 3-D pooling is not deterministic there.

    Args:
        model: on its final device; before or after `fuse_conv_bn`.

    Returns:
        The model.
    """
    devices = {parameter.device.type for parameter in model.parameters()}
    on_cpu = devices <= {'cpu'}
    deterministic = 'cuda' in devices and torch.are_deterministic_algorithms_enabled()

    # Layers that are swapped by their place: stems, blocks, and all of graph networks.
    in_graph_networks: set[nn.Module] = set()
    for module in list(model.modules()):
        if on_cpu and isinstance(module, ResNet3d) and type(module.conv1) is ConvModule:
            _swap(module.conv1.conv, STEM)
        if on_cpu and type(module) in BLOCKS:
            for part in module.modules():
                _swap(part, IN_BLOCKS)
            _swap(module, BLOCKS)
        if isinstance(module, GraphBackbone):
            in_graph_networks.update(module.modules())

    # Layers that are swapped wherever they are.
    for module in model.modules():
        if module in in_graph_networks:
            _swap(module, {**GRAPH_NETWORKS, **(GRAPH_LAYERS if on_cpu else {})})
            continue
        if on_cpu:
            _swap(module, LAYERS)
        if on_cpu or deterministic:
            _swap(module, POOLING)
        _swap(module, RECOGNIZERS)
        if isinstance(module, OF_VOLUMES):
            module.channels_last = on_cpu or deterministic
    return model


def undo_speed_up(model: AnyModule) -> AnyModule:
    """Swap the plain layers back into a model, in place, and return the model."""
    convs = {module.conv for module in model.modules() if isinstance(module, ConvModule)}
    for module in model.modules():
        if type(module) in (Conv3dAs2d, SparseConv3d):  # ConvModule holds mmcv's
            module.__class__ = MmcvConv3d if module in convs else nn.Conv3d
        _swap(module, PLAIN)
        if isinstance(module, OF_VOLUMES):
            module.channels_last = False
    return model


def _swap(module: nn.Module, classes: Classes) -> None:
    """Give a module the class that replaces its own one, if there is one."""
    module.__class__ = classes.get(type(module), type(module))
