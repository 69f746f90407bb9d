"""How fast, and how much faster than the plain way, measured in one run: python tools/benchmark.py [--quick] [--json FILE].

Every figure is taken in a process of its own. `plain` is the published way of doing it: heatmaps drawn by numpy loops in the
loader, float32, contiguous volumes, 3-D convolutions, BatchNorm apart, every view through the whole network. `plain, pages kept`
is the same with an allocator that keeps freed pages. `ratio` says how many times better than plain, `ratio_allocator` than plain
with pages kept.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from ..annotations import write_annotations
from ..annotations.packing import write_packed
from ..apis.setup import read_run
from ..benchmarks.graphs import GRAPH_NETWORKS, graph_network_call, pose_steps_call
from ..benchmarks.onnx import IS_INSTALLED, onnx_call
from ..benchmarks.timing import best_seconds, machine
from ..benchmarks.videos import CLIP_LEN, decord_seconds, loader_seconds, write_videos
from ..datasets import PoseDataset, build_dataloader, build_dataset
from ..datasets.loader import SeededSamples
from ..engine.batch import compute_losses, predict
from ..engine.distributed import choose_device
from ..engine.machine import has_bf16, keep_pages, set_determinism
from ..engine.optimizer import build_optimizer
from ..errors import UserError
from ..files.atomic import atomic_write
from ..inputs.heatmaps import Heatmaps
from ..inputs.heatmaps.reference import render_slowly
from ..models import build_model, fuse_conv_bn, speed_up
from ..sources.imigue import read_raw
from ..sources.synthetic import write_demo_data
from .calling import Parser, process
from .places import configs_folder

CONFIGS = configs_folder() / 'posec3d' / 'slowonly_r50_imigue_2dkp_emb20'
STREAMS = ('joint', 'limb')
PLAIN, PLAIN_PAGES, OURS = 'plain', 'plain, pages kept', 'ours'
GFLOP_56, GFLOP_64 = (
    2 * 17.0,
    2 * 22.1,
)  # multiplications and additions of a forward pass, a clip of 48 frames at 56x56, 64x64
BATCH = 4  # clips of a training step
FULL = 3  # repeats at least, but for --quick
NUM_CLIPS = 64
SLOW_CLIPS = 24  # of them, where each takes a tenth of a second
GCN = [
    f'gcn_{way}_{network}_{people}'
    for network in GRAPH_NETWORKS
    for way in ('train', 'eval')
    for people in (1, 2)
]
POSE_STEPS = ['steps_3d_1', 'steps_3d_2']
QUICK_GCN = [name for name in GCN if name.split('_')[2] in ('stgcnpp', 'ctrgcn')]


@dataclass
class Row:
    """One line of the result. `better` says which way the value goes: 'more' or 'less'."""

    name: str
    setting: str
    value: float
    unit: str
    better: str
    ratio: float | None = None
    ratio_allocator: float | None = None
    note: str = ''


@dataclass
class Task:
    """What one child process measures."""

    name: str
    setting: str
    folder: str
    device: str
    repeats: int
    threads: int

    @property
    def stream(self) -> str:
        return 'limb' if self.name.endswith('limb') else 'joint'

    @property
    def at_least(self) -> float:
        return 30.0 if self.repeats == FULL else 0.0

    @property
    def ours(self) -> bool:
        return self.setting == OURS

    def dataset(self, split: str):
        cfg = read_run(CONFIGS / f'{self.stream}.py').recipe
        return build_dataset(
            {**getattr(cfg.data, split), 'ann_file': f'{self.folder}/clips.pkl'},
            {'test_mode': split != 'train'},
        )


def slow_imgs(clips: Heatmaps) -> torch.Tensor:
    """What the plain way hands to the model: heatmaps (1, views, C, T, H, W) drawn by numpy, one clip."""
    _, views, people, frames, joints, _ = clips.keypoint.shape
    xy = clips.keypoint[0].permute(1, 0, 2, 3, 4).reshape(people, views * frames, joints, 2).numpy()
    score = (
        clips.keypoint_score[0].permute(1, 0, 2, 3).reshape(people, views * frames, joints).numpy()
    )
    maps = render_slowly(xy, score, clips.size, clips.spec)
    shape = clips.shape
    return torch.from_numpy(maps).view(1, shape[1], shape[3], shape[2], *shape[4:]).transpose(2, 3)


@dataclass
class Figure:
    """What a child process found; `gflops` per second, to be held against the machine's peak."""

    name: str
    value: float
    unit: str
    better: str
    note: str = ''
    gflops: float | None = None


