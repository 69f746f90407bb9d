"""The pictures of `pyskl visualize`: a function for each kind draws one and returns its file."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from ..annotations import open_annotations
from ..apis.layouts import with_stored_layouts
from ..apis.names import names_of_run
from ..apis.setup import build_recognizer, build_split, naming, read_run
from ..drawing.before_after import pipeline_scene
from ..drawing.chart import layout_chart
from ..drawing.clip import clip_scene, unknown_clip
from ..drawing.graph import adjacency_of, graph_chart, learned_adjacency
from ..drawing.network import heatmap_scene
from ..drawing.scene import write_scene
from ..drawing.skeleton import features_layout, layout_for
from ..drawing.stages import drawing_stage, find_clip, pass_through
from ..drawing.video import Video
from ..drawing.writing import check_suffix, write_png
from ..engine.checkpoint import load_weights, read_checkpoint
from ..errors import ConfigError, DataError
from ..labels import known_names
from ..recipe.layout_option import read_layout
from ..skeletons import Graph, layout_to_draw


def draw_clip(args: argparse.Namespace) -> Path:
    """Draw a clip's skeletons, on white or over its video."""
    out, still = _out(args)
    clips = open_annotations(args.file)
    index = next((i for i, name in enumerate(clips.ids) if name == args.id), None)
    if index is None:
        raise DataError(
            f'{args.file}: holds no clip {args.id!r}; {unknown_clip(args.id, clips.ids)}'
        )
    clip = clips[index]
    layout = layout_for(
        clip['keypoint'].shape[2], read_layout(args.layout) or clips.about.layout, str(args.file)
    )
    video = None if args.video is None else Video(args.video)
    height = args.height or (260 if still else 480)
    labels = _label_names(args, clips)
    scene = clip_scene(clip, layout, height, labels, args.whole, video, args.offset)
    write_scene(scene, out, args.frames, args.fps)
    return out


def draw_heatmaps(args: argparse.Namespace) -> Path:
    """Draw the heatmaps that the network sees of a clip."""
    out, still = _out(args)
    stages, layout, labels = _stages(args)
    height = args.height or (220 if still else 448)
    scene = heatmap_scene(stages, layout, height, args.view, labels)
    write_scene(scene, out, args.frames, args.fps)
    return out


def draw_pipeline(args: argparse.Namespace) -> Path:
    """Draw a clip before and after each step of its pipeline."""
    out, _ = _out(args)
    stages, layout, labels = _stages(args)
    write_scene(pipeline_scene(stages, layout, args.height or 260, labels), out, 1, args.fps)
    return out


def draw_layout(args: argparse.Namespace) -> Path:
    """Draw a skeleton layout."""
    layout = layout_to_draw(read_layout(args.layout) or args.layout)
    out = args.out or Path(f'skeleton_{_file_name(layout.name)}.png')
    check_suffix(out, ['.png'])
    write_png(out, layout_chart(layout))
    return out


def draw_graph(args: argparse.Namespace) -> Path:
    """Draw the graph of a layout, or of a graph network."""
    if args.layout.endswith('.py'):
        backbone, layout = _graph_network(args)
        graph, name = backbone.graph, Path(args.layout).stem
        adjacency = adjacency_of(graph)
        if args.checkpoint is not None:
            adjacency = learned_adjacency(backbone, -1 if args.layer is None else args.layer)
    else:
        layout = read_layout(args.layout) or args.layout
        graph = Graph(layout, args.mode or 'spatial')
        name, adjacency = graph.topology.name, adjacency_of(graph)
    out = args.out or Path(f'graph_{_file_name(name)}.png')
    check_suffix(out, ['.png'])
    write_png(out, graph_chart(layout_to_draw(layout), graph, adjacency))
    return out


DRAW = {
    'clip': draw_clip,
    'heatmap': draw_heatmaps,
    'pipeline': draw_pipeline,
    'skeleton': draw_layout,
    'graph': draw_graph,
}


def _out(args: argparse.Namespace) -> tuple[Path, bool]:
    """Return the file to write, and whether it is a still picture."""
    out = args.out or Path(f'{args.command}_{_file_name(args.id)}.png')
    return out, check_suffix(out) == '.png'


def _file_name(name: str) -> str:
    return re.sub(r'[^\w.-]+', '_', name)


def _label_names(args: argparse.Namespace, clips: Any) -> list[str] | None:
    """Return the class names that the user or the annotation file gives.

    Raises:
        DataError: there are fewer names than classes.
    """
    names = known_names(None, ('--labels', args.labels), (str(args.file), clips.about.label_names))
    num_classes = int(clips.label_lists.values.max(initial=-1)) + 1
    if names is not None and len(names) < num_classes:
        raise DataError(
            f'{args.labels or args.file}: {len(names)} class names, but the clips of {args.file} '
            f'have {num_classes} classes. Expected a name for each, in class order: --labels FILE.'
        )
    return names


def _graph_network(args: argparse.Namespace) -> tuple[Any, Any]:
    """Build the config's backbone, with the checkpoint's weights if one is named.

    Returns:
        The backbone, and the layout that its graph_cfg names.

    Raises:
        ConfigError: the backbone has no graph.
    """
    recipe = read_run(args.layout, args.cfg_options, whole=False).recipe
    recipe.require('model')
    weights = None
    if args.checkpoint is not None:
        trained = read_checkpoint(args.checkpoint)
        weights = trained['state_dict']
        recipe, notes = with_stored_layouts(recipe, trained['meta'], args.checkpoint)
        for note in notes:
            print(f'warning: {note}')
    model, _ = build_recognizer(recipe, weights)
    if weights is not None:
        load_weights(model, weights, args.checkpoint)
    with naming(recipe):
        if not isinstance(getattr(model.backbone, 'graph', None), Graph):
            raise ConfigError(
                f'model.backbone ({type(model.backbone).__name__}) has no graph to draw. Expected '
                'a graph network with graph_cfg.'
            )
    backbone = (recipe.model or {})['backbone']
    return model.backbone, backbone['graph_cfg'].get('layout', 'coco')


def _stages(args: argparse.Namespace) -> tuple[Any, Any, Any]:
    """Pass a clip through the config's pipeline.

    Returns:
        The clip after each step, the layout to draw it with, and the names of the classes.
    """
    recipe = read_run(args.config, args.cfg_options, whole=False).recipe
    dataset = build_split(recipe, args.split)
    with naming(recipe, f': data.{args.split}'):
        stages = pass_through(
            *find_clip(dataset, getattr(recipe.data, args.split), args.id), args.seed
        )
        # the layout that a step of the pipeline names: the one that draws, else GenSkeFeat
        drawing = drawing_stage(stages)
        of_config = None if drawing is None else stages[drawing].config.get('layout')
        num_joints = stages[0].results['keypoint'].shape[2]
        features = ({'type': stage.name, **stage.config} for stage in stages)
        of_config = of_config or next(
            (found for step in features if (found := features_layout(step, num_joints))), None
        )
        layout = layout_for(num_joints, read_layout(args.layout) or of_config, f'clip {args.id}')
    head = (recipe.model or {}).get('cls_head') or {}
    names = names_of_run(recipe, head.get('num_classes'), dataset, ('--labels', args.labels))
    return stages, layout, names
