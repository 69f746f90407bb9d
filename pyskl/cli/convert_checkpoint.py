"""Convert a checkpoint between .pth and .safetensors, and rename weights of PYSKL and MMAction2.

    python tools/convert_checkpoint.py work_dirs/demo/joint/latest.pth -o joint.safetensors
    python tools/convert_checkpoint.py mmaction_stgcn.pth -o stgcn.pth

Weights and meta (class names, layouts) are kept. The training state is not, so that no training can
resume from the result. Every option that takes a checkpoint (-C) takes both kinds of files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import ConfigError
from ..files.path_checks import check_checkpoint, check_out
from ..wording import count, some
from .calling import Parser

SUFFIXES = ('.pth', '.safetensors')


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    parser = Parser(__doc__)
    parser.add_argument('checkpoint', type=Path, help='.pth or .safetensors')
    parser.add_argument('-o', '--out', required=True, type=Path, help='.pth or .safetensors')
    args = parser.parse_args(argv)
    if args.out.suffix not in SUFFIXES:
        raise ConfigError(f'-o {args.out}: expected a name that ends with {" or ".join(SUFFIXES)}.')
    check_checkpoint(args.checkpoint)
    check_out(args.out, [args.checkpoint], SUFFIXES)
    # imported late, so that --help and wrong options answer at once
    from ..engine.checkpoint import read_checkpoint, write_checkpoint
    from ..files.safe_tensors import SUFFIX, save_safe_tensors

    checkpoint = read_checkpoint(args.checkpoint)
    for note in checkpoint['notes']:
        print(note)
    weights, meta = checkpoint['state_dict'], checkpoint['meta']
    if args.out.suffix == SUFFIX:
        left = save_safe_tensors(args.out, weights, meta)
        if left:
            print(f'left out of meta, since JSON cannot hold it: {some(left)}')
    else:
        write_checkpoint(args.out, {'meta': meta, 'state_dict': weights})
    print(f'wrote {args.out} ({count(len(weights), "tensor")})')