# -- what is measured: each takes a Task and gives its Figures -----------------------------------------------------------------------


def render(task: Task):
    dataset, device = task.dataset('train'), choose_device(task.device)
    torch.set_num_threads(1)
    count = 256 if device.type == 'cuda' else 8
    samples = SeededSamples(dataset, seed=0)
    clips = Heatmaps.collate([samples[0, i % NUM_CLIPS]['imgs'] for i in range(count)]).to(device)
    if not task.ours:
        one = samples[0, 0]['imgs']
        return [
            Figure(
                task.name,
                1 / best_seconds(lambda: slow_imgs(one), task.repeats),
                'clips/s',
                'more',
                'one thread',
            )
        ]
    seconds = best_seconds(lambda: clips.draw(channels_last=True), 3 * task.repeats, device)
    written = 4 * int(np.prod(clips.shape)) / seconds / 1e9
    target, source = torch.ones(2, int(np.prod(clips.shape)), device=device)
    copied = (
        4 * target.numel() / best_seconds(lambda: target.copy_(source), task.repeats, device) / 1e9
    )
    note = f'one thread; {written:.1f} GB/s written, a copy writes {copied:.1f}'
    return [Figure(task.name, count / seconds, 'clips/s', 'more', note)]


def pipeline(task: Task):
    dataset, count = task.dataset('train'), NUM_CLIPS if task.ours else SLOW_CLIPS
    samples = SeededSamples(dataset, seed=0)  # as a worker runs it
    torch.set_num_threads(1)

    def whole() -> None:
        for i in range(count):
            clips = samples[0, i]['imgs']
            if not task.ours:
                slow_imgs(clips)

    return [
        Figure(
            task.name,
            1e3 * best_seconds(whole, task.repeats) / count,
            'ms/clip',
            'less',
            'one thread',
        )
    ]


class DrawnSlowly:
    """A dataset as the plain way has it: the worker draws, and hands on whole heatmaps."""

    test_mode = False

    def __init__(self, dataset):
        self.dataset, self.labels = dataset, dataset.labels[:SLOW_CLIPS]

    def __len__(self) -> int:
        return SLOW_CLIPS

    def __getitem__(self, index: int) -> dict:
        sample = self.dataset.sample(index)
        return {**sample, 'imgs': slow_imgs(sample['imgs'].input())[0]}


def loader(task: Task):
    dataset = task.dataset('train')
    torch.set_num_threads(1)
    workers = int(task.name[-1]) if task.name[-1].isdigit() else 2
    batches = build_dataloader(dataset if task.ours else DrawnSlowly(dataset), BATCH, workers)
    epochs, count = (12 * task.repeats, NUM_CLIPS) if task.ours else (task.repeats, SLOW_CLIPS)
    next(iter(batches.epoch(0)))['label'].sum()
    start = time.perf_counter()
    for epoch in range(1, 1 + epochs):
        for batch in batches.epoch(epoch):
            imgs = batch['imgs']
    seconds = time.perf_counter() - start
    size = (
        imgs.nbytes if torch.is_tensor(imgs) else imgs.keypoint.nbytes + imgs.keypoint_score.nbytes
    )
    return [
        Figure(
            task.name,
            epochs * count / seconds,
            'clips/s',
            'more',
            f'{workers} workers, {size // len(imgs):,} bytes a clip',
        )
    ]


