"""Settings of the machine that change speed and no result: memory pages, threads, cuDNN, TF32."""

from __future__ import annotations

import ctypes
import os
import sys

import torch

# glibc's mallopt parameters (malloc.h)
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_pages() -> bool:
    """Tell glibc to keep freed memory instead of returning it to the kernel.

    A training step frees gigabytes and allocates them again; by default every step pays for fresh,
    zeroed pages (45 % of a step on the CPU). The process then keeps its peak memory.
    PYSKL_KEEP_PAGES=0 turns this off.

    Returns:
        Whether it was done.
    """
    if os.environ.get('PYSKL_KEEP_PAGES', '1') == '0' or not sys.platform.startswith('linux'):
        return False
    try:
        mallopt = ctypes.CDLL('libc.so.6').mallopt
    except (OSError, AttributeError):  # another libc, e.g. musl
        return False
    return all(
        [mallopt(_M_MMAP_MAX, 0), mallopt(_M_TRIM_THRESHOLD, -1), mallopt(_M_TOP_PAD, 256 * 2**20)]
    )


def set_threads(sharing: int) -> None:
    """Divide the cores that this process may use among the ranks that share them.

    OMP_NUM_THREADS is respected with a single rank. With several it is not: torchrun sets it to 1
    by itself, which would leave cores idle. Loader workers are not counted, since a clip costs them
    a thousandth of what its training step costs.

    Args:
        sharing: ranks that share the cores, see `Ranks`.
    """
    if 'OMP_NUM_THREADS' not in os.environ or sharing > 1:
        torch.set_num_threads(max(1, usable_cores() // sharing))


def usable_cores() -> int:
    """Return how many processors this process may use, by affinity."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_bf16(device: torch.device) -> bool:
    """Return whether the device computes in bfloat16.

    A processor that only emulates it needs minutes for one training step.
    """
    return device.type != 'cpu' or torch.ops.mkldnn._is_mkldnn_bf16_supported()


def set_determinism(deterministic: bool, cudnn_benchmark: bool) -> None:
    """Set how cuDNN chooses algorithms, whether float32 may be TF32, and determinism.

    Args:
        deterministic: use only algorithms that give the same bits every time, and no TF32.
        cudnn_benchmark: let cuDNN measure its algorithms; not with `deterministic`.
    """
    torch.backends.cudnn.benchmark = cudnn_benchmark and not deterministic
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.allow_tf32 = not deterministic
    torch.backends.cuda.matmul.allow_tf32 = not deterministic
    if deterministic:
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
        torch.use_deterministic_algorithms(True, warn_only=True)
