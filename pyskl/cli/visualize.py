"""Draw a clip, what the network sees of it, the steps of a pipeline, a skeleton layout or a graph.

python tools/visualize.py clip data/imigue_val.pkl 0187_0 -o clip.gif
python tools/visualize.py clip data/imigue_val.pkl 0187_0 --video 0187.mp4 --offset 1200 -o clip.mp4
python tools/visualize.py heatmap configs/posec3d/slowonly_r50_imigue22/limb.py 0187_0 --split val
python tools/visualize.py pipeline configs/posec3d/slowonly_r50_imigue22/joint.py 0005_3 --seed 1
python tools/visualize.py skeleton imigue22
python tools/visualize.py graph nturgb+d --mode spatial
python tools/visualize.py graph configs/stgcn++/imigue22.py -C work_dirs/j/latest.pth --layer 3
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..files.libraries import opencv
from ..files.path_checks import check_checkpoint
from ..seeds import seed_number
from .calling import Parser
from .places import find_config


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    commands = parser.add_subparsers(
        dest='command', required=True, metavar='clip | heatmap | pipeline | skeleton | graph'
    )
    clip = commands.add_parser('clip', help='the skeletons of a clip, on white or over its video')
    heatmap = commands.add_parser('heatmap', help='what the network sees of a clip')
    pipeline = commands.add_parser(
        'pipeline', help='a clip before and after each step of its pipeline'
    )
    skeleton = commands.add_parser('skeleton', help='a layout: its joints, bones and mirror pairs')
    graph = commands.add_parser(
        'graph',
        help='the graph of a layout, or of a graph network: edges, centre, hops, adjacency '
        'matrices',
    )
    _add_clip_options(clip)
    _add_pipeline_options(heatmap, 'test')
    _add_pipeline_options(pipeline, 'train')
    heatmap.add_argument(
        '--view',
        type=int,
        default=0,
        metavar='N',
        help='which of the views that testing averages (default: 0)',
    )
    _add_skeleton_options(skeleton)
    _add_graph_options(graph)

    # options of several kinds
    for command in (clip, heatmap, pipeline):
        _add_drawing_options(command)
    for command in (clip, heatmap):
        command.add_argument(
            '--frames',
            type=int,
            default=12,
            metavar='N',
            help='frames of a PNG (default: 12)',
        )
    frames, still = 'x.png for a sheet of frames; x.gif or x.mp4 for every frame', 'x.png'
    for command, kinds, default in (
        (clip, frames, 'COMMAND_ID.png'),
        (heatmap, frames, 'COMMAND_ID.png'),
        (pipeline, frames, 'COMMAND_ID.png'),
        (skeleton, still, 'skeleton_LAYOUT.png'),
        (graph, still, 'graph_LAYOUT.png'),
    ):
        about = f'{kinds} (default: {default} in this folder)'
        command.add_argument('-o', '--out', type=Path, metavar='FILE', help=about)
    args = parser.parse_args(argv)
    _check(args)
    return args


def _add_clip_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('file', type=Path, metavar='ANN_FILE', help='annotation pickle, or its packed folder')
    add('id', metavar='ID', help="the clip's name (frame_dir)")
    add('--video', type=Path, metavar='FILE', help='draw over the frames of this video')
    add(
        '--offset',
        type=int,
        metavar='N',
        help="the video's frame, from 0, that is the clip's first (default: 0, and the video must "
        'be as long as the clip)',
    )
    add(
        '--whole',
        action='store_true',
        help='draw the whole picture, not only the part around the person',
    )


def _add_pipeline_options(parser: Parser, split: str) -> None:
    add = parser.add_argument
    add('config', metavar='CONFIG', help='config file')
    add('id', metavar='ID', help="the clip's name (frame_dir)")
    add(
        '--split',
        choices=['train', 'val', 'test'],
        default=split,
        help='clips and pipeline of this split (default: %(default)s)',
    )
    add(
        '--seed',
        type=seed_number,
        default=0,
        metavar='N',
        help="seed of the pipeline's random numbers (default: 0)",
    )
    parser.add_cfg_options()


def _add_skeleton_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'layout',
        nargs='?',
        metavar='LAYOUT',
        help='name of a layout, a dict as in a config, or a config file',
    )
    parser.add_argument('--list', action='store_true', help='list the known layouts')


def _add_graph_options(parser: Parser) -> None:
    add = parser.add_argument
    add(
        'layout',
        metavar='LAYOUT_OR_CONFIG',
        help='name of a layout (also nturgb+d, coco ...), a dict as in a config, or the config '
        'file of a graph network',
    )
    add(
        '--mode',
        choices=['spatial', 'stgcn_spatial', 'binary_adj', 'random'],
        help='for a layout: how its matrices are made (default: spatial)',
    )
    add('-C', '--checkpoint', metavar='FILE', help='for a config: draw the learned matrices')
    add(
        '--layer',
        type=int,
        metavar='N',
        help='with a checkpoint: number of the graph convolution, from 0 (default: the last)',
    )
    parser.add_cfg_options()


def _add_drawing_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        '--layout',
        help='layout of the joints: a name, a dict as in a config, or a config file (default: '
        'from the config, the annotation file, or the number of joints)',
    )
    add(
        '--labels',
        metavar='FILE',
        help='class names: a text file, one name a line in class order, or a known name: imigue, '
        'ntu60, ntu120, gestures (default: from the config or the data)',
    )
    add('--height', type=int, metavar='PX', help='height of a panel in pixels')
    add(
        '--fps',
        type=float,
        help="frames a second of a GIF or MP4 (default: the video's, else 25; 12.5 for sampled "
        'frames)',
    )


def _check(args: argparse.Namespace) -> None:
    for name, low, high in (('height', 32, 4320), ('frames', 1, 1000)):
        value = getattr(args, name, None)
        if value is not None and not low <= value <= high:
            raise UserError(f'--{name} {value}: expected {low} to {high}.')
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
        for name, given, fits, owner in (
            ('--mode', args.mode, not of_config, 'a layout'),
            ('-C', args.checkpoint, of_config, 'a config file'),
            ('--cfg-options', args.cfg_options, of_config, 'a config file'),
            ('--layer', args.layer is not None, args.checkpoint, 'a checkpoint (-C FILE)'),
        ):
            if given and not fits:
                raise UserError(
                    f'graph {args.layout}: {name} belongs to {owner}. Leave it out, or name one.'
                )


def main(argv: Sequence[str]) -> None:
    """Draw a picture, or list the layouts."""
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
        return
    opencv()  # fails here with its cure, rather than as a traceback of mmcv
    # imported late, so that --help and wrong options answer at once
    from .pictures import DRAW

    print(f'wrote {DRAW[args.command](args)}')


def list_layouts() -> None:
    """Print the known layouts with the numbers of their joints, bones and mirror pairs."""
    from ..skeletons import LAYOUTS

    width = max(map(len, LAYOUTS))
    for name, layout in LAYOUTS.items():
        print(
            f'{name:<{width}}  {layout.num_joints:3} joints  {len(layout.bones):3} bones  '
            f'{len(layout.mirror):3} mirror pairs'
        )
