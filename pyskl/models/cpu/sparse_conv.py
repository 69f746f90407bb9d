"""Convolution of pictures that are nearly all zero, as heatmaps of joints are: time is spent on cells that are not.

A strip is STRIP neighbouring outputs of one line. A cell in reach of it adds its value times one row of a table made of the
weights, so a strip is a weighted sum of rows, which is what `embedding_bag` computes; the weights' gradient is one as well. Of
22 joints at 56x56 fewer than one cell in 150 is not zero, and the 7x7 stem takes an eighth of the dense convolution's time.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

from .conv3d_as_2d import Conv3dAs2d

STRIP = 8               # outputs: fewer make more sums, more make longer ones of zeros
MAX_DENSITY = 0.03      # share of cells that are not zero up to which this is worth its bookkeeping


class SparseConv3d(Conv3dAs2d):
    """Conv3dAs2d for a network's first layer. On the CPU, in float32, mostly zero pictures that need no gradient take the short way."""

    def _convolve(self, images: torch.Tensor, stride: tuple[int, int]) -> torch.Tensor:
        if not self._is_short(images):
            return super()._convolve(images, stride)
        out = StripConv.apply(images, self.weight[:, :, 0], stride, self.padding[1:])
        return out if self.bias is None else out + self.bias[:, None, None]

    def _is_short(self, images: torch.Tensor) -> bool:
        plain = self.groups == 1 and self.dilation == (1, 1, 1) and self.kernel_size != (1, 1, 1)
        here = images.device.type == 'cpu' and images.dtype == torch.float32 == self.weight.dtype
        quiet = not (images.requires_grad or torch.is_autocast_enabled('cpu') or torch.compiler.is_compiling())
        return plain and here and quiet and images.numel() > 0 and torch.count_nonzero(images) <= MAX_DENSITY * images.numel()


class StripConv(torch.autograd.Function):
    """conv2d: images (N, C, H, W) channels last, weight (D, C, kh, kw) -> (N, D, H', W') channels last. No gradient for images."""

    @staticmethod
    def forward(ctx, images: torch.Tensor, weight: torch.Tensor, stride: tuple[int, int], padding: tuple[int, int]) -> torch.Tensor:
        grid = Grid.of(images.shape, weight.shape, stride, padding)
        terms = find_terms(images, grid)
        ctx.save_for_backward(terms.rows, terms.values, terms.offsets)
        ctx.grid, ctx.weight_shape = grid, weight.shape
        out = weighted_sums(terms.rows, table_of(weight, grid), terms.offsets, terms.values)
        return out.view(grid.num_images, grid.lines, -1, weight.shape[0])[:, :, :grid.columns].permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        if not ctx.needs_input_grad[1]:
            return None, None, None, None
        rows, values, offsets = ctx.saved_tensors
        grid, depth = ctx.grid, ctx.weight_shape[0]
        missing = grid.strips * STRIP - grid.columns
        lines = grad.permute(0, 2, 3, 1)                                                   # (N, lines, columns, D)
        strips = (F.pad(lines, (0, 0, 0, missing)) if missing else lines).reshape(-1, STRIP * depth)
        # The same terms, by row of the table instead of by strip.
        strip = torch.repeat_interleave(offsets.diff())
        lengths = torch.bincount(rows, minlength=grid.num_rows)
        order = torch.argsort(rows, stable=True)
        table = weighted_sums(strip[order], strips, _starts(lengths), values[order])
        return None, weight_of(table, ctx.weight_shape, grid), None, None


