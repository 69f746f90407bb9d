"""Look at the data: a clip, the heatmaps that the network sees of it, what each stage of a pipeline does, a skeleton layout, a graph.

python tools/visualize.py clip data/imigue_val.pkl 0187_0 -o clip.gif
python tools/visualize.py clip data/imigue_val.pkl 0187_0 --video 0187.mp4 --offset 1200 -o clip.mp4
python tools/visualize.py heatmap configs/posec3d/slowonly_r50_imigue22/limb.py 0187_0 --split val
python tools/visualize.py pipeline configs/posec3d/slowonly_r50_imigue22/joint.py 0005_3 --seed 1
python tools/visualize.py skeleton imigue22
python tools/visualize.py graph nturgb+d --mode spatial
python tools/visualize.py graph configs/stgcn++/imigue22.py -C work_dirs/stgcn++/imigue22/j/latest.pth --layer 3
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, DataError, UserError
from ..files.given import check_checkpoint
from ..seeds import seed_number
from .calling import Parser
from .places import find_config


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(
        dest='command', required=True, metavar='clip | heatmap | pipeline | skeleton | graph'
    )

    clip = commands.add_parser('clip', help="one clip's skeletons, or over its video")
    clip.add_argument(
        'file', type=Path, metavar='ANN_FILE', help='annotation pickle, or its packed folder'
    )
    clip.add_argument('id', metavar='ID', help="the clip's name (frame_dir)")
    clip.add_argument(
        '--video', type=Path, metavar='FILE', help='draw over the frames of this video'
    )
    clip.add_argument(
        '--offset',
        type=int,
        metavar='N',
        help="the video's frame, from 0 on, that is the clip's first (default: 0, and "
        'the video must be as long as the clip)',
    )
    clip.add_argument(
        '--whole',
        action='store_true',
        help='the whole picture, not only the part around the person',
    )

    heatmap = commands.add_parser('heatmap', help='what the network sees of a clip')
    pipeline = commands.add_parser(
        'pipeline', help='a clip before and after each stage of its pipeline'
    )
    for command, split in ((heatmap, 'test'), (pipeline, 'train')):
        command.add_argument('config', metavar='CONFIG', help='config file')
        command.add_argument('id', metavar='ID', help="the clip's name (frame_dir)")
        command.add_argument(
            '--split',
            choices=['train', 'val', 'test'],
            default=split,
            help='whose clips and pipeline (default: %(default)s)',
        )
        command.add_argument(
            '--seed',
            type=seed_number,
            default=0,
            metavar='N',
            help='of everything that is random in it (default: 0)',
        )
        command.add_argument(
            '--cfg-options',
            nargs='+',
            default=[],
            metavar='KEY=VALUE',
            help='config keys to change',
        )
    heatmap.add_argument(
        '--view',
        type=int,
        default=0,
        metavar='N',
        help='which of the views that testing averages (default: 0)',
    )

    skeleton = commands.add_parser('skeleton', help='a layout: its joints, bones and mirror pairs')
    skeleton.add_argument(
        'layout',
        nargs='?',
        metavar='LAYOUT',
        help="a layout's name, a dict as in a config, or a config file",
    )
    skeleton.add_argument('--list', action='store_true', help='list the known layouts')

    graph = commands.add_parser(
        'graph',
        help='the graph of a layout, or of a graph network: edges, centre, hops, adjacency matrices',
    )
    graph.add_argument(
        'layout',
        metavar='LAYOUT_OR_CONFIG',
        help="a layout's name (the published ones too: nturgb+d, coco ...), a dict "
        'as in a config, or the config file of a graph network',
    )
    graph.add_argument(
        '--mode',
        choices=['spatial', 'stgcn_spatial', 'binary_adj', 'random'],
        help='of a layout: how its matrices are made (default: spatial)',
    )
    graph.add_argument(
        '-C', '--checkpoint', metavar='FILE', help='of a config: draw the matrices that were learnt'
    )
    graph.add_argument(
        '--layer',
        type=int,
        metavar='N',
        help='of a checkpoint: of which graph convolution, from 0 on (default: the last)',
    )
    graph.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='config keys to change'
    )

    for command in (clip, heatmap, pipeline):
        command.add_argument(
            '--layout',
            metavar='LAYOUT',
            help='what the joints are: a name, a dict as in a config, or a config file '
            '(default: by the config, by the annotation file, or by their number)',
        )
        command.add_argument(
            '--labels',
            metavar='FILE',
            help='names of the classes: a text file, one a line in class order, or a known '
            'name: imigue, ntu60, ntu120, gestures (default: as config or data say)',
        )
        command.add_argument('--height', type=int, metavar='PX', help='of a panel, in pixels')
        command.add_argument(
            '--fps',
            type=float,
            help="frames a second of a GIF or MP4 (default: the video's, else 25; 12.5 where "
            'frames are sampled)',
        )
    for command in (clip, heatmap):
        command.add_argument(
            '--frames',
            type=int,
            default=12,
            metavar='N',
            help='frames on a PNG sheet (default: 12)',
        )
    for command in (clip, heatmap, pipeline):
        command.add_argument(
            '-o',
            '--out',
            type=Path,
            metavar='FILE',
            help='x.png: a sheet; x.gif, x.mp4: every frame '
            '(default: COMMAND_ID.png in this folder)',
        )
    graph.add_argument(
        '-o',
        '--out',
        type=Path,
        metavar='FILE',
        help='x.png (default: graph_LAYOUT.png in this folder)',
    )
    skeleton.add_argument(
        '-o',
        '--out',
        type=Path,
        metavar='FILE',
        help='x.png (default: skeleton_LAYOUT.png in this folder)',
    )
    args = parser.parse_args(argv)
    _check(args)
    return args


def _check(args: argparse.Namespace) -> None:
    for name, least, most in (('height', 32, 4320), ('frames', 1, 1000)):
        value = getattr(args, name, None)
        if value is not None and not least <= value <= most:
            raise UserError(f'--{name} {value}: expected {least} to {most}.')
    if getattr(args, 'fps', None) is not None and not 0.1 <= args.fps <= 100:
        raise UserError(f'--fps {args.fps:g}: expected 0.1 to 100.')
    if args.command == 'clip' and args.offset is not None and args.video is None:
        raise UserError(
            '--offset says where in a video the clip begins; name the video: --video FILE.'
        )
    if args.command == 'skeleton' and (args.layout is None) != args.list:
        raise UserError('skeleton: expected the name of a layout, or --list for all names.')
    if args.command == 'graph':
        of_config = args.layout.endswith('.py')
        for name, given, fitting in (
            ('--mode', args.mode, not of_config),
            ('-C', args.checkpoint, of_config),
            ('--cfg-options', args.cfg_options, of_config),
            ('--layer', args.layer is not None, args.checkpoint is not None),
        ):
            if given and not fitting:
                wanted = (
                    'a layout'
                    if name == '--mode'
                    else 'a checkpoint (-C FILE)'
                    if name == '--layer'
                    else 'a config file'
                )
                raise UserError(
                    f'graph {args.layout}: {name} belongs to {wanted}. Leave it out, or name one.'
                )


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    for name in ('config', 'layout'):
        given = getattr(args, name, None)
        if given and given.endswith('.py'):
            setattr(args, name, find_config(given))
            break
    if getattr(args, 'checkpoint', None):
        check_checkpoint(args.checkpoint)
    if args.command == 'skeleton' and args.list:
        list_layouts()
    else:
        print(f'wrote {COMMANDS[args.command](args)}')


def list_layouts() -> None:
    from ..skeletons import LAYOUTS

    width = max(map(len, LAYOUTS))
    for name, layout in LAYOUTS.items():
        print(
            f'{name:<{width}}  {layout.num_joints:3} joints  {len(layout.bones):3} bones  {len(layout.mirror):3} mirror pairs'
        )


def draw_layout(args: argparse.Namespace) -> Path:
    from ..drawing.chart import layout_chart
    from ..drawing.writing import check_suffix, write_png
    from ..recipe.layout_option import read_layout
    from ..skeletons import layout_to_draw

    layout = layout_to_draw(read_layout(args.layout))
    out = args.out or Path(f'skeleton_{_file_name(layout.name)}.png')
    check_suffix(out, ['.png'])
    write_png(out, layout_chart(layout))
    return out


def draw_graph(args: argparse.Namespace) -> Path:
    from ..files.libraries import opencv

    opencv()  # or its absence would come as a traceback of mmcv
    from ..drawing.graph import adjacency_of, graph_chart, learned_adjacency
    from ..drawing.writing import check_suffix, write_png
    from ..recipe.layout_option import read_layout
    from ..skeletons import Graph, layout_to_draw

    if args.layout.endswith('.py'):
        backbone, given = _graph_network(args)
        graph, layer = backbone.graph, -1 if args.layer is None else args.layer
        adjacency = (
            adjacency_of(graph) if args.checkpoint is None else learned_adjacency(backbone, layer)
        )
    else:
        given = read_layout(args.layout)
        graph = Graph(given, args.mode or 'spatial')
        adjacency = adjacency_of(graph)
    name = Path(args.layout).stem if args.layout.endswith('.py') else graph.topology.name
    out = args.out or Path(f'graph_{_file_name(name)}.png')
    check_suffix(out, ['.png'])
    write_png(out, graph_chart(layout_to_draw(given), graph, adjacency))
    return out


def draw_clip(args: argparse.Namespace) -> Path:
    from ..annotations import open_annotations
    from ..drawing.clip import clip_scene, unknown_clip
    from ..drawing.scene import write_scene
    from ..drawing.skeleton import layout_for
    from ..drawing.video import Video
    from ..recipe.layout_option import read_layout

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
    scene = clip_scene(clip, layout, height, _labels(args, clips), args.whole, video, args.offset)
    write_scene(scene, out, args.frames, args.fps)
    return out


def draw_heatmaps(args: argparse.Namespace) -> Path:
    from ..drawing.network import heatmap_scene
    from ..drawing.scene import write_scene

    out, still = _out(args)
    stages, layout, labels = _stages(args)
    write_scene(
        heatmap_scene(stages, layout, args.height or (220 if still else 448), args.view, labels),
        out,
        args.frames,
        args.fps,
    )
    return out


def draw_pipeline(args: argparse.Namespace) -> Path:
    from ..drawing.before_after import pipeline_scene
    from ..drawing.scene import write_scene

    out, _ = _out(args)
    stages, layout, labels = _stages(args)
    write_scene(pipeline_scene(stages, layout, args.height or 260, labels), out, 1, args.fps)
    return out


COMMANDS = {
    'clip': draw_clip,
    'heatmap': draw_heatmaps,
    'pipeline': draw_pipeline,
    'skeleton': draw_layout,
    'graph': draw_graph,
}


def _out(args: argparse.Namespace) -> tuple[Path, bool]:
    """The file to write, and whether it is one picture."""
    from ..drawing.writing import check_suffix

    out = args.out or Path(f'{args.command}_{_file_name(args.id)}.png')
    return out, check_suffix(out) == '.png'


def _file_name(name: str) -> str:
    return re.sub(r'[^\w.-]+', '_', name)


def _labels(args: argparse.Namespace, clips: Any) -> list[str] | None:
    """The names that the user or the clips' file gives to the classes. DataError: fewer than the clips have classes."""
    from ..labels import known_names

    names = known_names(None, ('--labels', args.labels), (str(args.file), clips.about.label_names))
    most = int(clips.label_lists.values.max(initial=-1)) + 1
    if names is not None and len(names) < most:
        raise DataError(
            f'{args.labels or args.file}: {len(names)} class names, but the clips of {args.file} have {most} classes. Expected '
            'a name for each, in class order: --labels FILE.'
        )
    return names


