"""Check this machine: versions, devices, known problems, and a self-test of half a minute.

The self-test compares published networks with known numbers, in training and in testing, and draws
heatmaps in two ways. Exit status: 0 no errors (warnings are listed), 1 errors.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UserError
from ..wording import count
from .calling import Parser


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    parser = Parser(__doc__)
    parser.add_argument(
        '--device',
        help='test only this device, cpu or cuda:1 (default: the CPU, and CUDA if available)',
    )
    parser.add_argument('--no-test', dest='test', action='store_false', help='skip the self-test')
    args = parser.parse_args(argv)
    # imported late, so that --help and wrong options answer at once
    try:
        import torch

        from ..doctor import machine
        from ..engine.distributed import choose_device
    except ImportError as error:
        raise UserError(
            f'{error}: a requirement of pyskl is missing. Install pyskl again: pip install '
            'pyskl-microgesture.'
        ) from error
    devices = [choose_device(args.device)] if args.device else [torch.device('cpu')]
    if not args.device and torch.cuda.is_available():
        devices.append(choose_device('cuda'))

    facts = machine.facts()
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f'{name:<{width}}  {value}')
    errors, warnings = machine.clashes(), machine.warnings()
    if args.test:
        from ..doctor.selftest import run

        for device in devices:
            print(f'\nself-test on {device}:')
            for check in run(device):
                print(
                    f'  {check.name:<20} {"ok  " if check.holds else "FAIL"}  differs by '
                    f'{check.difference:.1e} (at most {check.bound:g}), {check.seconds:.1f} s',
                    flush=True,
                )
                if not check.holds:
                    errors.append(
                        f'{check.name} on {device}: not the known numbers. Do not trust results '
                        'of this device; try another version of torch, or check its memory.'
                    )
            if device.type == 'cuda':
                kinds = (torch.float32, torch.bfloat16)
                slow = machine.slow_bf16(*(machine.conv3d_seconds(device, kind) for kind in kinds))
                warnings += [slow] if slow else []
    for kind, lines in (('error', errors), ('warning', warnings)):
        for line in lines:
            print(f'{kind}: {line}')
    print(f'\n{count(len(errors), "error")}, {count(len(warnings), "warning")}')
    return 1 if errors else 0
