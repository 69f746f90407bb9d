"""How tools/benchmark.py takes the time, and what the machine can do at best."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..engine.machine import has_bf16, set_determinism


def best_seconds(
    call: Callable[[], object],
    repeats: int,
    device: torch.device | None = None,
    at_least: float = 0,
    clock: Callable[[], float] | None = None,
) -> float:
    """The least time of one call, after one call to warm up (on the host a single slow one is its own); waits for the device.

    at_least   seconds: go on until so many have passed, so that a faster way does not get fewer chances on an unsteady machine
    clock      time.process_time where one thread computes: others on the machine matter less
    """
    on_cuda, clock = device is not None and device.type == 'cuda', clock or time.perf_counter

    def timed() -> float:
        start = clock()
        call()
        if on_cuda:
            torch.cuda.synchronize(device)
        return clock() - start

    first = timed()
    if on_cuda:
        torch.cuda.reset_peak_memory_stats(
            device
        )  # cuDNN has tried its algorithms: what that took is not counted
    elif repeats == 1 and first > 4:
        return first
    times = []
    while len(times) < repeats or sum(times) < at_least:
        times.append(timed())
    return min(times)


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """GFLOP/s of a large matrix product: what the machine can do at best."""
    size = 8192 if device.type == 'cuda' else 1536
    a = torch.randn(size, size, device=device, dtype=dtype)
    return 2 * size**3 / best_seconds(lambda: a @ a, 5, device) / 1e9


def machine(device: torch.device, threads: int) -> dict:
    torch.set_num_threads(threads)
    set_determinism(False, cudnn_benchmark=True)  # TF32 as in what is held against the peak
    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else _cpu_name()
    kinds = {'fp32': torch.float32} | ({'bf16': torch.bfloat16} if has_bf16(device) else {})
    peaks = {
        f'matmul_gflops_{short}': round(matmul_peak(device, dtype))
        for short, dtype in kinds.items()
    }
    return {
        'device': name,
        'cores': os.cpu_count(),
        'threads': threads,
        'python': platform.python_version(),
        'torch': str(torch.__version__),
        'numpy': np.__version__,
        'load_before': os.getloadavg()[0],
        **peaks,
    }


def _cpu_name() -> str:
    info = Path('/proc/cpuinfo')
    lines = info.read_text().splitlines() if info.is_file() else []
    return next(
        (line.split(':')[1].strip() for line in lines if line.startswith('model name')),
        platform.processor(),
    )
