"""Convolution, norm and activation in one module, as mmcv configs describe them."""

from __future__ import annotations

from dataclasses import dataclass

from mmcv.cnn import ConvModule, build_activation_layer
from torch import nn

CONV2D = {'type': 'Conv'}
CONV3D = {'type': 'Conv3d'}
BATCH_NORM2D = {'type': 'BN2d', 'requires_grad': True}
BATCH_NORM3D = {'type': 'BN3d', 'requires_grad': True}
RELU = {'type': 'ReLU', 'inplace': True}

Size = int | tuple[int, ...]  # pixels, or (frames, y, x)


@dataclass(frozen=True)
class ConvLayers:
    """The kinds of layers that a convolutional network is built of.

    Attributes:
        conv_cfg, norm_cfg, act_cfg: mmcv configs of convolution, norm and activation.
    """

    conv_cfg: dict
    norm_cfg: dict
    act_cfg: dict

    def conv(
        self,
        in_channels: int,
        out_channels: int,
        kernel: Size,
        stride: Size = 1,
        groups: int = 1,
        norm: bool = True,
        activate: bool = True,
    ) -> ConvModule:
        """Build a convolution, padded so that stride 1 keeps the size, with norm and activation.

        Args:
            in_channels: C.
            out_channels: C'.
            kernel: size of the kernel, odd.
            stride: of the convolution.
            groups: groups of channels that are convolved separately.
            norm: whether a norm follows.
            activate: whether an activation follows.
        """
        padding = kernel // 2 if isinstance(kernel, int) else tuple(k // 2 for k in kernel)
        return ConvModule(
            in_channels,
            out_channels,
            kernel,
            stride,
            padding,
            groups=groups,
            bias=False,
            conv_cfg=self.conv_cfg,
            norm_cfg=self.norm_cfg if norm else None,
            act_cfg=self.act_cfg if activate else None,
        )

    def activation(self) -> nn.Module:
        """Build an activation."""
        return build_activation_layer(self.act_cfg)


LAYERS3D = ConvLayers(CONV3D, BATCH_NORM3D, RELU)
