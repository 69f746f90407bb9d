"""Conv3d computed as a 2-D convolution if its kernel allows it: same numbers, up to 3x as fast.

With channels last in memory, a volume (B, C, T, H, W) can be viewed, without a copy,
- for 1 x k x k kernels as a batch of B * T images of H x W,
- for k x 1 x 1 kernels as a batch of B images of T x (H * W).
oneDNN's 2-D convolutions are far better tuned than its 3-D ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .observers import is_recorded


class Conv3dAs2d(nn.Conv3d):
    """nn.Conv3d that runs 1 x k x k and k x 1 x 1 kernels as 2-D convolutions.

    It does so for channels_last_3d inputs; otherwise it is nn.Conv3d.
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
        """Convolve each frame as an image."""
        frames, lines, columns = self.stride
        stride, step = (lines, columns), (frames, 1, 1)

        # On the CPU the gradient of oneDNN's strided 1x1 convolution with a number of channels that
        # is no multiple of 8 writes outside its memory (torch 2.13). So take the pixels that such a
        # kernel reads first, then convolve without a stride.
        unsafe = (
            x.device.type == 'cpu'
            and self.in_channels % 8
            and self.kernel_size == (1, 1, 1)
            and self.padding == (0, 0, 0)
        )
        if unsafe:
            stride, step = (1, 1), (frames, lines, columns)
        chosen = subsample(x, step) if step == (1, 1, 1) else Subsample.apply(x, step)
        return as_volumes(self._convolve(as_images(chosen), stride), chosen)

    def _convolve(self, images: Tensor, stride: tuple[int, int]) -> Tensor:
        """Convolve (N, C, H, W) with the only frame of the kernel."""
        weight = self.weight[:, :, 0]
        if images.device.type == 'cpu' and self.groups == 1 and self.kernel_size != (1, 1, 1):
            images, weight = _pad_channels(images), _pad_channels(weight)
        return F.conv2d(
            images, weight, self.bias, stride, self.padding[1:], self.dilation[1:], self.groups
        )

    def _over_time(self, x: Tensor) -> Tensor:
        """Convolve each pixel over time: a clip is an image of T x (H * W)."""
        images = x.flatten(3)  # (B, C, T, H * W)
        weight = self.weight[..., 0]  # (D, C, k, 1)
        frames = int(self.padding[0])
        trained_on_cpu = x.device.type == 'cpu' and weight.requires_grad and torch.is_grad_enabled()
        if trained_on_cpu and self.bias is None and self.groups == 1 and self.dilation[0] == 1:
            if torch.is_autocast_enabled('cpu'):
                dtype = torch.get_autocast_dtype('cpu')
                images, weight = images.to(dtype), weight.to(dtype)
            out = TemporalConv.apply(images, weight, frames)
        else:
            padding, dilation = (frames, 0), (self.dilation[0], 1)
            out = F.conv2d(images, weight, self.bias, 1, padding, dilation, self.groups)
        return out.unflatten(3, x.shape[3:]).contiguous(memory_format=torch.channels_last_3d)


class Subsample(torch.autograd.Function):
    """`subsample` with a gradient that has channels last.

    Autograd's gradient would have channels first and slow down the layers before.
    """

    @staticmethod
    def forward(ctx, x: Tensor, step: tuple[int, int, int]) -> Tensor:
        """Take every step-th element."""
        ctx.shape, ctx.step = x.shape, step
        return subsample(x, step)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        """Put zeros around the gradient."""
        return subsample_gradient(grad, ctx.shape, ctx.step), None


def subsample(x: Tensor, step: tuple[int, int, int]) -> Tensor:
    """Take every step-th frame, line and column of (B, C, T, H, W); channels last."""
    chosen = x[:, :, :: step[0], :: step[1], :: step[2]]
    return chosen.contiguous(memory_format=torch.channels_last_3d)


def subsample_gradient(grad: Tensor, shape: torch.Size, step: tuple[int, int, int]) -> Tensor:
    """Compute the gradient of `subsample`: `grad` at the chosen places of zeros of `shape`."""
    if grad.shape == shape:
        return grad
    out = torch.empty(
        shape, dtype=grad.dtype, device=grad.device, memory_format=torch.channels_last_3d
    ).zero_()
    out[:, :, :: step[0], :: step[1], :: step[2]] = grad
    return out


def as_images(x: Tensor) -> Tensor:
    """View (B, C, T, H, W), channels last, as (B * T, C, H, W)."""
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
    return out.contiguous(memory_format=torch.channels_last_3d)  # copies only tiny volumes


def _pad_channels(x: Tensor) -> Tensor:
    """Append zero channels up to a multiple of 8.

    The gradient of oneDNN takes 1.4 times as long for 22 channels as for 24.
    """
    missing = -x.shape[1] % 8
    if not missing:
        return x
    return F.pad(x, (0, 0, 0, 0, 0, missing)).contiguous(memory_format=torch.channels_last)


class TemporalConv(torch.autograd.Function):
    """conv2d with a (k, 1) kernel that computes the gradient of its weight as k matrix products.

    oneDNN's own gradient of such a weight runs at a tenth of the processor's speed.

    Args of `apply`:
        images: (B, C, T, P), channels last.
        weight: (D, C, k, 1).
        padding: frames of zeros at both ends.

    Returns:
        (B, D, T', P).
    """

    @staticmethod
    def forward(ctx, images: Tensor, weight: Tensor, padding: int) -> Tensor:
        """Convolve."""
        ctx.save_for_backward(images, weight)
        ctx.padding = padding
        return F.conv2d(images, weight, None, 1, (padding, 0))

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """Compute the gradients of images and weight."""
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

    For output frame t, tap i of the kernel reads input frame t + i - padding. Frames outside the
    clip are zero and contribute nothing.

    Args:
        images: (B, C, T, P) input, channels last.
        grad: (B, D, T', P) gradient of the output, channels last.
        kernel: number of taps.
        padding: frames of zeros at both ends.

    Returns:
        (D, C, kernel, 1).
    """
    taps = []
    inputs = images.permute(0, 2, 3, 1)  # (B, T, P, C)
    outputs = grad.permute(0, 2, 3, 1)  # (B, T', P, D)
    for i in range(kernel):
        # For output frames first:last this tap reads a frame of the clip.
        shift = i - padding
        first = max(0, -shift)
        last = max(first, min(outputs.shape[1], inputs.shape[1] - shift))
        out_rows = outputs[:, first:last].flatten(1, 2)  # (B, rows, D)
        in_rows = inputs[:, first + shift : last + shift].flatten(1, 2)  # (B, rows, C)
        taps.append(torch.bmm(out_rows.transpose(1, 2), in_rows).sum(0))  # (D, C)
    return torch.stack(taps, 2).unsqueeze(3)
