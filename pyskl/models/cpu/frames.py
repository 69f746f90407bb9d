"""Does a part of a network look at each frame alone? Then a frame that several clips share passes it only once."""
from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from .exact_batch_norm import ExactBatchNorm3d

ELEMENTWISE = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Hardswish, nn.Identity)


def keeps_frames_apart(module: nn.Module, counting: bool = False) -> bool:
    """True when every frame of the output depends on the same frame of the input alone, as far as the known layers tell.

    BatchNorm mixes frames while it is training, but for `counting`, where it is told how often each frame occurs; a layer of an
    unknown kind counts as mixing.
    """
    return all(_layer_keeps_apart(layer, counting) for layer in module.modules() if not any(layer.children()))


def _layer_keeps_apart(layer: nn.Module, counting: bool) -> bool:
    if isinstance(layer, nn.Conv3d):
        return _one_frame(layer.kernel_size) and _one_frame(layer.stride) and layer.padding[0] == 0
    if isinstance(layer, (nn.MaxPool3d, nn.AvgPool3d)):
        return _one_frame(layer.kernel_size) and _one_frame(layer.stride)
    if isinstance(layer, _BatchNorm):
        return layer.track_running_stats and (not layer.training or counting and isinstance(layer, ExactBatchNorm3d))
    return isinstance(layer, ELEMENTWISE)


def _one_frame(size: int | tuple[int, ...]) -> bool:
    return (size if isinstance(size, int) else size[0]) == 1
