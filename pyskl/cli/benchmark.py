"""Measure the speed on this machine, and how much faster than the plain way this package is.

    python tools/benchmark.py [--quick] [--json FILE]

Every figure is taken in a process of its own. `plain` is the published way: heatmaps drawn by numpy
loops in the loader, float32, contiguous volumes, 3D convolutions, BatchNorm apart, every view
through the whole network. `plain, pages kept` is the same with an allocator that keeps freed pages.
`ratio` says how many times better than plain a figure is, `ratio_allocator` how many times better
than plain with pages kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..annotations import write_annotations
from ..annotations.packing import write_packed
from ..benchmarks.graphs import GRAPH_NETWORKS
from ..benchmarks.measures import MEASURES
from ..benchmarks.rows import SAME_PLAIN, Row, share_of_peak, with_ratios
from ..benchmarks.task import FAST, FULL, NUM_CLIPS, PLAIN, PLAIN_PAGES, Figure, Task
from ..benchmarks.timing import machine
from ..engine.distributed import choose_device
from ..engine.machine import has_bf16, keep_pages, set_determinism
from ..errors import UserError
from ..files.atomic import atomic_write_text
from ..sources.imigue import read_raw
from ..sources.synthetic import write_demo_data
from .calling import Parser, child_command
from .places import configs_folder

SIZES = (1_000, 20_000)  # clips in an annotation file
ON_HOST = (
    'render_joint',
    'render_limb',
    'pipeline_joint',
    'pipeline_limb',
    'loader_joint',
    'loader_limb',
)
SCALING = ('decode', 'loader_joint_1', 'loader_joint_4', *(f'open_{size}' for size in SIZES))
ON_DEVICE = ('train_fp32', 'train_bf16', 'test_fp32', 'test_bf16', 'onnx_fp32')
POSE_STEPS = ['steps_3d_1', 'steps_3d_2']
GCN = [
    f'gcn_{way}_{network}_{people}'
    for network in GRAPH_NETWORKS
    for way in ('train', 'eval')
    for people in (1, 2)
]
QUICK_GCN = [name for name in GCN if name.split('_')[2] in ('stgcnpp', 'ctrgcn')]


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__.split('\n')[0])
    add = parser.add_argument
    add(
        '--quick',
        action='store_true',
        help='about two minutes: plain once, without pages kept; no scaling',
    )
    add('--json', metavar='FILE', help='write the figures to this file as well')
    add(
        '--only',
        nargs='+',
        metavar='NAME',
        choices=[*ON_HOST, *SCALING, *ON_DEVICE, 'gcn', *POSE_STEPS, *GCN],
        help='measure these lines only; gcn: all of the graph networks',
    )
    parser.add_device()
    add('--child', help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> None:
    """Measure, and print a line for each figure."""
    args = parse_args(argv)
    if args.child:
        return measure_here(args.child)
    device, threads = choose_device(args.device), torch.get_num_threads()
    host = machine(device, threads)
    print(', '.join(f'{key}: {value}' for key, value in host.items()))

    gcn = [*POSE_STEPS, *(QUICK_GCN if args.quick else GCN)]
    names = [*ON_HOST, *(() if args.quick else SCALING), *ON_DEVICE, *gcn]
    if args.only:
        names = [name for only in args.only for name in (gcn if only == 'gcn' else [only])]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        sizes = [int(name.rpartition('_')[2]) for name in names if name.startswith('open')]
        make_clips(Path(folder), sizes)
        for group in groups(names, device):
            for setting in settings(group[0], names, args.quick or runs_on_gpu(group[0], device)):
                repeats = FULL if not args.quick else 2 if setting == FAST else 1
                common = (setting, folder, str(configs_folder()), str(device), repeats, threads)
                measured = measure([Task(name, *common) for name in group], host)
                rows += measured
                with_ratios(rows)
                for row in measured:
                    print(row, flush=True)
    if args.json:
        content = {'machine': host, 'rows': [asdict(row) for row in rows]}
        atomic_write_text(args.json, json.dumps(content, indent=1))
        print(f'wrote {args.json}')


def make_clips(folder: Path, sizes: Sequence[int]) -> None:
    """Write the clips to measure on, and annotation files of these sizes, as pickles and packed."""
    write_demo_data(folder, NUM_CLIPS, 0, 0, seed=1)
    annotations = read_raw(folder, 'train')
    names = [a['frame_dir'] for a in annotations]
    write_annotations(folder / 'clips.pkl', {'train': names, 'test': names}, annotations)
    for size in sizes:
        many = [{**annotations[i % NUM_CLIPS], 'frame_dir': f'{i:07d}'} for i in range(size)]
        split = {'train': [a['frame_dir'] for a in many]}
        write_annotations(folder / f'{size}.pkl', split, many)
        write_packed(folder / f'{size}.packed', many, {'train': np.arange(size)})


def groups(names: Sequence[str], device: torch.device) -> list[list[str]]:
    """Deal the lines out to processes.

    What the host does shares a process, since a start costs seconds, and so do the lines of a graph
    network; everything else is measured alone.
    """
    on_host = [name for name in names if name in ON_HOST]
    alone = [[name] for name in names if name not in (*ON_HOST, *GCN)]
    graphs = [
        [name for name in names if name in GCN and name.split('_')[2] == network]
        for network in GRAPH_NETWORKS
    ]
    if not has_bf16(device) and any('bf16' in name for name in names):
        print(
            'bf16 is left out: this processor has no bfloat16 arithmetic, only an emulation many '
            'times slower than float32'
        )
        alone = [[name] for [name] in alone if 'bf16' not in name]
    return [group for group in (on_host, *alone, *graphs) if group]


def runs_on_gpu(name: str, device: torch.device) -> bool:
    """Whether a line is measured on a GPU, where the host's allocator does not matter."""
    return device.type == 'cuda' and name in (*ON_DEVICE, *GCN)


def settings(name: str, names: Sequence[str], without_pages: bool) -> list[str]:
    """Return the settings to measure a line in, with or without PLAIN_PAGES."""
    if SAME_PLAIN.get(name) in names:
        return [FAST]
    if without_pages or name.startswith(('open', 'decode')):
        return [PLAIN, FAST]
    return [PLAIN, PLAIN_PAGES, FAST]


def measure(tasks: Sequence[Task], host: Mapping[str, Any]) -> list[Row]:
    """Measure tasks of one setting in a child process, which has that setting's allocator."""
    setting = tasks[0].setting
    done = subprocess.run(
        [*child_command('benchmark'), '--child', json.dumps([asdict(task) for task in tasks])],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'PYSKL_KEEP_PAGES': '0' if setting == PLAIN else '1'},
    )
    if done.returncode:
        names = ', '.join(task.name for task in tasks)
        raise UserError(f'measuring {names} ({setting}) failed:\n{done.stderr[-2000:]}')
    figures = [Figure(**found) for found in json.loads(done.stdout.splitlines()[-1])]
    return [
        Row(f.name, setting, f.value, f.unit, f.better, note=f.note + share_of_peak(f, host))
        for f in figures
    ]


def measure_here(text: str) -> None:
    """Measure the tasks of a JSON text in this process, and print their figures as JSON."""
    tasks = [Task(**task) for task in json.loads(text)]
    keep_pages()
    set_determinism(False, cudnn_benchmark=True)
    figures = [figure for task in tasks for figure in MEASURES[task.name.split('_')[0]](task)]
    print(json.dumps([asdict(figure) for figure in figures]))
