"""Small networks of every family, their weights by formula, for the tests of exported files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tiny
import tiny_graph
import torch
from graph_goldens import fill
from torch import nn
from two_pathways import RGBPOSE

from pyskl.apis import init_recognizer
from pyskl.apis.export import graph_with_steps
from pyskl.apis.export_check import made_up_clips
from pyskl.apis.inference import test_sample
from pyskl.datasets.loader import collate
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
        f"type='STGCN', {SIZES}, gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn', "
        f'{SPATIAL}',
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
    'bones in motion': network(
        f"type='STGCN', {SIZES}, in_channels=6, {SPATIAL}", 16, "['b', 'jm']"
    ),
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


READ = "dict(type='DecordInit'), dict(type='SampleFrames', {}), dict(type='DecordDecode')"
BOTH = (
    "dict(type='MMUniformSampleFrames', clip_len={}, num_clips=2), dict(type='MMDecode'), "
    "dict(type='MMCompact', hw_ratio=1.0), dict(type='Resize', scale=(32, 32), keep_ratio=False)"
)
TO_16 = "dict(type='Resize', scale=(16, 16), keep_ratio=False)"
SLOW = (
    "dict(type='ResNet3dSlowOnly', depth=50, base_channels=4, num_stages=2, out_indices=(1,), "
    'stage_blocks=(1, 1), conv1_kernel=(1, 3, 3), conv1_stride=(1, 1), pool1_stride=(1, 1), '
    'spatial_strides=(2, 2), temporal_strides=(1, 1), inflate=(0, 1))'
)
RESNET = "dict(type='ResNet', depth=18, num_stages=1, out_indices=(0,))"
POTION = "dict(type='PoTion', in_channels=35, channels=(4, 8), num_layers=(1, 1))"
# Networks on frames: recognizer, backbone, head and its width, steps to the inputs, their format.
FRAMES = {
    'frames': (
        ('Recognizer3D', SLOW, 'I3DHead', 32),
        READ.format('clip_len=4, num_clips=2')
        + ", dict(type='Resize', scale=(-1, 18)), dict(type='CenterCrop', crop_size=16)",
        'NCTHW',
    ),
    'frames of any size': (
        ('Recognizer3D', SLOW, 'I3DHead', 32),
        READ.format('clip_len=4') + ", dict(type='Resize', scale=(-1, 18))",
        'NCTHW',
    ),
    'frames around people': (
        ('Recognizer3D', SLOW, 'I3DHead', 32),
        BOTH.format('dict(RGB=4)'),
        'NCTHW',
    ),
    'single frames': (
        ('Recognizer2D', RESNET, 'TSNHead', 64),
        READ.format('clip_len=1, num_clips=3')
        + ", dict(type='Resize', scale=(-1, 18)), dict(type='TenCrop', crop_size=16)",
        'NCHW',
    ),
    'frames and heatmaps': (
        ('MMRecognizer3D', RGBPOSE, 'RGBPoseHead', (256, 64)),
        BOTH.format('dict(RGB=2, Pose=8)') + ', drawn',
        'NCTHW',
    ),
    'PoTion': (
        ('Recognizer2D', POTION, 'SimpleHead', 8),
        "dict(type='UniformSampleFrames', clip_len=8, num_clips=2), dict(type='PoseDecode'), "
        f"dict(type='PoseCompact', hw_ratio=1.0), {TO_16}, dict(drawn, scaling=1.0, double=True), "
        "dict(type='Heatmap2Potion', C=3)",
        'NCHW',
    ),
}
FRAME_CONFIG = """
drawn = dict(
    type='GeneratePoseTarget', skeletons=[(0, 1), (1, 2), (1, 3), (1, 4)], left_kp=[3],
    right_kp=[4], scaling=0.25)
normalize = dict(type='Normalize', mean=[123.0, 116.0, 103.0], std=[58.0, 57.0, 56.0], to_bgr=True)
model = dict(
    type='{recognizer}', backbone={backbone}, test_cfg={test_cfg},
    cls_head=dict(type='{head}', num_classes=3, in_channels={width}, loss_emb=None))
test_pipeline = [
    {steps}, dict(type='FormatShape', input_format='{order}'), dict(type='Collect', keys={keys})]
test = dict(type='PoseDataset', ann_file='test.pkl', pipeline=test_pipeline)
data = dict(videos_per_gpu=2, test=test)
"""


def frame_config(folder: Path, name: str, extra: str = '') -> Path:
    """A config of FRAMES; `extra` lines come last and win."""
    (recognizer, backbone, head, width), steps, order = FRAMES[name]
    text = FRAME_CONFIG.format(
        recognizer=recognizer,
        backbone=backbone,
        head=head,
        width=width,
        test_cfg=dict(average_clips='prob') | (dict(num_segs=3) if 'single' in name else {}),
        steps=steps if name == 'PoTion' else f'{steps}, normalize',
        order=order,
        keys=['imgs', 'heatmap_imgs'] if recognizer == 'MMRecognizer3D' else ['imgs'],
    )
    path = folder / f'{name}.py'.replace(' ', '_')
    path.write_text(text + extra)
    return path


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


def config_of(folder: Path, name: str) -> Path:
    """A config of GRAPHS, HEATMAPS or FRAMES."""
    if name in GRAPHS:
        return graph_config(folder, name)
    return (heatmap_config if name in HEATMAPS else frame_config)(folder, name)


def filled(config: Path, most: float = 3000) -> nn.Module:
    """The model of a config, its weights by formula; clips of its kind get answers far apart.

    Args:
        config: its file.
        most: how many times the differences between clips may be enlarged for that, errors too.
    """
    model = fill(init_recognizer(config, device='cpu'), random_graph='random' in config.read_text())
    batches = [collate([test_sample(model, clip)]) for clip in made_up_clips(model)[:3]]
    answers = [model.predict(batch) for batch in batches]
    for name in model.answers:
        scores = torch.cat([answer[name] for answer in answers]).log()
        scores -= scores.mean(1, keepdim=True)
        gain = min(1 / float(scores.std(0, correction=0).max()), most)
        layer = getattr(model.cls_head, 'fc_cls' if name == 'score' else f'fc_{name}')
        with torch.no_grad():
            layer.weight.mul_(gain)
            layer.bias.sub_(scores.mean(0)).mul_(gain)
    return model


def eager(model: nn.Module) -> GraphRecognizer:
    """What a file of the model would answer, its graph run by torch as it stands."""
    graph, about = graph_with_steps(model, 'fp32')
    graph.eval()

    def run(feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
        inputs = [torch.from_numpy(np.ascontiguousarray(feeds[name])) for name in graph.inputs]
        with torch.no_grad():
            return [answer.numpy() for answer in graph(*inputs)]

    shapes = dict(zip(graph.inputs, ([None] * given.ndim for given in graph.example())))
    return GraphRecognizer(GraphAbout.from_json(about.to_json(), 'file'), 'file', run, shapes)
