"""Convolution of images that are nearly all zero, such as heatmaps, which skips the zeros.

A strip is STRIP neighbouring outputs of one line. Each nonzero cell within reach of a strip adds
its value times one row of a table made from the weights. So a strip is a weighted sum of rows,
which `embedding_bag` computes, and the gradient of the weights is such a sum, too. In heatmaps of
22 joints at 56x56 fewer than one cell in 150 is nonzero, and the 7x7 stem takes an eighth of the
time of the dense convolution.

Shapes: images (N, C, H, W), weight (D, C, kh, kw), output (N, D, lines, columns).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .conv3d_as_2d import Conv3dAs2d

STRIP = 8  # outputs; with fewer there are more sums, with more the sums have more zeros
MAX_DENSITY = 0.03  # share of nonzero cells up to which this saves time


class SparseConv3d(Conv3dAs2d):
    """Conv3dAs2d for the first layer of a network.

    On the CPU, in float32, it skips the zeros of inputs that are mostly zero and need no gradient.
    """

    def _convolve(self, images: Tensor, stride: tuple[int, int]) -> Tensor:
        if not self._skips_zeros(images):
            return super()._convolve(images, stride)
        out = StripConv.apply(images, self.weight[:, :, 0], stride, self.padding[1:])
        return out if self.bias is None else out + self.bias[:, None, None]

    def _skips_zeros(self, images: Tensor) -> bool:
        """Return whether StripConv computes this layer for the images, and saves time."""
        known_layer = (
            self.groups == 1 and self.dilation == (1, 1, 1) and self.kernel_size != (1, 1, 1)
        )
        known_input = (
            images.device.type == 'cpu' and images.dtype == torch.float32 == self.weight.dtype
        )
        needs_more = images.requires_grad or torch.is_autocast_enabled('cpu')
        if not (known_layer and known_input) or needs_more or images.numel() == 0:
            return False
        return int(torch.count_nonzero(images)) <= MAX_DENSITY * images.numel()


class StripConv(torch.autograd.Function):
    """conv2d of images that are mostly zero, with a gradient for the weight only.

    Args of `apply`:
        images: (N, C, H, W), channels last.
        weight: (D, C, kh, kw).
        stride, padding: (lines, columns).

    Returns:
        (N, D, lines, columns), channels last.
    """

    @staticmethod
    def forward(
        ctx, images: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
    ) -> Tensor:
        """Convolve."""
        grid = Grid.of(images.shape, weight.shape, stride, padding)
        rows, values, offsets = find_terms(images, grid)
        ctx.save_for_backward(rows, values, offsets)
        ctx.grid, ctx.weight_shape = grid, weight.shape
        out = weighted_sums(rows, table_of(weight, grid), offsets, values)
        strips = out.view(grid.num_images, grid.lines, -1, weight.shape[0])
        return strips[:, :, : grid.columns].permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradient of the weight."""
        if not ctx.needs_input_grad[1]:
            return None, None, None, None
        rows, values, offsets = ctx.saved_tensors
        grid, depth = ctx.grid, ctx.weight_shape[0]

        # The gradient of every strip; the last one of a line is padded with zeros.
        missing = grid.strips * STRIP - grid.columns
        lines = grad.permute(0, 2, 3, 1)  # (N, lines, columns, D)
        strips = (F.pad(lines, (0, 0, 0, missing)) if missing else lines).reshape(-1, STRIP * depth)

        # The same terms as in `forward`, sorted by row of the table instead of by strip.
        strip = torch.repeat_interleave(offsets.diff())
        lengths = torch.bincount(rows, minlength=grid.num_rows)
        order = torch.argsort(rows, stable=True)
        table = weighted_sums(strip[order], strips, _starts(lengths), values[order])
        return None, weight_of(table, ctx.weight_shape, grid), None, None


