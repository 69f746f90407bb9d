"""Conv3d computed as a 2-D convolution where its kernel allows: same numbers, up to 3x as fast.

With channels last in memory a volume (B, C, T, H, W) is, without copying,
- for 1 x k x k kernels a batch of B * T images of H x W,
- for k x 1 x 1 kernels a batch of B images of T x (H * W).
oneDNN's 2-D convolutions are far better tuned than its 3-D ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .observers import is_recorded


class Conv3dAs2d(nn.Conv3d):
    """nn.Conv3d in weights, arguments and output.

    It runs as a 2-D convolution for channels_last_3d inputs and 1 x k x k or k x 1 x 1 kernels,
    else as nn.Conv3d does.
    """

    @property
    def spatial(self) -> bool:
        """Whether each output frame depends on one input frame only."""
        return self._is_simple and self.kernel_size[0] == 1 and self.padding[0] == 0

    @property
    def temporal(self) -> bool:
        """Whether each output pixel depends on the same pixel of several frames only."""
        pixels_apart = (
            self._is_simple and self.kernel_size[1:] == (1, 1) and self.padding[1:] == (0, 0)
        )
        return pixels_apart and self.stride == (1, 1, 1) and not self.spatial

    @property
    def _is_simple(self) -> bool:
        return self.padding_mode == 'zeros' and not isinstance(self.padding, str)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, D, T', H', W')."""
        if is_recorded() or not x.is_contiguous(memory_format=torch.channels_last_3d):
            return super().forward(x)
        if self.spatial:
            return self._over_frames(x)
        return self._over_time(x) if self.temporal else super().forward(x)

    def _over_frames(self, x: Tensor) -> Tensor:
        # On the CPU the gradient of oneDNN's strided 1x1 convolution with fewer than 8 input
        # channels writes outside its memory (torch 2.13). There the pixels that such a kernel reads
        # are picked first, and the convolution has no stride.
        unsafe = (
            x.device.type == 'cpu'
            and self.in_channels % 8
            and self.kernel_size == (1, 1, 1)
            and self.padding == (0, 0, 0)
        )
        pixels = self.stride[1:] if unsafe else (1, 1)
        step = (self.stride[0], *pixels)
        chosen = subsample(x, step) if step == (1, 1, 1) else Subsample.apply(x, step)
        out = self._convolve(as_images(chosen), (1, 1) if unsafe else self.stride[1:])
        return as_volumes(out, chosen)

    def _convolve(self, images: Tensor, stride: tuple[int, int]) -> Tensor:
        """Convolve (N, C, H, W) by the kernel's only frame."""
        weight = self.weight[:, :, 0]
        if images.device.type == 'cpu' and self.groups == 1 and self.kernel_size != (1, 1, 1):
            images, weight = _pad_channels(images), _pad_channels(weight)
        return F.conv2d(
            images, weight, self.bias, stride, self.padding[1:], self.dilation[1:], self.groups
        )

    def _over_time(self, x: Tensor) -> Tensor:
        images = x.flatten(3)  # (B, C, T, H * W)
        weight = self.weight[..., 0]  # (D, C, k, 1)
        trained_on_cpu = x.device.type == 'cpu' and weight.requires_grad and torch.is_grad_enabled()
        if trained_on_cpu and self.bias is None and self.groups == 1 and self.dilation[0] == 1:
            if torch.is_autocast_enabled('cpu'):
                dtype = torch.get_autocast_dtype('cpu')
                images, weight = images.to(dtype), weight.to(dtype)
            out = TemporalConv.apply(images, weight, self.padding[0])
        else:
            padding, dilation = (self.padding[0], 0), (self.dilation[0], 1)
            out = F.conv2d(images, weight, self.bias, 1, padding, dilation, self.groups)
        return out.unflatten(3, x.shape[3:]).contiguous(memory_format=torch.channels_last_3d)


class Subsample(torch.autograd.Function):
    """`subsample` whose gradient has channels last.

    Autograd's own would not, and would slow down what comes next.
    """

    @staticmethod
    def forward(ctx, x: Tensor, step: tuple[int, int, int]) -> Tensor:
        ctx.shape, ctx.step = x.shape, step
        return subsample(x, step)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        return subsample_gradient(grad, ctx.shape, ctx.step), None


