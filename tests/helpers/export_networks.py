"""Small networks of every family, their weights by formula, for the tests of exported files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tiny
import tiny_graph
import torch
from graph_goldens import fill
from torch import nn

from pyskl.apis import init_recognizer
from pyskl.apis.export import graph_with_steps, made_up_clips
from pyskl.apis.inference import class_scores
from pyskl.onnx import GraphAbout, GraphRecognizer

SIZES = 'base_channels=8, num_stages=3, inflate_stages=[2], down_stages=[3]'
MULTI = "gcn_ratio=0.125, gcn_ctr='T', gcn_ada='T', tcn_ms_cfg=[(3, 1), (3, 2), ('max', 3), '1x1']"
RANDOM = "graph_cfg=dict(layout=layout, mode='random', num_filter=4)"
SPATIAL = "graph_cfg=dict(layout=layout, mode='spatial')"


def network(arguments: str, features: int, feats: str = "['j']", people: int = 2) -> str:
    """Lines of a config that put another backbone in place of tiny_graph's."""
    return f"""
prepare[1]['feats'] = {feats}
model.update(
    backbone=dict({arguments}, num_person={people}),
    cls_head=dict(type='GCNHead', num_classes=3, in_channels={features}, emb_dim=6))
"""


GRAPHS = {
    'STGCN': network(
        f"type='STGCN', {SIZES}, graph_cfg=dict(layout=layout, mode='stgcn_spatial')", 16
    ),
    'ST-GCN++': network(
        f"type='STGCN', {SIZES}, gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn', {SPATIAL}",
        16,
    ),
    'AAGCN': network(f"type='AAGCN', {SIZES}, {SPATIAL}", 16),
    'CTRGCN': network(f"type='CTRGCN', {SIZES}, {SPATIAL}", 16),
    'MSG3D': network(
        "type='MSG3D', base_channels=12, num_gcn_scales=3, num_g3d_scales=2, "
        "graph_cfg=dict(layout=layout, mode='binary_adj')",
        48,
    ),
    'DGSTGCN': network(f"type='DGSTGCN', {SIZES}, {MULTI}, {RANDOM}", 16),
    'ProtoGCN': network(f"type='ProtoGCN', {SIZES}, {MULTI}, num_prototype=5, {RANDOM}", 16),
    'SGN': network("type='SGN', base_channels=4, T=30, V=5", 32).replace(', num_person=2', '')
    + 'for steps in (train_pipeline, test_pipeline):\n    steps[2] = dict(steps[2], clip_len=30)\n',
    'bones and joints': network(
        f"type='STGCN', {SIZES}, in_channels=9, {SPATIAL}", 16, "['j', 'b', 'k']"
    ),
    'motion': network(f"type='STGCN', {SIZES}, in_channels=6, {SPATIAL}", 16, "['b', 'jm']"),
}
HEATMAPS = {
    'joint': '',
    'limb': '',
    'joint and limb': 'heatmap.update(with_kp=True)\nmodel["backbone"]["in_channels"] = 9\n',
    'motion': 'heatmap.update(motion=True)\n',
    'all scores 1': 'heatmap.update(use_score=False)\n',
    'half the size': 'heatmap.update(scaling=0.5, sigma=0.4)\n',
    'C3D': (
        "model['backbone'] = dict(type='C3D', in_channels=5, base_channels=4, num_stages=3, "
        "temporal_downsample=False)\nmodel['cls_head']['in_channels'] = 32\n"
    ),
    'X3D': (
        "model['backbone'] = dict(type='X3D', in_channels=5, base_channels=8, num_stages=2, "
        "stage_blocks=(1, 1))\nmodel['cls_head']['in_channels'] = 36\n"
    ),
    'SlowFast': (
        'path = dict(depth=18, in_channels=5, num_stages=2, spatial_strides=(1, 2), '
        'temporal_strides=(1, 1), inflate=(0, 1))\n'
        "model['backbone'] = dict(\n"
        "    type='ResNet3dSlowFast', resample_rate=4, speed_ratio=4, channel_ratio=4,\n"
        '    slow_pathway=dict(path, lateral=True, base_channels=16, fusion_kernel=5),\n'
        '    fast_pathway=dict(path, base_channels=4))\n'
        "model['cls_head'].update(type='SlowFastHead', in_channels=40)\n"
    ),
    'short edge': (
        'head[1] = dict(head[1], hw_ratio=None, allow_imgpad=False)\n'
        "sizes = [dict(type='Resize', scale=(-1, 18)), dict(type='CenterCrop', crop_size=16)]\n"
    ),
}
# What a change above may replace is used behind it.
LATE = """
test_pipeline = [
    dict(type='UniformSampleFrames', clip_len=clip_len, num_clips=2), *head, *sizes,
    dict(heatmap, double=True, **sides), *tail, dict(type='ToTensor', keys=['imgs', 'emb'])]
data['test']['pipeline'] = test_pipeline
"""


def heatmap_config(folder: Path, name: str) -> Path:
    """A config of HEATMAPS."""
    early = "sizes = [dict(type='Resize', scale=(16, 16), keep_ratio=False)]\n"
    limbs = 'limb' in name
    return tiny.write_config(
        folder, f'{name}.py'.replace(' ', '_'), limbs, early + HEATMAPS[name] + LATE
    )


def graph_config(folder: Path, name: str, in_space: bool = False) -> Path:
    """A config of GRAPHS."""
    file = f'{name}{in_space}.py'.replace(' ', '_')
    return tiny_graph.write_config(folder, file, GRAPHS[name], people=2, in_space=in_space)


def filled(config: Path, most: float = 3000) -> nn.Module:
    """The model of a config, its weights by formula; clips of its kind get answers far apart.

    Args:
        config: its file.
        most: how many times the differences between clips may be enlarged for that, errors too.
    """
    model = fill(init_recognizer(config, device='cpu'), random_graph='random' in config.read_text())
    scores = np.log(np.stack(list(class_scores(model, made_up_clips(model)[:3], 'all'))))
    scores -= scores.mean(1, keepdims=True)
    gain = min(1 / float(scores.std(0).max()), most)
    layer, middle = model.cls_head.fc_cls, torch.from_numpy(scores.mean(0))
    with torch.no_grad():
        layer.weight.mul_(gain)
        layer.bias.sub_(middle).mul_(gain)
    return model


def eager(model: nn.Module, precision: str = 'fp32') -> GraphRecognizer:
    """What a file of the model would answer, its graph run by torch as it stands."""
    graph, about = graph_with_steps(model, precision)
    graph.eval()

    def run(feeds: dict[str, np.ndarray]) -> np.ndarray:
        with torch.no_grad():
            return graph(
                *(torch.from_numpy(np.ascontiguousarray(feeds[n])) for n in graph.inputs)
            ).numpy()

    shapes = dict(zip(graph.inputs, ([None] * given.ndim for given in graph.example())))
    return GraphRecognizer(GraphAbout.from_json(about.to_json(), 'file'), 'file', run, shapes)
