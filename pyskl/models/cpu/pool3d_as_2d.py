"""MaxPool3d computed as 2-D pooling if its window lies in one frame: same numbers, no copy.

It is also used on CUDA, where the gradient of 3-D pooling is not deterministic.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.utils import _triple

from .conv3d_as_2d import as_images, as_volumes
from .observers import is_recorded


class MaxPool3dAs2d(nn.MaxPool3d):
    """nn.MaxPool3d that runs 1 x k x k windows as 2-D pooling, for channels_last_3d inputs."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, C, T', H', W')."""
        kernel, stride, padding, dilation = map(
            _triple, (self.kernel_size, self.stride, self.padding, self.dilation)
        )
        one_frame = kernel[0] == stride[0] == 1 and padding[0] == 0 and not self.return_indices
        channels_last = x.is_contiguous(memory_format=torch.channels_last_3d)
        if is_recorded() or not (one_frame and channels_last):
            return super().forward(x)
        out = F.max_pool2d(
            as_images(x), kernel[1:], stride[1:], padding[1:], dilation[1:], self.ceil_mode
        )
        return as_volumes(out, x)
