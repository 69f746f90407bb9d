"""The measurements of `pyskl benchmark`: each takes a Task and returns its figures."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..apis.setup import read_run
from ..datasets import PoseDataset, build_dataloader
from ..datasets.loader import SeededSamples
from ..engine.batch import compute_losses, predict
from ..engine.distributed import choose_device
from ..engine.optimizer import build_optimizer
from ..inputs.heatmaps import Heatmaps
from ..models import build_model, fuse_conv_bn, speed_up
from .graphs import graph_network_call, pose_steps_call
from .onnx import IS_INSTALLED, onnx_call
from .plain import SLOW_CLIPS, DrawnSlowly, draw_slowly
from .task import NUM_CLIPS, Figure, Task
from .timing import best_seconds
from .videos import CLIP_LEN, decord_seconds, loader_seconds, write_videos

# GFLOP of a forward pass on a clip of 48 frames at 56 x 56 and at 64 x 64: 2 per multiply-add.
GFLOP_56, GFLOP_64 = 2 * 17.0, 2 * 22.1
BATCH = 4  # clips of a training step on the CPU


def render(task: Task) -> list[Figure]:
    """Measure how fast heatmaps are drawn."""
    device = choose_device(task.device)
    torch.set_num_threads(1)
    samples = SeededSamples(task.dataset('train'), seed=0)
    if not task.fast:
        one = samples[0, 0]['imgs']
        seconds = best_seconds(lambda: draw_slowly(one), task.repeats)
        return [Figure(task.name, 1 / seconds, 'clips/s', 'more', 'one thread')]

    count = 256 if device.type == 'cuda' else 8
    clips = Heatmaps.collate([samples[0, i % NUM_CLIPS]['imgs'] for i in range(count)]).to(device)
    seconds = best_seconds(lambda: clips.draw(channels_last=True), 3 * task.repeats, device)

    # compare with the speed at which memory is copied
    target, source = torch.ones(2, int(np.prod(clips.shape)), device=device)
    copy_seconds = best_seconds(lambda: target.copy_(source), task.repeats, device)
    written, copied = (4 * target.numel() / spent / 1e9 for spent in (seconds, copy_seconds))
    note = f'one thread; {written:.1f} GB/s written, a copy writes {copied:.1f}'
    return [Figure(task.name, count / seconds, 'clips/s', 'more', note)]


def pipeline(task: Task) -> list[Figure]:
    """Measure how long a worker prepares a training clip."""
    samples, count = SeededSamples(task.dataset('train'), seed=0), _num_clips(task)
    torch.set_num_threads(1)

    def prepare() -> None:
        for i in range(count):
            clips = samples[0, i]['imgs']
            if not task.fast:
                draw_slowly(clips)

    seconds = best_seconds(prepare, task.repeats)
    return [Figure(task.name, 1e3 * seconds / count, 'ms/clip', 'less', 'one thread')]


def loader(task: Task) -> list[Figure]:
    """Measure the training clips a second of the loader; a name's last digit is its workers."""
    dataset = task.dataset('train')
    torch.set_num_threads(1)
    workers = int(task.name[-1]) if task.name[-1].isdigit() else 2
    batches = build_dataloader(dataset if task.fast else DrawnSlowly(dataset), BATCH, workers)
    epochs, count = (12 if task.fast else 1) * task.repeats, _num_clips(task)
    next(iter(batches.epoch(0)))['label'].sum()
    start = time.perf_counter()
    for epoch in range(1, 1 + epochs):
        for batch in batches.epoch(epoch):
            imgs = batch['imgs']
    seconds = time.perf_counter() - start
    parts = (imgs,) if torch.is_tensor(imgs) else (imgs.keypoint, imgs.keypoint_score)
    size = sum(part.nbytes for part in parts) // len(imgs)
    note = f'{workers} workers, {size:,} bytes a clip'
    return [Figure(task.name, epochs * count / seconds, 'clips/s', 'more', note)]


def _num_clips(task: Task) -> int:
    return NUM_CLIPS if task.fast else SLOW_CLIPS


def annotation_file(task: Task) -> list[Figure]:
    """Measure opening an annotation file and preparing a clip, by the number of its clips.

    The plain form is the pickle, the fast one the packed folder.
    """
    count = int(task.name.rpartition('_')[2])
    path = f'{task.folder}/{count}.{"packed" if task.fast else "pkl"}'
    steps = (read_run(task.config).recipe.data.train or {})['pipeline']
    torch.set_num_threads(1)
    start = time.perf_counter()
    dataset = PoseDataset(path, steps, split='train')
    seconds = time.perf_counter() - start
    chosen = np.random.default_rng(0).integers(0, count, 500).tolist()
    sample = best_seconds(lambda: [dataset.sample(i) for i in chosen], task.repeats) / len(chosen)
    return [
        Figure(task.name, seconds, 's', 'less', 'opening'),
        Figure(f'sample_{count}', 1e3 * sample, 'ms/clip', 'less', 'one thread'),
    ]


def network(task: Task, device: torch.device) -> Any:
    """Build the task's recognizer with random weights."""
    torch.manual_seed(0)
    model = build_model(read_run(task.config).recipe.model or {}).to(device)
    return speed_up(model) if task.fast else model


def _amp(task: Task) -> str | None:
    return 'bf16' if 'bf16' in task.name and task.fast else None


