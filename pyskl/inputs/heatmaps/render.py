"""Draw key points as heatmaps on their device: render_cpu.py on the CPU, else render_gpu.py."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from . import render_cpu, render_gpu
from .geometry import make_segments
from .spec import HeatmapSpec

# NumPy dtypes with as many bytes.
_NUMPY_DTYPES = {
    torch.float32: np.float32,
    torch.float64: np.float64,
    torch.float16: np.uint16,
    torch.bfloat16: np.uint16,
}


def draw_views(
    out: Tensor,
    keypoint: Tensor,
    score: Tensor,
    size: tuple[int, int],
    spec: HeatmapSpec,
    mirrored: bool,
) -> None:
    """Draw views into memory that `blank` made: each joint and limb as a Gaussian of its distance.

    For joints: out[b, s, v, t, y, x] = max over m of score * exp(-distance ** 2 / (2 sigma ** 2))
    within 3 sigma, else 0. With spec.motion, the difference of the next frame and this one,
    computed in float32. Values and cuts are PYSKL's. Key points that are NaN, infinite or extremely
    far away are not drawn, nor are scores that are NaN, infinite or below 1e-3.

    Args:
        out: (B, S, C, T, H, W).
        keypoint: (B, S, M, T, V, 2) pixels.
        score: (B, S, M, T, V).
        size: (H, W) of the picture, before spec.scaling.
        spec: what to draw.
        mirrored: whether to draw mirrored copies instead of the plain views.

    Source: PoseConv3D, arXiv:2104.13586, section 3.2.
    """
    if not spec.motion:
        return _draw_stills(out, keypoint, score, spec, mirrored)
    stills = out if out.dtype == torch.float32 else _blank_like(out)
    _draw_stills(stills, keypoint, score, spec, mirrored)
    _to_motion(stills, out)


def _to_motion(stills: Tensor, out: Tensor) -> None:
    """Write the difference of each frame and the next into out (B, S, C, T, H, W).

    `out` may be `stills`: then one frame is computed at a time.
    """
    last = out.shape[3] - 1
    runs = [slice(t, t + 1) for t in range(last)] if stills is out else [slice(0, last)]
    for run in runs:
        following = stills[:, :, :, run.start + 1 : run.stop + 1]
        torch.sub(following, stills[:, :, :, run], out=out[:, :, :, run])
    out[:, :, :, last:].zero_()


def _draw_stills(
    out: Tensor, keypoint: Tensor, score: Tensor, spec: HeatmapSpec, mirrored: bool
) -> None:
    """Draw each frame on its own, see draw_views."""
    size = (out.shape[-2], out.shape[-1])
    sparsely = out.device.type == 'cpu' and render_cpu.fits(size, spec.sigma)
    compiled = out.device.type == 'cuda'
    channel = 0
    # Inference mode has the least overhead per operation, and lets training use what has been
    # compiled for testing.
    with torch.inference_mode():
        keypoint, score = keypoint.flatten(0, 1), score.flatten(0, 1)
        for segments in make_segments(keypoint, score, size, spec, mirrored):
            if sparsely:
                canvas = render_cpu.canvas_of(out, mirrored)
                render_cpu.draw(canvas, segments, channel, spec.sigma)
            else:
                render_gpu.draw(out, segments, channel, spec.sigma, mirrored, compiled=compiled)
            channel += segments.num_channels


# Without inference mode, since the renderer would be compiled separately for tensors made in it.
@torch.inference_mode(False)
def blank(
    shape: tuple[int, ...],
    dtype: torch.dtype,
    device: torch.device,
    channels_last: bool = False,
    frames_first: bool = False,
) -> Tensor:
    """Allocate heatmaps: zeros on the CPU, elsewhere uninitialised, since every cell is written.

    Args:
        shape: (B, S, C, T, H, W).
        dtype: of the heatmaps.
        device: of the heatmaps.
        channels_last: memory in the order B, S, T, H, W, C (channels_last_3d of each view).
        frames_first: memory in the order B, S, T, C, H, W (as PYSKL's GeneratePoseTarget).
    """
    order = (0, 1, 2, 3, 4, 5)
    if channels_last:
        order = (0, 1, 3, 4, 5, 2)
    elif frames_first:
        order = (0, 1, 3, 2, 4, 5)
    in_memory = [shape[i] for i in order]
    if device.type == 'cpu' and dtype in _NUMPY_DTYPES:
        # NumPy uses calloc, which does not clear new pages of the system a second time.
        out = torch.from_numpy(np.zeros(in_memory, _NUMPY_DTYPES[dtype])).view(dtype)
    elif device.type == 'cpu':
        out = torch.zeros(in_memory, dtype=dtype)
    else:
        out = torch.empty(in_memory, dtype=dtype, device=device)
    return out.permute(*(order.index(i) for i in range(6)))


@torch.inference_mode(False)
def _blank_like(out: Tensor) -> Tensor:
    """Allocate float32 heatmaps of the same shape, see `blank`."""
    make = torch.zeros_like if out.device.type == 'cpu' else torch.empty_like
    return make(out, dtype=torch.float32)