@dataclass(frozen=True)
class Grid:
    """The sizes of a convolution's input, kernel and output, whose lines are cut into strips.

    Attributes:
        num_images, channels, height, width: of the input.
        kernel, stride, padding: (lines, columns).
        lines, columns: of the output.
    """

    num_images: int
    channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    lines: int
    columns: int

    @classmethod
    def of(
        cls,
        images: torch.Size,
        weight: torch.Size,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Grid:
        """Compute the sizes.

        Args:
            images: (N, C, H, W).
            weight: (D, C, kh, kw).
            stride: (lines, columns).
            padding: (lines, columns).
        """
        num_images, channels, height, width = images
        kernel = (weight[2], weight[3])
        lines, columns = (
            (images[i + 2] + 2 * padding[i] - kernel[i]) // stride[i] + 1 for i in (0, 1)
        )
        return cls(num_images, channels, height, width, kernel, stride, padding, lines, columns)

    @property
    def strips(self) -> int:
        """Strips per line."""
        return -(-self.columns // STRIP)

    @property
    def reach(self) -> int:
        """Input columns that a strip sees."""
        return (STRIP - 1) * self.stride[1] + self.kernel[1]

    @property
    def num_rows(self) -> int:
        """Rows of the table: one for each channel, line of the kernel and column within reach."""
        return self.channels * self.kernel[0] * self.reach


def find_terms(images: Tensor, grid: Grid) -> tuple[Tensor, Tensor, Tensor]:
    """Find the terms of every strip (N, lines, strips), in the order y, x, channel of the cells.

    Args:
        images: (N, C, H, W), channels last.
        grid: sizes of the convolution.

    Returns:
        rows: (terms,) row of the table of each term.
        values: (terms,) value of the cell of each term.
        offsets: (strips + 1,) where the terms of each strip begin, and where the last ones end.
    """
    rows, values, pointer = cells_by_strips(images, grid)

    # A strip of output line i sees the `kernel` input lines from i * stride - padding on. Their
    # cells are one run, from `begin` to `end`.
    top = torch.arange(grid.lines) * grid.stride[0] - grid.padding[0]
    column = torch.arange(grid.strips) * (grid.num_images * grid.height)
    line = (torch.arange(grid.num_images) * grid.height)[:, None, None] + column  # (N, 1, strips)
    begin, end = (
        pointer[line + edge.clamp(0, grid.height)[:, None]].flatten()
        for edge in (top, top + grid.kernel[0])
    )
    offsets = _starts(end - begin)

    # For every term of a run: the distance from the term's index to that of its cell, and the
    # distance by which `top` shifts the row.
    shift = (top * grid.reach)[:, None].expand(grid.num_images, -1, grid.strips).flatten()
    of_runs = torch.stack([begin - offsets[:-1], shift])
    distance, shift = torch.repeat_interleave(of_runs, end - begin, dim=1)
    cell = torch.arange(len(distance)) + distance
    return rows[cell] - shift, values[cell], offsets


def cells_by_strips(images: Tensor, grid: Grid) -> tuple[Tensor, Tensor, Tensor]:
    """List each nonzero cell once for every column of strips that sees it.

    Args:
        images: (N, C, H, W), channels last.
        grid: sizes of the convolution.

    Returns:
        Of each cell, sorted by column of strips, then in reading order, the row of the table that
        it would have if the first line of the kernel were at input line 0, and its value. Then
        where the cells of each (column of strips, image, line) begin.
    """
    # The nonzero cells, and the columns of strips that see them.
    flat = images.permute(0, 2, 3, 1).reshape(-1)
    cells = flat.nonzero().view(-1)
    pixels = cells // grid.channels
    begin = torch.arange(grid.strips)[:, None] * (STRIP * grid.stride[1]) - grid.padding[1]
    within = pixels % grid.width - begin  # (strips, cells)
    column, seen = ((within >= 0) & (within < grid.reach)).nonzero().unbind(1)

    # Their rows of the table. The lines of all images are numbered in sequence.
    line, channel = (pixels // grid.width)[seen], (cells % grid.channels)[seen]
    kernel_line = channel * grid.kernel[0] + line % grid.height
    rows = kernel_line * grid.reach + within[column, seen]

    num_lines = grid.num_images * grid.height
    lengths = torch.bincount(column * num_lines + line, minlength=grid.strips * num_lines)
    return rows, flat[cells][seen], _starts(lengths)


def table_of(weight: Tensor, grid: Grid) -> Tensor:
    """Build the table: each row is what a cell of value 1 adds to the outputs of a strip.

    Args:
        weight: (D, C, kh, kw).
        grid: sizes of the convolution.

    Returns:
        (num_rows, STRIP * D).
    """
    depth, width, step = weight.shape[0], grid.kernel[1], grid.stride[1]
    table = weight.new_zeros(grid.channels, grid.kernel[0], grid.reach, STRIP, depth)
    for i in range(STRIP):
        table[:, :, i * step : i * step + width, i] = weight.permute(1, 2, 3, 0)
    return table.view(-1, STRIP * depth)


def weight_of(table: Tensor, shape: torch.Size, grid: Grid) -> Tensor:
    """Compute the gradient of the weight, of `shape` (D, C, kh, kw), from that of the table."""
    width, step = grid.kernel[1], grid.stride[1]
    table = table.view(grid.channels, grid.kernel[0], grid.reach, STRIP, shape[0])
    shares = [table[:, :, i * step : i * step + width, i] for i in range(STRIP)]
    return torch.stack(shares).sum(0).permute(3, 0, 1, 2)


def weighted_sums(rows: Tensor, table: Tensor, offsets: Tensor, values: Tensor) -> Tensor:
    """Sum values times rows of the table over terms offsets[i] to offsets[i + 1], for each i."""
    return F.embedding_bag(
        rows, table, offsets, mode='sum', per_sample_weights=values, include_last_offset=True
    )


def _starts(lengths: Tensor) -> Tensor:
    """Return where runs of the given lengths begin, and where the last one ends."""
    return F.pad(lengths.cumsum(0), (1, 0))