def subsample(x: Tensor, step: tuple[int, int, int]) -> Tensor:
    """Take every step-th frame, line and column of (B, C, T, H, W); channels last."""
    chosen = x[:, :, :: step[0], :: step[1], :: step[2]]
    return chosen.contiguous(memory_format=torch.channels_last_3d)


def subsample_gradient(grad: Tensor, shape: torch.Size, step: tuple[int, int, int]) -> Tensor:
    """Compute the gradient of `subsample`: zeros of (B, C, T, H, W) = shape around the chosen."""
    if grad.shape == shape:
        return grad
    out = torch.empty(
        shape, dtype=grad.dtype, device=grad.device, memory_format=torch.channels_last_3d
    ).zero_()
    out[:, :, :: step[0], :: step[1], :: step[2]] = grad
    return out


def as_images(x: Tensor) -> Tensor:
    """View (B, C, T, H, W) as (B * T, C, H, W); no copy where channels are last in memory."""
    return x.transpose(1, 2).flatten(0, 1)


def as_volumes(images: Tensor, like: Tensor) -> Tensor:
    """Undo `as_images`.

    Args:
        images: (B * T, D, H', W').
        like: (B, C, T, H, W), a volume with the wanted B and T.

    Returns:
        (B, D, T, H', W'), channels last.
    """
    out = images.unflatten(0, (like.shape[0], like.shape[2])).transpose(1, 2)
    return out.contiguous(memory_format=torch.channels_last_3d)  # copies tiny volumes only


def _pad_channels(x: Tensor) -> Tensor:
    """Add zero channels up to a multiple of 8.

    oneDNN's gradient takes 1.4 times as long for 22 channels as for 24.
    """
    missing = -x.shape[1] % 8
    if not missing:
        return x
    return F.pad(x, (0, 0, 0, 0, 0, missing)).contiguous(memory_format=torch.channels_last)


class TemporalConv(torch.autograd.Function):
    """conv2d by a (k, 1) kernel, whose weight gradient is k matrix products.

    oneDNN's own weight gradient runs at a tenth of the processor's speed.

    Args of `apply`:
        images: (B, C, T, P), channels last.
        weight: (D, C, k, 1).
        padding: frames of zeros at either end.

    Returns:
        (B, D, T', P).
    """

    @staticmethod
    def forward(ctx, images: Tensor, weight: Tensor, padding: int) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.padding = padding
        return F.conv2d(images, weight, None, 1, (padding, 0))

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        images, weight = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last)
        grad_images = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_images = torch.ops.aten.convolution_backward(
                grad,
                images,
                weight,
                None,
                (1, 1),
                (ctx.padding, 0),
                (1, 1),
                False,
                (0, 0),
                1,
                (True, False, False),
            )[0]
        if ctx.needs_input_grad[1]:
            grad_weight = temporal_weight_gradient(images, grad, weight.shape[2], ctx.padding)
        return grad_images, grad_weight, None


def temporal_weight_gradient(images: Tensor, grad: Tensor, kernel: int, padding: int) -> Tensor:
    """Compute the gradient of TemporalConv's weight.

    Tap i of the kernel meets input frame t + i - padding where output frame t is computed; frames
    outside the clip are zero and left out.

    Args:
        images: (B, C, T, P) input, channels last.
        grad: (B, D, T', P) gradient of the output, channels last.
        kernel: taps.
        padding: frames.

    Returns:
        (D, C, kernel, 1).
    """
    taps = []
    inputs, outputs = (
        images.permute(0, 2, 3, 1),
        grad.permute(0, 2, 3, 1),
    )  # (B, T, P, C), (B, T', P, D)
    for i in range(kernel):
        # Output frames first:last have an input frame that this tap meets.
        shift = i - padding
        first = max(0, -shift)
        last = max(first, min(outputs.shape[1], inputs.shape[1] - shift))
        out_rows = outputs[:, first:last].flatten(1, 2)  # (B, rows, D)
        in_rows = inputs[:, first + shift : last + shift].flatten(1, 2)  # (B, rows, C)
        taps.append(torch.bmm(out_rows.transpose(1, 2), in_rows).sum(0))  # (D, C)
    return torch.stack(taps, 2).unsqueeze(3)