def scale(task: Task) -> list[Figure]:
    """Opening an annotation file and preparing one clip, by the number of clips in it. Plain is the pickle, ours the packed form."""
    count = int(task.name.rpartition('_')[2])
    path = f'{task.folder}/{count}.{"packed" if task.ours else "pkl"}'
    pipeline = read_run(CONFIGS / 'joint.py').recipe.data.train['pipeline']
    torch.set_num_threads(1)
    start = time.perf_counter()
    dataset = PoseDataset(path, pipeline, split='train')
    seconds = time.perf_counter() - start
    chosen = np.random.default_rng(0).integers(0, count, 500).tolist()
    sample = best_seconds(lambda: [dataset.sample(i) for i in chosen], task.repeats) / len(chosen)
    return [
        Figure(task.name, seconds, 's', 'less', 'opening'),
        Figure(f'sample_{count}', 1e3 * sample, 'ms/clip', 'less', 'one thread'),
    ]


def network(task: Task, device: torch.device) -> torch.nn.Module:
    torch.manual_seed(0)
    model = build_model(read_run(CONFIGS / f'{task.stream}.py').recipe.model).to(device)
    return speed_up(model) if task.ours else model


def train(task: Task):
    device = choose_device(task.device)
    torch.set_num_threads(task.threads)
    dataset, model, amp = (
        task.dataset('train'),
        network(task, device),
        'bf16' if 'bf16' in task.name and task.ours else None,
    )
    batch = next(iter(build_dataloader(dataset, NUM_CLIPS if device.type == 'cuda' else BATCH)))
    if not task.ours:
        batch['imgs'] = torch.cat(
            [slow_imgs(dataset.sample(i)['imgs'].input()) for i in range(len(batch['label']))]
        )
    if device.type == 'cuda':
        batch = {
            key: value.pin_memory() if hasattr(value, 'pin_memory') else value
            for key, value in batch.items()
        }
    optimizer = build_optimizer(
        model, {'type': 'SGD', 'lr': 1e-4, 'momentum': 0.9, 'weight_decay': 3e-4}
    )
    model.cls_head.learn_labels(None, dataset.classes.vectors)

    def step() -> None:
        losses = compute_losses(model, batch, device, amp)
        optimizer.zero_grad(set_to_none=True)
        losses['loss'].backward()
        optimizer.step()

    seconds = best_seconds(step, task.repeats, device, task.at_least)
    clips = len(batch['label'])
    peak = (
        torch.cuda.max_memory_allocated(device)
        if device.type == 'cuda'
        else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    )
    note = f'batch of {clips}, {clips / seconds:.2f} clips/s'
    return [
        Figure(task.name, seconds, 's/step', 'less', note, 3 * GFLOP_56 * clips / seconds),
        Figure(
            f'memory_{task.name.removesuffix("_fp32")}',
            peak / 2**30,
            'GB',
            'less',
            f'peak, batch of {clips}',
        ),
    ]


def test(task: Task):
    device = choose_device(task.device)
    torch.set_num_threads(task.threads)
    model, amp = network(task, device).eval(), 'bf16' if 'bf16' in task.name and task.ours else None
    imgs = SeededSamples(task.dataset('test'), seed=0)[0, 0]['imgs']
    if task.ours:
        fuse_conv_bn(model)
    else:
        imgs = slow_imgs(imgs)
        model.test_cfg = type(model.test_cfg)(max_testing_views=4)
    imgs = imgs.pin_memory() if device.type == 'cuda' else imgs
    seconds = best_seconds(
        lambda: predict(model, {'imgs': imgs}, device, amp), task.repeats, device, task.at_least
    )
    return [
        Figure(
            task.name,
            seconds,
            's/sample',
            'less',
            f'20 views, {1 / seconds:.2f} samples/s',
            20 * GFLOP_64 / seconds,
        )
    ]


def onnx(task: Task) -> list[Figure]:
    """The same sample as `test`, its sampling included. Where the extra is not installed there is nothing to measure."""
    if not (task.ours and IS_INSTALLED):
        return []
    torch.set_num_threads(task.threads)
    call = onnx_call(
        CONFIGS / f'{task.stream}.py', task.dataset('test').video_infos[0], task.threads
    )
    seconds = best_seconds(call, task.repeats, at_least=task.at_least)
    return [
        Figure(
            task.name,
            seconds,
            's/sample',
            'less',
            f'20 views by onnxruntime, {1 / seconds:.2f} samples/s',
        )
    ]


