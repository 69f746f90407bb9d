"""Settings of the machine that change speed and no result: memory pages, threads, cuDNN, TF32."""

from __future__ import annotations

import ctypes
import os
import sys

import torch

# glibc's mallopt parameters (malloc.h)
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def keep_pages() -> bool:
    """Ask glibc to keep freed memory instead of handing it back to the kernel. Returns whether that was done.

    A training step frees and asks again for gigabytes; with the default settings every round pays for fresh, zeroed pages
    (45 % of a step on the CPU). The process then holds on to its peak memory. PYSKL_KEEP_PAGES=0 turns it off.
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
    """Divide the cores that this process may use among the ranks that share them, unless OMP_NUM_THREADS says otherwise.

    torchrun sets OMP_NUM_THREADS=1 by itself, which would leave cores idle; with several ranks it is not obeyed. A loader's workers are
    not counted: a clip takes them a thousandth of what its training step takes.
    """
    if 'OMP_NUM_THREADS' not in os.environ or sharing > 1:
        cores = (
            len(os.sched_getaffinity(0))
            if hasattr(os, 'sched_getaffinity')
            else os.cpu_count() or 1
        )
        torch.set_num_threads(max(1, cores // sharing))


def has_bf16(device: torch.device) -> bool:
    """Does the device compute in bfloat16? A processor that only emulates it takes minutes for one training step."""
    return device.type != 'cpu' or torch.ops.mkldnn._is_mkldnn_bf16_supported()


def set_determinism(deterministic: bool, cudnn_benchmark: bool) -> None:
    """cuDNN's choice of algorithms, TF32 for float32 convolutions, and strict determinism when asked for."""
    torch.backends.cudnn.benchmark = cudnn_benchmark and not deterministic
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.allow_tf32 = not deterministic
    torch.backends.cuda.matmul.allow_tf32 = not deterministic
    if deterministic:
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
        torch.use_deterministic_algorithms(True, warn_only=True)