@dataclass(frozen=True)
class Grid:
    """Sizes of one convolution: of the input, the kernel and the output, whose lines are cut into strips."""

    num_images: int
    channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    lines: int                  # of the output
    columns: int

    @classmethod
    def of(cls, images: torch.Size, weight: torch.Size, stride: tuple[int, int], padding: tuple[int, int]) -> Grid:
        size = [(images[i + 2] + 2 * padding[i] - weight[i + 2]) // stride[i] + 1 for i in (0, 1)]
        return cls(*images, tuple(weight[2:]), tuple(stride), tuple(padding), *size)

    @property
    def strips(self) -> int:
        """Strips a line."""
        return -(-self.columns // STRIP)

    @property
    def reach(self) -> int:
        """Input columns that a strip sees."""
        return (STRIP - 1) * self.stride[1] + self.kernel[1]

    @property
    def num_rows(self) -> int:
        """Rows of the table: (channel, line of the kernel, column within reach)."""
        return self.channels * self.kernel[0] * self.reach


@dataclass(frozen=True)
class Terms:
    """The terms of all strips, strip after strip: values[i] times row rows[i] of the table; offsets (strips + 1,) cut them."""

    rows: torch.Tensor
    values: torch.Tensor
    offsets: torch.Tensor


def find_terms(images: torch.Tensor, grid: Grid) -> Terms:
    """images (N, C, H, W) channels last -> the terms of every strip (N, lines, strips), in the order y, x, channel of the cells."""
    rows, values, pointer = cells_by_strips(images, grid)
    # A strip of output line o sees the input lines o * stride - padding ... + kernel: one run of cells.
    top = torch.arange(grid.lines) * grid.stride[0] - grid.padding[0]
    column = torch.arange(grid.strips) * (grid.num_images * grid.height)
    line = (torch.arange(grid.num_images) * grid.height)[:, None, None] + column           # (N, 1, strips)
    begin, end = (pointer[line + edge.clamp(0, grid.height)[:, None]].flatten() for edge in (top, top + grid.kernel[0]))
    offsets = _starts(end - begin)
    # For every member of a run: how far its cell lies behind the term, and how far `top` moves the row.
    moved = (top * grid.reach)[:, None].expand(grid.num_images, -1, grid.strips).flatten()
    behind, moved = torch.repeat_interleave(torch.stack([begin - offsets[:-1], moved]), end - begin, dim=1)
    cell = torch.arange(len(behind)) + behind
    return Terms(rows[cell] - moved, values[cell], offsets)


def cells_by_strips(images: torch.Tensor, grid: Grid) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The cells that are not zero, once for every column of strips that sees them, column after column, in reading order.

    Their rows of the table if line 0 met the kernel's first line, their values, and where each (column of strips, image, line) begins.
    """
    flat = images.permute(0, 2, 3, 1).reshape(-1)
    cells = flat.nonzero().view(-1)
    pixels = cells // grid.channels
    begin = torch.arange(grid.strips)[:, None] * (STRIP * grid.stride[1]) - grid.padding[1]
    within = pixels % grid.width - begin                                                   # (strips, cells)
    column, seen = ((within >= 0) & (within < grid.reach)).nonzero().unbind(1)
    line, channel = (pixels // grid.width)[seen], (cells % grid.channels)[seen]            # lines of all images, one under another
    rows = (channel * grid.kernel[0] + line % grid.height) * grid.reach + within[column, seen]
    num_lines = grid.num_images * grid.height
    lengths = torch.bincount(column * num_lines + line, minlength=grid.strips * num_lines)
    return rows, flat[cells][seen], _starts(lengths)


def table_of(weight: torch.Tensor, grid: Grid) -> torch.Tensor:
    """weight (D, C, kh, kw) -> (rows, STRIP * D): what a cell of value 1 adds to the outputs of a strip."""
    depth, (_, width), step = weight.shape[0], grid.kernel, grid.stride[1]
    table = weight.new_zeros(grid.channels, grid.kernel[0], grid.reach, STRIP, depth)
    for i in range(STRIP):
        table[:, :, i * step:i * step + width, i] = weight.permute(1, 2, 3, 0)
    return table.view(-1, STRIP * depth)


def weight_of(table: torch.Tensor, shape: torch.Size, grid: Grid) -> torch.Tensor:
    """The gradient of table_of: (rows, STRIP * D) -> (D, C, kh, kw)."""
    width, step = grid.kernel[1], grid.stride[1]
    table = table.view(grid.channels, grid.kernel[0], grid.reach, STRIP, shape[0])
    return torch.stack([table[:, :, i * step:i * step + width, i] for i in range(STRIP)]).sum(0).permute(3, 0, 1, 2)


def weighted_sums(rows: torch.Tensor, table: torch.Tensor, offsets: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Sum i: over offsets[i]:offsets[i + 1] of values times the table's rows."""
    return F.embedding_bag(rows, table, offsets, mode='sum', per_sample_weights=values, include_last_offset=True)


def _starts(lengths: torch.Tensor) -> torch.Tensor:
    """Where runs of these lengths begin, and where the last one ends."""
    return F.pad(lengths.cumsum(0), (1, 0))
