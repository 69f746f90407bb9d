"""The machine: versions, processors, memory and GPUs, and known problems of such machines."""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

import torch

from .. import __version__
from ..engine.machine import has_bf16, usable_cores

PACKAGES = (
    'numpy',
    'scipy',
    'onedl-mmcv',
    'onedl-mmengine',
    'opencv-python',
    'decord',
    'decord2',
    'tqdm',
    'submitit',
    'onnxruntime',
    'rtmlib',
    'tensorboard',
    'python-calamine',
    'onnx',
    'onnxscript',
    'safetensors',
    'wandb',
    'mlflow',
    'trackio',
    'huggingface_hub',
)
# Packages with modules of this package's name, or of a requirement's: the last installed wins.
CLASHES = {
    'pyskl': 'the original PYSKL has a module `pyskl`, too',
    'mmcv-full': 'it has a module `mmcv`, as onedl-mmcv does',
    'mmcv': 'it has a module `mmcv`, as onedl-mmcv does',
    'mmcv-lite': 'it has a module `mmcv`, as onedl-mmcv does',
    'mmengine': 'it has a module `mmengine`, as onedl-mmengine does',
    'mmengine-lite': 'it has a module `mmengine`, as onedl-mmengine does',
}
MIN_SHARED_MEMORY = 1 << 30  # bytes


def installed(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of the installed ones of these packages, by name."""
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def cores() -> int:
    """Return how many processors this process may use, by affinity and container limit."""
    usable = usable_cores()
    try:
        quota, period = Path('/sys/fs/cgroup/cpu.max').read_text(encoding='ascii').split()
        return max(1, min(usable, round(int(quota) / int(period))))
    except (OSError, ValueError):  # not in a container, or without a limit ('max')
        return usable


def facts() -> dict[str, str]:
    """Return facts about the machine as {name: value}."""
    cudnn = torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None
    built = f'CUDA {torch.version.cuda}' if torch.version.cuda else 'for the CPU'
    facts = {
        'pyskl': f'{__version__}, in {Path(__file__).resolve().parents[1]}',
        'Python': f'{platform.python_version()}, {platform.platform()}',
        'torch': f'{torch.__version__}, built {built}' + (f', cuDNN {cudnn}' if cudnn else ''),
        'packages': ', '.join(f'{name} {v}' for name, v in installed(PACKAGES).items()),
        'processors': f'{cores()} usable of {os.cpu_count()}, torch takes '
        f'{torch.get_num_threads()} threads',
    }
    if hasattr(os, 'sysconf') and 'SC_PHYS_PAGES' in os.sysconf_names:
        memory = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
        facts['memory'] = f'{memory / 2**30:.1f} GiB'
    cpu = torch.device('cpu')
    facts['bfloat16'] = 'the CPU ' + ('computes in it' if has_bf16(cpu) else 'only emulates it')
    for i in range(torch.cuda.device_count()):
        gpu = torch.cuda.get_device_properties(i)
        facts[f'cuda:{i}'] = (
            f'{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB, compute capability '
            f'{gpu.major}.{gpu.minor}'
        )
    if not torch.cuda.device_count():
        facts['GPU'] = 'none is visible to torch'
    return facts


def clashes(present: Mapping[str, str] | None = None) -> list[str]:
    """Return an error for each package that shadows this one or a requirement.

    Args:
        present: installed versions by name; None to look them up.
    """
    present = installed(CLASHES) if present is None else present
    return [
        f'{name} {version} is installed as well: {CLASHES[name]}, and which one Python finds '
        f'depends on the order of installing. Uninstall it (pip uninstall {name}), then install '
        'this package again.'
        for name, version in present.items()
        if name in CLASHES
    ]


def warnings() -> list[str]:
    """Return known problems of a machine like this, each with its cure."""
    lines = []
    usable, threads = cores(), torch.get_num_threads()
    if threads > usable:
        lines.append(
            f'torch takes {threads} threads, but this process may use {usable} processors: '
            f'threads wait for each other. Set OMP_NUM_THREADS={usable}.'
        )
    if not torch.version.cuda and shutil.which('nvidia-smi'):
        lines.append(
            'there is an NVIDIA driver, but this torch is built for the CPU. Install a CUDA '
            'build, as https://pytorch.org/get-started/locally/ says.'
        )
    elif torch.version.cuda and shutil.which('nvidia-smi') and not torch.cuda.is_available():
        lines.append(
            'there is an NVIDIA driver, but torch sees no GPU: the driver may be too old for CUDA '
            f'{torch.version.cuda}, or CUDA_VISIBLE_DEVICES hides them. Update it, or install a '
            'torch for an older CUDA.'
        )
    if os.path.isdir('/dev/shm'):
        size = shutil.disk_usage('/dev/shm').total
        if size < MIN_SHARED_MEMORY:
            lines.append(
                f'/dev/shm holds {size / 2**20:.0f} MiB, through which workers hand over batches. '
                'In Docker: --shm-size=2g; or data.workers_per_gpu=0.'
            )
    if torch.cuda.is_available():
        trap = cudnn_trap(torch.__version__, torch.backends.cudnn.version() or 0)
        lines += [trap] if trap else []
    return lines


def cudnn_trap(torch_version: str, cudnn_version: int) -> str | None:
    """Return the known problem of 3D convolutions in these versions, if there is one.

    Args:
        torch_version: version such as '2.9.0+cu128'.
        cudnn_version: version such as 91002 for 9.10.2.
    """
    major, minor = (int(part) for part in torch_version.split('.')[:2])
    if (major, minor) == (2, 9) and cudnn_version < 91500:
        return (
            f'torch {torch_version} with cuDNN {cudnn_version}: 3D convolutions in bfloat16 '
            'and float16 are many times slower, and may be wrong. Install cuDNN 9.15 or newer '
            '(pip install nvidia-cudnn-cu12), or another torch; until then leave --amp out.'
        )
    return None


def conv3d_seconds(device: torch.device, dtype: torch.dtype) -> float:
    """Return the least seconds of a PoseC3D convolution, forward and backward, on a GPU."""
    layer = torch.nn.Conv3d(64, 64, 3, padding=1).to(device, dtype)
    inputs = torch.randn(8, 64, 16, 28, 28, device=device, dtype=dtype, requires_grad=True)

    def once() -> float:
        torch.cuda.synchronize(device)
        start = time.perf_counter()
        layer(inputs).sum().backward()
        torch.cuda.synchronize(device)
        return time.perf_counter() - start

    return min(once() for _ in range(8))


def slow_bf16(float32: float, bfloat16: float) -> str | None:
    """Return a warning if convolutions are slower in bfloat16 than in float32.

    Args:
        float32: seconds of a convolution in float32.
        bfloat16: seconds of the same one in bfloat16.
    """
    if bfloat16 <= 1.5 * float32:
        return None
    return (
        f'a 3D convolution takes {1e3 * bfloat16:.1f} ms in bfloat16 and {1e3 * float32:.1f} '
        'ms in float32: leave --amp out, or install a newer cuDNN.'
    )
