"""Look an annotation pickle over: fields, labels, splits, and poses that look wrong.

    python tools/check_data.py data/imigue_train.pkl
Exit status: 0 no errors (warnings are listed), 1 the data have errors, 2 they could not be checked.
"""
from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyskl.annotations.check import check_annotations
from pyskl.errors import UserError, run_script
from pyskl.files import load_pickle
from pyskl.skeletons import LAYOUTS, layout_to_draw
from pyskl.wording import count, plain


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=__doc__.splitlines()[-1])
    parser.add_argument('file', type=Path, help='annotation pickle')
    parser.add_argument('--num-classes', type=int, metavar='K', help='labels must be below K (default: 32 for 22 joints)')
    parser.add_argument('--layout', metavar='LAYOUT', help=f'what the joints are: {", ".join(LAYOUTS)}; "dict(name=..., joints=...)" as in '
                        'configs; or a config file (default: as the file says, or by their number)')
    parser.add_argument('--json', action='store_true', help='print one json object: file, errors, warnings, facts')
    args = parser.parse_args(argv)
    if args.num_classes is not None and args.num_classes < 1:
        raise UserError(f'--num-classes {args.num_classes}: expected 1 or more.')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    layout = None
    if args.layout:                     # not before: the reader of configs is heavy
        from pyskl.recipe.layout_option import read_layout
        layout = layout_to_draw(read_layout(args.layout))
    report = check_annotations(load_pickle(args.file), args.num_classes, layout, str(args.file))
    if args.json:
        print(json.dumps({'file': str(args.file), **vars(report)}, indent=1))
    else:
        width = max(map(len, report.facts))
        for name, value in report.facts.items():
            print(f'{name:<{width}}  {_line(value)}')
        for kind, lines in (('error', report.errors), ('warning', report.warnings)):
            for line in lines:
                print(f'{kind}: {line}')
        print(f'{args.file}: {count(len(report.errors), "error")}, {count(len(report.warnings), "warning")}')
    return 1 if report.errors else 0


def _line(value: Any) -> str:
    if isinstance(value, dict):
        return ', '.join(f'{plain(k)}: {v}' for k, v in value.items()) or 'none'
    if isinstance(value, list):
        return ', '.join(map(str, value)) or 'none'
    return 'unknown' if value is None else str(value)


if __name__ == '__main__':
    run_script(main)
