"""How the benchmark takes the time, and the machine's peak."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    """Return the least time of one call, in seconds, after one call to warm up.

    A single call of over 4 seconds on the CPU is its own warm-up.

    Args:
        call: function to time.
        repeats: calls to time, at least.
        device: device to wait for after each call.
        at_least: seconds to go on measuring, so that a faster way does not get fewer chances on an
            unsteady machine.
        clock: clock in seconds, time.perf_counter by default. With time.process_time, for calls on
            one thread, other processes matter less.
    """
    on_cuda = device is not None and device.type == 'cuda'
    now = clock or time.perf_counter

    def timed() -> float:
        start = now()
        call()
        if on_cuda:
            torch.cuda.synchronize(device)
        return now() - start

    first = timed()
    if on_cuda:
        # do not count the memory that cuDNN took to try its algorithms
        torch.cuda.reset_peak_memory_stats(device)
    elif repeats == 1 and first > 4:
        return first
    times: list[float] = []
    while len(times) < repeats or sum(times) < at_least:
        times.append(timed())
    return min(times)


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Return the GFLOP/s of a large matrix product, the most that the machine can do."""
    size = 8192 if device.type == 'cuda' else 1536
    a = torch.randn(size, size, device=device, dtype=dtype)
    return 2 * size**3 / best_seconds(lambda: a @ a, 5, device) / 1e9


def machine(device: torch.device, threads: int) -> dict[str, Any]:
    """Describe the machine: device, versions, load and the peak of matrix products.

    Args:
        device: device that is measured.
        threads: threads for PyTorch.
    """
    torch.set_num_threads(threads)
    set_determinism(False, cudnn_benchmark=True)  # TF32, as in what is compared with the peak
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
