"""Starting one process or many, on one machine or several: ranks and devices."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ..errors import ConfigError

TIMEOUT = timedelta(minutes=30)  # how long a collective waits for the other ranks
_PORT_SETTING = {
    'pytorch': 'PORT=29501 before dist_train.sh or dist_test.sh, torchrun --master_port 29501',
    'slurm': 'MASTER_PORT=29501',
}


@dataclass(frozen=True)
class Ranks:
    """This process among all.

    Attributes:
        rank: number of this process, from 0 on.
        world: number of processes.
        local_rank: number of this process on its machine.
        device: where it computes.
        sharing: ranks that share the cores which this process may use, itself included.
    """

    rank: int
    world: int
    local_rank: int
    device: torch.device
    sharing: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, which writes logs and checkpoints."""
        return self.rank == 0


def on_all_ranks(
    model: nn.Module, ranks: Ranks, find_unused_parameters: bool
) -> DistributedDataParallel:
    """Wrap a model so that all ranks learn from all batches.

    As published, buffers are not sent from rank 0 in every step; torch 2.13 renames that argument.
    """
    known = inspect.signature(DistributedDataParallel).parameters
    buffers = 'forward_sync_buffers' if 'forward_sync_buffers' in known else 'broadcast_buffers'
    options: dict[str, Any] = {buffers: False, 'find_unused_parameters': find_unused_parameters}
    ids = [ranks.device.index] if ranks.device.type == 'cuda' else None
    return DistributedDataParallel(model, device_ids=ids, **options)


def default_device() -> str:
    """Return the device of a run that names none."""
    return 'cuda' if torch.cuda.is_available() else 'cpu'


def choose_device(name: str | None, local_rank: int = 0) -> torch.device:
    """Return the device of a name, or CUDA where there is one.

    Args:
        name: 'cpu', 'cuda', 'cuda:1' ... or None.
        local_rank: which GPU 'cuda' means.

    Raises:
        ConfigError: no such device here.
    """
    name = name or default_device()
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f'--device {name}: is not a device. Try cpu, cuda or cuda:0.') from error
    if device.type != 'cuda':
        return device
    if not torch.cuda.is_available():
        raise ConfigError(
            f'--device {name}: PyTorch sees no CUDA GPU here. Try --device cpu, or a CUDA build of '
            'PyTorch.'
        )
    index = local_rank if device.index is None else device.index
    if index >= torch.cuda.device_count():
        raise ConfigError(
            f'cuda:{index} is asked for, but this machine has {torch.cuda.device_count()} GPUs. '
            'Start fewer processes, or run on the CPU with --device cpu.'
        )
    return torch.device('cuda', index)


def start(
    launcher: str | None = None, device: str | None = None, backend: str | None = None
) -> Ranks:
    """Join the group of processes that the launcher started; a single process needs none.

    Args:
        launcher: 'none', 'pytorch' (torchrun) or 'slurm' (srun); None: torchrun's if its variables
            are there.
        device: see `choose_device`.
        backend: 'nccl' or 'gloo'; None: NCCL on CUDA. On the CPU it is always gloo.

    Raises:
        ConfigError: the launcher's variables or the device are missing, or the processes cannot
            connect.
    """
    launcher = launcher or ('pytorch' if 'TORCHELASTIC_RUN_ID' in os.environ else 'none')
    if launcher == 'none':
        return Ranks(0, 1, 0, _made_current(choose_device(device)))
    if launcher == 'slurm':
        _slurm_variables()
    try:
        rank, world = int(os.environ['RANK']), int(os.environ['WORLD_SIZE'])
        local_rank = int(os.environ.get('LOCAL_RANK', 0))
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f'--launcher {launcher}: {error} is missing or no number in the environment. Start '
            'with `bash tools/dist_train.sh CONFIG N` or `torchrun --nproc_per_node=N '
            'tools/train.py CONFIG`.'
        ) from error
    chosen = _made_current(choose_device(device, local_rank))
    try:
        backend = (backend or 'nccl') if chosen.type == 'cuda' else 'gloo'
        dist.init_process_group(backend, timeout=TIMEOUT)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(
            f'The {world} processes could not meet at {os.environ.get("MASTER_ADDR")}:'
            f'{os.environ.get("MASTER_PORT")}: {error}. Is the port in use? Try another: '
            f'{_PORT_SETTING[launcher]}.'
        ) from error
    sharing = (
        _slurm_sharing(world)
        if launcher == 'slurm'
        else int(os.environ.get('LOCAL_WORLD_SIZE', world))
    )
    return Ranks(rank, world, local_rank, chosen, sharing)


def _made_current(device: torch.device) -> torch.device:
    """Make a CUDA device the default of streams, pinned memory and compilers; return the device."""
    if device.type == 'cuda':
        torch.cuda.set_device(device)
    return device


def _slurm_variables() -> None:
    """Translate srun's variables into torchrun's."""
    variables = {'RANK': 'PROCID', 'WORLD_SIZE': 'NTASKS', 'LOCAL_RANK': 'LOCALID'}
    for of_slurm in variables.values():
        if f'SLURM_{of_slurm}' not in os.environ:
            raise ConfigError(
                f'--launcher slurm: SLURM_{of_slurm} is not set. Start with '
                '`srun python tools/train.py CONFIG --launcher slurm`.'
            )
    os.environ.update({name: os.environ[f'SLURM_{variables[name]}'] for name in variables})
    os.environ.setdefault('MASTER_PORT', '29500')
    if 'MASTER_ADDR' not in os.environ:
        nodes = os.environ.get('SLURM_STEP_NODELIST') or os.environ.get('SLURM_NODELIST', '')
        names = subprocess.run(
            ['scontrol', 'show', 'hostnames', nodes], capture_output=True, text=True, check=False
        )
        os.environ['MASTER_ADDR'] = names.stdout.split('\n')[0] or '127.0.0.1'


def _slurm_sharing(world: int) -> int:
    """Return how many tasks share the cores of this one.

    That is 1 where srun has bound each task to its own cores, otherwise the number of tasks on this
    node. Slurm lists tasks per node as '8(x2),4'.
    """
    per_task = os.environ.get('SLURM_CPUS_PER_TASK', '')
    if (
        per_task.isdecimal()
        and hasattr(os, 'sched_getaffinity')
        and len(os.sched_getaffinity(0)) <= int(per_task)
    ):
        return 1
    parts = re.findall(r'(\d+)(?:\(x(\d+)\))?', os.environ.get('SLURM_STEP_TASKS_PER_NODE', ''))
    tasks = [int(count) for count, times in parts for _ in range(int(times or 1))]
    node = os.environ.get('SLURM_NODEID', '0')
    return tasks[int(node)] if node.isdecimal() and int(node) < len(tasks) else world


def finish() -> None:
    """Leave the group, if there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()
