"""MaxPool3d that runs as a 2-D pooling where its window lies in one frame: the same numbers without a copy.

On CUDA the 3-D pooling's gradient adds up in no fixed order, and 3-D pooling is slow where channels lie last in memory.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.utils import _triple

from .conv3d_as_2d import frames, volumes


class MaxPool3dAs2d(nn.MaxPool3d):
    """nn.MaxPool3d in arguments and answer; channels_last_3d volumes and 1xkxk windows are pooled as pictures."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self._is_flat(x):
            return super().forward(x)
        kernel, stride, padding, dilation = map(_triple, (self.kernel_size, self.stride, self.padding, self.dilation))
        return volumes(F.max_pool2d(frames(x), kernel[1:], stride[1:], padding[1:], dilation[1:], self.ceil_mode), x)

    def _is_flat(self, x: torch.Tensor) -> bool:
        one_frame = _triple(self.kernel_size)[0] == _triple(self.stride)[0] == 1 and _triple(self.padding)[0] == 0
        return one_frame and not self.return_indices and x.is_contiguous(memory_format=torch.channels_last_3d)