def train(task: Task) -> list[Figure]:
    """Measure a training step and the memory that it takes."""
    device = choose_device(task.device)
    torch.set_num_threads(task.threads)
    dataset, model, amp = task.dataset('train'), network(task, device), _amp(task)
    batch = next(iter(build_dataloader(dataset, NUM_CLIPS if device.type == 'cuda' else BATCH)))
    clips = len(batch['label'])
    if not task.fast:
        drawn = [draw_slowly(dataset.sample(i)['imgs'].input()) for i in range(clips)]
        batch['imgs'] = torch.cat(drawn)
    if device.type == 'cuda':
        batch = {k: v.pin_memory() if hasattr(v, 'pin_memory') else v for k, v in batch.items()}
    optimizer = build_optimizer(
        model, {'type': 'SGD', 'lr': 1e-4, 'momentum': 0.9, 'weight_decay': 3e-4}
    )
    model.cls_head.learn_labels(None, dataset.classes.vectors)

    def step() -> None:
        losses = compute_losses(model, batch, device, amp)
        optimizer.zero_grad(set_to_none=True)
        losses['loss'].backward()
        optimizer.step()

    seconds = best_seconds(step, task.repeats, device, task.min_seconds)
    on_cuda = device.type == 'cuda'
    resident = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = torch.cuda.max_memory_allocated(device) if on_cuda else resident
    note, gflops = f'batch of {clips}, {clips / seconds:.2f} clips/s', 3 * GFLOP_56 * clips
    memory = f'memory_{task.name.removesuffix("_fp32")}'
    return [
        Figure(task.name, seconds, 's/step', 'less', note, gflops / seconds),
        Figure(memory, peak / 2**30, 'GB', 'less', f'peak, batch of {clips}'),
    ]


def test(task: Task) -> list[Figure]:
    """Measure how long a test sample of 20 views takes."""
    device = choose_device(task.device)
    torch.set_num_threads(task.threads)
    model, amp = network(task, device).eval(), _amp(task)
    imgs = SeededSamples(task.dataset('test'), seed=0)[0, 0]['imgs']
    if task.fast:
        fuse_conv_bn(model)
    else:
        imgs = draw_slowly(imgs)
        model.test_cfg = type(model.test_cfg)(max_testing_views=4)
    imgs = imgs.pin_memory() if device.type == 'cuda' else imgs
    seconds = best_seconds(
        lambda: predict(model, {'imgs': imgs}, device, amp), task.repeats, device, task.min_seconds
    )
    note = f'20 views, {1 / seconds:.2f} samples/s'
    return [Figure(task.name, seconds, 's/sample', 'less', note, 20 * GFLOP_64 / seconds)]


def onnx(task: Task) -> list[Figure]:
    """Measure onnxruntime on the sample of `test`, sampling included; nothing without the extra."""
    if not (task.fast and IS_INSTALLED):
        return []
    torch.set_num_threads(task.threads)
    call = onnx_call(task.config, task.dataset('test').video_infos[0], task.threads)
    seconds = best_seconds(call, task.repeats, at_least=task.min_seconds)
    note = f'20 views by onnxruntime, {1 / seconds:.2f} samples/s'
    return [Figure(task.name, seconds, 's/sample', 'less', note)]


def graph_network(task: Task) -> list[Figure]:
    """Measure a graph network on one thread, in CPU time where it runs on the CPU."""
    _, way, name, people = task.name.split('_')
    device, clips = choose_device(task.device), 64 if task.device.startswith('cuda') else 2
    torch.set_num_threads(1)
    call = graph_network_call(
        name, way == 'train', int(people), task.fast, device, clips, Path(task.configs)
    )
    clock = time.perf_counter if device.type == 'cuda' else time.process_time
    seconds = best_seconds(call, 2 * task.repeats, device, task.min_seconds / 6, clock)
    note = f'batch of {clips}, one thread'
    return [Figure(task.name, 1e3 * seconds / clips, 'ms/clip', 'less', note)]


def pose_steps(task: Task) -> list[Figure]:
    """Measure the pipeline before a graph network."""
    torch.set_num_threads(1)
    call, repeats = pose_steps_call(int(task.name[-1]), task.fast), 1000 if task.fast else 100
    seconds = best_seconds(call, repeats, clock=time.process_time)
    note = 'one thread; plain: frame by frame'
    return [Figure(task.name, 1e3 * seconds, 'ms/clip', 'less', note)]


def decode(task: Task) -> list[Figure]:
    """Measure decoding videos: by decord alone, or by the pipeline in a loader's worker."""
    torch.set_num_threads(1)
    folder, number = Path(task.folder) / task.setting, 12 * task.repeats
    folder.mkdir()
    dataset = write_videos(folder, number)

    def once() -> float:
        return loader_seconds(dataset, 1) if task.fast else decord_seconds(dataset, folder)

    seconds = min(once() for _ in range(1 + task.repeats))
    note = 'one worker, 256 x 340; plain: decord alone'
    return [Figure(task.name, CLIP_LEN * number / seconds, 'frames/s', 'more', note)]


# By the first word of a task's name.
MEASURES: dict[str, Callable[[Task], list[Figure]]] = {
    'gcn': graph_network,
    'steps': pose_steps,
    'render': render,
    'pipeline': pipeline,
    'loader': loader,
    'train': train,
    'test': test,
    'open': annotation_file,
    'decode': decode,
    'onnx': onnx,
}
