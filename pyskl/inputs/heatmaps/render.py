"""Draws key points as heatmaps, on the device where they are: by render_cpu.py on the CPU, by render_gpu.py elsewhere."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from . import render_cpu, render_gpu
from .geometry import make_marks
from .spec import HeatmapSpec

_NUMPY_TWIN = {
    torch.float32: np.float32,
    torch.float64: np.float64,
    torch.float16: np.uint16,
    torch.bfloat16: np.uint16,
}


def render(
    keypoint: Tensor,
    keypoint_score: Tensor,
    size: tuple[int, int],
    spec: HeatmapSpec,
    *,
    dtype: torch.dtype = torch.float32,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Tensor:
    """Draw each joint as a Gaussian, each limb as the Gaussian of the distance to it, the maximum over people.
    PoseConv3D, arXiv:2104.13586, section 3.2; values and cuts are PYSKL's.

    keypoint        (B, M, T, V, 2)  pixels; x right, y down; (0, 0) is the top-left pixel's centre
    keypoint_score  (B, M, T, V)     the peak's height; below 1e-3 nothing is drawn
    size            (H, W) pixels of the picture that the key points lie in; spec.scaling applies to both
    memory_format   torch.contiguous_format or torch.channels_last_3d
    ->              (B, C, T, H, W) dtype, on keypoint.device; plain views only (spec.double is Heatmaps' business)
    Concretely, for joints: out[b,v,t,y,x] = max_m score * exp(-dist^2 / (2 sigma^2)) inside the 3 sigma cut, 0 outside.
    With spec.motion: the difference of the next frame's picture and this one's, computed in float32.
    NaN, infinite or absurdly far key points, and such scores, draw nothing.
    """
    B, _, T, V, _ = keypoint.shape
    out = blank(
        (B, 1, spec.num_channels(V), T, *spec.picture_size(size)),
        dtype,
        keypoint.device,
        channels_last=memory_format == torch.channels_last_3d,
    )
    draw_views(out, keypoint[:, None], keypoint_score[:, None], size, spec, mirrored=False)
    return out[:, 0]


def draw_views(
    out: Tensor,
    keypoint: Tensor,
    score: Tensor,
    size: tuple[int, int],
    spec: HeatmapSpec,
    mirrored: bool,
) -> None:
    """Draw into out (B, S, C, T, H, W), made by `blank`; mirrored: the flipped copies instead of the plain views.

    keypoint  (B, S, M, T, V, 2)     score  (B, S, M, T, V)
    """
    if not spec.motion:
        return _draw_stills(out, keypoint, score, size, spec, mirrored)
    stills = out if out.dtype == torch.float32 else _blank_like(out)
    _draw_stills(stills, keypoint, score, size, spec, mirrored)
    _to_motion(stills, out)


def _to_motion(stills: Tensor, out: Tensor) -> None:
    """Fill out (B, S, C, T, H, W) with each frame's difference to the next; out may be the stills themselves."""
    last = out.shape[3] - 1
    runs = (
        [slice(t, t + 1) for t in range(last)] if stills is out else [slice(0, last)]
    )  # in place: one frame at a time
    for run in runs:
        torch.sub(
            stills[:, :, :, run.start + 1 : run.stop + 1],
            stills[:, :, :, run],
            out=out[:, :, :, run],
        )
    out[:, :, :, last:].zero_()


def _draw_stills(
    out: Tensor,
    keypoint: Tensor,
    score: Tensor,
    size: tuple[int, int],
    spec: HeatmapSpec,
    mirrored: bool,
) -> None:
    height, width = out.shape[-2:]
    sparsely = out.device.type == 'cpu' and render_cpu.fits((height, width), spec.sigma)
    channel = 0
    with (
        torch.inference_mode()
    ):  # the least overhead per operation, and in training what is compiled for testing
        for marks in make_marks(
            keypoint.flatten(0, 1), score.flatten(0, 1), (height, width), spec, mirrored
        ):
            if sparsely:
                render_cpu.draw(render_cpu.canvas_of(out, mirrored), marks, channel, spec.sigma)
            else:
                render_gpu.draw(
                    out, marks, channel, spec.sigma, mirrored, compiled=out.device.type == 'cuda'
                )
            channel += marks.num_channels


@torch.inference_mode(
    False
)  # one kind of tensor in training and testing, or the renderer would be compiled for each
def blank(
    shape: tuple[int, ...],
    dtype: torch.dtype,
    device: torch.device,
    channels_last: bool = False,
    frames_first: bool = False,
) -> Tensor:
    """Memory to draw (B, S, C, T, H, W) into: zeros on the CPU, uninitialised elsewhere (there every cell is written).

    channels_last  in memory B, S, T, H, W, C (channels_last_3d of each view)
    frames_first   in memory B, S, T, C, H, W (the order of PYSKL's GeneratePoseTarget)
    """
    order = (
        (0, 1, 3, 4, 5, 2)
        if channels_last
        else (0, 1, 3, 2, 4, 5)
        if frames_first
        else (0, 1, 2, 3, 4, 5)
    )
    in_memory = [shape[i] for i in order]
    if device.type == 'cpu' and dtype in _NUMPY_TWIN:
        # numpy's zeros come from calloc: pages fresh from the system are not cleared a second time
        out = torch.from_numpy(np.zeros(in_memory, _NUMPY_TWIN[dtype])).view(dtype)
    elif device.type == 'cpu':
        out = torch.zeros(in_memory, dtype=dtype)
    else:
        out = torch.empty(in_memory, dtype=dtype, device=device)
    return out.permute(*(order.index(i) for i in range(6)))


@torch.inference_mode(False)
def _blank_like(out: Tensor) -> Tensor:
    """As `blank` made it, in float32."""
    make = torch.zeros_like if out.device.type == 'cpu' else torch.empty_like
    return make(out, dtype=torch.float32)