def graph_network(task: Task) -> list[Figure]:
    _, way, network, people = task.name.split('_')
    device, clips = choose_device(task.device), 64 if task.device.startswith('cuda') else 2
    torch.set_num_threads(1)
    call = graph_network_call(network, way, int(people), task.ours, device, clips, configs_folder())
    clock = time.perf_counter if device.type == 'cuda' else time.process_time
    seconds = best_seconds(call, 2 * task.repeats, device, task.at_least / 6, clock)
    return [
        Figure(task.name, 1e3 * seconds / clips, 'ms/clip', 'less', f'batch of {clips}, one thread')
    ]


def pose_steps(task: Task) -> list[Figure]:
    torch.set_num_threads(1)
    seconds = best_seconds(
        pose_steps_call(int(task.name[-1]), task.ours),
        1000 if task.ours else 100,
        clock=time.process_time,
    )
    return [
        Figure(task.name, 1e3 * seconds, 'ms/clip', 'less', 'one thread; plain: frame by frame')
    ]


def decode(task: Task) -> list[Figure]:
    """Frames of videos: plain is decord alone, ours DecordInit and DecordDecode in a worker of the loader."""
    torch.set_num_threads(1)
    folder, number = Path(task.folder) / task.setting, 12 * task.repeats
    folder.mkdir()
    dataset = write_videos(folder, number)
    once = (
        (lambda: loader_seconds(dataset, 1))
        if task.ours
        else (lambda: decord_seconds(dataset, folder))
    )
    seconds = min(once() for _ in range(1 + task.repeats))
    return [
        Figure(
            task.name,
            CLIP_LEN * number / seconds,
            'frames/s',
            'more',
            'one worker, 256 x 340; plain: decord alone',
        )
    ]


MEASURES = {
    'gcn': graph_network,
    'steps': pose_steps,
    'render': render,
    'pipeline': pipeline,
    'loader': loader,
    'train': train,
    'test': test,
    'open': scale,
    'decode': decode,
    'onnx': onnx,
}
SIZES = (1_000, 20_000)  # clips in a file
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
SAME_PLAIN = {
    'train_bf16': 'train_fp32',
    'test_bf16': 'test_fp32',
    'onnx_fp32': 'test_fp32',
    'memory_train_bf16': 'memory_train',
}  # the plain way is float32


def measure(tasks: Sequence[Task], host: dict) -> list[Row]:
    """The figures of tasks of one setting, from a child process that starts with the allocator which they are to be measured with."""
    setting, keep = tasks[0].setting, '0' if tasks[0].setting == PLAIN else '1'
    done = subprocess.run(
        [*process('benchmark'), '--child', json.dumps([asdict(task) for task in tasks])],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'PYSKL_KEEP_PAGES': keep},
    )
    if done.returncode:
        raise UserError(
            f'measuring {", ".join(task.name for task in tasks)} ({setting}) '
            f'failed:\n{done.stderr[-2000:]}'
        )
    figures = [Figure(**found) for found in json.loads(done.stdout.splitlines()[-1])]
    return [
        Row(f.name, setting, f.value, f.unit, f.better, note=f.note + of_peak(f, host))
        for f in figures
    ]


def of_peak(figure: Figure, host: dict) -> str:
    """The plain way's arithmetic per second; that of ours may be less, so its share of the peak may be above what it computes."""
    peak = host.get(f'matmul_gflops_{figure.name.partition("_")[2]}')
    if figure.gflops is None or not peak:
        return ''
    return f", {figure.gflops:.0f} GFLOP/s of the plain way's arithmetic, {figure.gflops / peak:.0%} of the peak"


def child(text: str) -> None:
    tasks = [Task(**task) for task in json.loads(text)]
    keep_pages()
    set_determinism(False, cudnn_benchmark=True)
    print(
        json.dumps(
            [asdict(figure) for task in tasks for figure in MEASURES[task.name.split('_')[0]](task)]
        )
    )


