"""Export a trained network as one file: key points or frames in, class probabilities out.

    python tools/export.py configs/demo/joint.py -C work_dirs/demo/joint/latest.pth -o joint.onnx
    python tools/export.py configs/demo/joint.py -C work_dirs/demo/joint/latest.pth -o joint.pt2
    python tools/export.py configs/demo/joint.py -C work_dirs/demo/joint/latest.pth -o joint --card

An .onnx file runs without this package and without PyTorch; a .pt2 file is for torch.export.load;
--card writes a folder for pyskl.hub. Before a file is written, its answers are compared with
PyTorch's on ten clips. docs/export.md says what is inside and how to run it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..files.path_checks import check_checkpoint, check_present, check_writable
from ..wording import count
from .calling import Parser
from .places import find_config


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', help='config file')
    add('-C', '--checkpoint', required=True, help='its weights')
    add('-o', '--out', required=True, type=Path, help='the file, .onnx or .pt2')
    add('--fp16', action='store_true', help="the network's weights and arithmetic in float16")
    add(
        '--clips',
        metavar='FILE',
        help='compare on the first clips of this file, not on made-up ones',
    )
    parser.add_cfg_options()
    card = parser.add_argument_group(
        'a folder with config, weights (.safetensors) and model card, for pyskl.hub'
    )
    card.add_argument('--card', action='store_true', help='write one; -o is its name')
    card.add_argument('--licence', metavar='NAME', help="of the weights, e.g. 'cc-by-nc-4.0'")
    card.add_argument('--dataset', metavar='NAME', help='that it was trained on, for the card')
    card.add_argument('--metrics', metavar='FILE', help="metrics.json of this checkpoint's test")
    args = parser.parse_args(argv)
    wrong = (args.fp16 or args.clips) if args.card else args.licence or args.dataset or args.metrics
    if wrong:
        parser.error('--licence, --dataset, --metrics belong to --card; --fp16, --clips do not')
    return args


def main(argv: Sequence[str]) -> None:
    """Export a network, and print its inputs and how closely it was checked."""
    args = parse_args(argv)
    args.config = find_config(args.config)
    check_checkpoint(args.checkpoint)
    for file in filter(None, (args.clips, args.metrics)):
        check_present(file)
    check_writable(args.out / 'config.json' if args.card else args.out)
    # Imported here, so that --help and wrong options answer at once.
    if args.card:
        from ..hub import About, save_pretrained

        about = About(args.licence, args.dataset, args.metrics)
        save_pretrained(args.out, args.config, args.checkpoint, about, args.cfg_options)
        print(f'wrote {args.out}/ (README.md is the model card)')
        return
    from ..apis import ExportOptions, export_network
    from ..apis.setup import read_run

    run = read_run(args.config, args.cfg_options, splits=('test',))
    options = ExportOptions('fp16' if args.fp16 else 'fp32', args.clips)
    exported = export_network(run.config, args.checkpoint, args.out, options)
    for name, shape in exported.inputs.items():
        print(f'{name}: {", ".join("any" if n is None else str(n) for n in shape)}')
    difference = f'probabilities differ by at most {exported.difference:.1e}'
    print(f'checked on {count(exported.clips, "clip")}: {difference}')
    print(f'wrote {exported.path} ({exported.size / 2**20:,.1f} MB)')
