"""Conv3d that runs as a 2-D convolution where its kernel allows, which is up to three times as fast and gives the same numbers.

With channels last in memory a volume (B, C, T, H, W) is, without copying, a batch of B*T images of H x W (for kernels 1xkxk)
and a batch of B images of T x HW (for kernels kx1x1). oneDNN's 2-D convolutions are far better tuned than its 3-D ones.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd.function import once_differentiable


class Conv3dAs2d(nn.Conv3d):
    """nn.Conv3d in weights, arguments and answer; the input's memory layout chooses how it is computed.

    A channels_last_3d input and a 1xkxk or kx1x1 kernel: as 2-D. Everything else: as nn.Conv3d does.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        plain = self.padding_mode == 'zeros' and not isinstance(self.padding, str)
        kernel, stride, padding = self.kernel_size, self.stride, self.padding
        self.spatial = plain and kernel[0] == 1 and padding[0] == 0
        self.temporal = plain and not self.spatial and kernel[1:] == (1, 1) and stride == (1, 1, 1) and padding[1:] == (0, 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not (self.spatial or self.temporal) or not x.is_contiguous(memory_format=torch.channels_last_3d):
            return super().forward(x)
        return self._over_frames(x) if self.spatial else self._over_time(x)

    def _over_frames(self, x: torch.Tensor) -> torch.Tensor:
        # On the CPU the gradient of oneDNN's strided 1x1 convolution with fewer than 8 input channels writes outside its memory
        # (torch 2.13). There only the pixels that such a kernel reads are handed on.
        unsafe = x.device.type == 'cpu' and self.in_channels % 8 and self.kernel_size == (1, 1, 1) and self.padding == (0, 0, 0)
        pixels = self.stride[1:] if unsafe else (1, 1)
        step = (self.stride[0], *pixels)
        pick = picked if step == (1, 1, 1) or torch.compiler.is_compiling() else Picked.apply
        chosen = pick(x, step)
        out = self._convolve(frames(chosen), self.stride[1:] if pixels == (1, 1) else (1, 1))
        return volumes(out, chosen)

    def _convolve(self, images: torch.Tensor, stride: tuple[int, int]) -> torch.Tensor:
        weight = self.weight[:, :, 0]
        if images.device.type == 'cpu' and self.groups == 1 and self.kernel_size != (1, 1, 1):
            images, weight = _whole_blocks(images), _whole_blocks(weight)
        return F.conv2d(images, weight, self.bias, stride, self.padding[1:], self.dilation[1:], self.groups)

    def _over_time(self, x: torch.Tensor) -> torch.Tensor:
        images = x.flatten(3)                                                              # (B, C, T, H*W)
        weight = self.weight[..., 0]
        trained_on_cpu = x.device.type == 'cpu' and weight.requires_grad and torch.is_grad_enabled()
        if trained_on_cpu and self.bias is None and self.groups == 1 and self.dilation[0] == 1:
            if torch.is_autocast_enabled('cpu'):
                images, weight = (t.to(torch.get_autocast_dtype('cpu')) for t in (images, weight))
            out = TemporalConv.apply(images, weight, self.padding[0])
        else:
            out = F.conv2d(images, weight, self.bias, 1, (self.padding[0], 0), (self.dilation[0], 1), self.groups)
        return out.unflatten(3, x.shape[3:]).contiguous(memory_format=torch.channels_last_3d)


class Picked(torch.autograd.Function):
    """picked(x, step). Autograd's own gradient would have channels first in memory, and slow down whatever comes next."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, step: tuple[int, int, int]) -> torch.Tensor:
        ctx.shape, ctx.step = x.shape, step
        return picked(x, step)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        return spread(grad, ctx.shape, ctx.step), None


def picked(x: torch.Tensor, step: tuple[int, int, int]) -> torch.Tensor:
    """Every so many-th frame, line and column of (B, C, T, H, W); channels last."""
    return x[:, :, ::step[0], ::step[1], ::step[2]].contiguous(memory_format=torch.channels_last_3d)


def spread(x: torch.Tensor, shape: torch.Size, step: tuple[int, int, int]) -> torch.Tensor:
    """The gradient of picked: zeros of this shape around x."""
    if x.shape == shape:
        return x
    out = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last_3d).zero_()
    out[:, :, ::step[0], ::step[1], ::step[2]] = x
    return out


def frames(x: torch.Tensor) -> torch.Tensor:
    """(B, C, T, H, W) -> (B * T, C, H, W); a view where channels are last in memory."""
    return x.transpose(1, 2).flatten(0, 1)


def volumes(images: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """The way back: (B * T, D, H', W') -> (B, D, T, H', W'), B and T like those of (B, C, T, H, W); channels last."""
    out = images.unflatten(0, (like.shape[0], like.shape[2])).transpose(1, 2)
    return out.contiguous(memory_format=torch.channels_last_3d)             # so it is, but for tiny volumes


def _whole_blocks(x: torch.Tensor) -> torch.Tensor:
    """Add channels of zeros up to a multiple of 8: oneDNN's gradient for 22 joints takes 1.4 times as long as that for 24."""
    missing = -x.shape[1] % 8
    return F.pad(x, (0, 0, 0, 0, 0, missing)).contiguous(memory_format=torch.channels_last) if missing else x


class TemporalConv(torch.autograd.Function):
    """conv2d with a (k, 1) kernel whose weight gradient is k matrix products: oneDNN's own runs at a tenth of the CPU's speed.

    images (B, C, T, P) channels last, weight (D, C, k, 1), padding frames -> (B, D, T', P)
    """

    @staticmethod
    def forward(ctx, images: torch.Tensor, weight: torch.Tensor, padding: int) -> torch.Tensor:
        ctx.save_for_backward(images, weight)
        ctx.padding = padding
        return F.conv2d(images, weight, None, 1, (padding, 0))

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        images, weight = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        grad_images = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_images = torch.ops.aten.convolution_backward(
                grad, images, weight, None, (1, 1), (ctx.padding, 0), (1, 1), False, (0, 0), 1, (True, False, False))[0]
        if ctx.needs_input_grad[1]:
            grad_weight = temporal_weight_gradient(images, grad, weight.shape[2], ctx.padding)
        return grad_images, grad_weight, None


def temporal_weight_gradient(images: torch.Tensor, grad: torch.Tensor, kernel: int, padding: int) -> torch.Tensor:
    """images (B, C, T, P), grad (B, D, T', P), both channels last -> (D, C, kernel, 1).

    Tap i meets frame t' + i - padding of the input with frame t' of the output; frames outside are zero and left out.
    """
    taps = []
    x, g = images.permute(0, 2, 3, 1), grad.permute(0, 2, 3, 1)                            # (B, T, P, C), (B, T', P, D)
    for i in range(kernel):
        first = max(0, padding - i)                                                        # output frames with a partner
        last = max(first, min(g.shape[1], x.shape[1] + padding - i))
        ours, theirs = g[:, first:last].flatten(1, 2), x[:, first + i - padding:last + i - padding].flatten(1, 2)
        taps.append(torch.bmm(ours.transpose(1, 2), theirs).sum(0))                        # (D, C)
    return torch.stack(taps, 2).unsqueeze(3)