def with_ratios(rows: list[Row]) -> list[Row]:
    """Fill in how many times better each of our rows is than the plain ones."""
    found = {(row.name, row.setting): row for row in rows}
    for row in rows:
        for field, setting in (('ratio', PLAIN), ('ratio_allocator', PLAIN_PAGES)):
            other = found.get((row.name, setting)) or found.get((SAME_PLAIN.get(row.name), setting))
            if other is not None:
                setattr(
                    row,
                    field,
                    row.value / other.value if row.better == 'more' else other.value / row.value,
                )
    return rows


def make_clips(folder: Path, sizes: Sequence[int]) -> None:
    write_demo_data(folder, NUM_CLIPS, 0, 0, seed=1)
    annotations = read_raw(folder, 'train')
    names = [a['frame_dir'] for a in annotations]
    write_annotations(folder / 'clips.pkl', {'train': names, 'test': names}, annotations)
    for size in sizes:
        many = [{**annotations[i % NUM_CLIPS], 'frame_dir': f'{i:07d}'} for i in range(size)]
        split = {'train': [a['frame_dir'] for a in many]}
        write_annotations(folder / f'{size}.pkl', split, many)
        write_packed(folder / f'{size}.packed', many, {'train': np.arange(size)})


def show(row: Row) -> None:
    ratios = '  '.join(
        f'{value:7.2f}x' if value is not None else ' ' * 8
        for value in (row.ratio, row.ratio_allocator)
    )
    print(
        f'{row.name:21}{row.setting:20}{row.value:12.4g} {row.unit:9}{ratios}  {row.note}',
        flush=True,
    )


def groups(names: Sequence[str], device: torch.device) -> list[list[str]]:
    """What is measured in one process: all that the host does, since a start costs seconds; all of a graph network; else each alone."""
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


def settings(name: str, names: Sequence[str], quick: bool) -> list[str]:
    if SAME_PLAIN.get(name) in names:
        return [OURS]
    return (
        [PLAIN, OURS]
        if quick or name.startswith(('open', 'decode'))
        else [PLAIN, PLAIN_PAGES, OURS]
    )


def main(argv: Sequence[str] | None = None) -> None:
    parser = Parser(description=__doc__.split('\n')[0])
    parser.add_argument(
        '--quick',
        action='store_true',
        help='about two minutes: plain once, without pages kept; no scaling',
    )
    parser.add_argument('--json', metavar='FILE', help='write the rows there')
    parser.add_argument(
        '--only',
        nargs='+',
        metavar='NAME',
        choices=[*ON_HOST, *SCALING, *ON_DEVICE, 'gcn', *POSE_STEPS, *GCN],
        help="these lines only; gcn: the graph networks'",
    )
    parser.add_argument('--device', help='cpu, cuda (default: cuda where there is one)')
    parser.add_argument('--child', help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.child:
        return child(args.child)
    device, threads = choose_device(args.device), torch.get_num_threads()
    host = machine(device, threads)
    print(', '.join(f'{key}: {value}' for key, value in host.items()))
    gcn = [*POSE_STEPS, *(QUICK_GCN if args.quick else GCN)]
    names = [*ON_HOST, *(() if args.quick else SCALING), *ON_DEVICE, *gcn]
    if args.only:
        names = [name for only in args.only for name in (gcn if only == 'gcn' else [only])]
    rows, shown = [], 0
    with tempfile.TemporaryDirectory() as folder:
        make_clips(
            Path(folder),
            [int(name.rpartition('_')[2]) for name in names if name.startswith('open')],
        )
        for group in groups(names, device):
            for setting in settings(group[0], names, args.quick):
                repeats = FULL if not args.quick else 2 if setting == OURS else 1
                rows += measure(
                    [Task(name, setting, folder, str(device), repeats, threads) for name in group],
                    host,
                )
                for row in with_ratios(rows)[shown:]:
                    show(row)
                shown = len(rows)
    if args.json:
        with atomic_write(args.json, 'w', encoding='utf-8') as f:
            json.dump({'machine': host, 'rows': [asdict(row) for row in rows]}, f, indent=1)
        print(f'wrote {args.json}')