def _graph_network(args: argparse.Namespace) -> tuple[Any, Any]:
    """The config's backbone, with the weights of the checkpoint if one is named, and the layout that its graph_cfg names."""
    from ..apis.layouts import with_stored_layouts
    from ..apis.setup import build_recognizer, naming, read_run
    from ..engine.checkpoint import load_weights, read_checkpoint
    from ..skeletons import Graph

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
                f'model.backbone ({type(model.backbone).__name__}) has no graph to draw. Expected a graph network '
                'with graph_cfg.'
            )
    return model.backbone, recipe.model['backbone']['graph_cfg'].get('layout', 'coco')


def _stages(args: argparse.Namespace):
    """The clip behind each stage of the config's pipeline, the layout to draw it with, and the names of the classes."""
    from ..files.libraries import opencv

    opencv()  # or its absence would come as a traceback of mmcv
    from ..apis.names import names_of_run
    from ..apis.setup import build_split, naming, read_run
    from ..drawing.skeleton import features_layout, layout_for
    from ..drawing.stages import drawing_stage, find_clip, pass_through
    from ..recipe.layout_option import read_layout

    recipe = read_run(args.config, args.cfg_options, whole=False).recipe
    dataset = build_split(recipe, args.split)
    with naming(recipe, f': data.{args.split}'):
        stages = pass_through(
            *find_clip(dataset, getattr(recipe.data, args.split), args.id), args.seed
        )
        drawing = drawing_stage(stages)
        of_config = None if drawing is None else stages[drawing].config.get('layout')
        num_joints = stages[0].results['keypoint'].shape[2]
        features = ({'type': stage.name, **stage.config} for stage in stages)
        of_config = of_config or next(
            (found for step in features if (found := features_layout(step, num_joints))), None
        )
        layout = layout_for(num_joints, read_layout(args.layout) or of_config, f'clip {args.id}')
    head = (recipe.model or {}).get('cls_head') or {}
    return (
        stages,
        layout,
        names_of_run(recipe, head.get('num_classes'), dataset, ('--labels', args.labels)),
    )
