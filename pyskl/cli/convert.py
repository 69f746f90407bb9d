"""Convert skeletons of other tools and data sets into an annotation file.

    python tools/convert.py openpose json_folders -o data/mine.pkl --labels labels.csv
    python tools/convert.py ntu nturgb+d_skeletons -o data/ntu.pkl
    python tools/convert.py FORM --help          what a form reads, and its options

Files that cannot be read are left out and listed; with --strict they are an error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path

import numpy as np

from ..annotations import write_annotations
from ..annotations.field_values import NO_LABEL
from ..annotations.label_files import HELP as LABELS_HELP
from ..annotations.label_lists import from_one, lacks_class_0
from ..annotations.splitting import HELP as SPLIT_HELP
from ..files.path_checks import check_out
from ..seeds import seed_number
from ..skeletons import LAYOUTS
from ..sources.conversion import Converted, Settings, convert
from ..sources.forms import FORMS
from ..sources.source import Source
from ..wording import count, sizes
from .calling import Parser, flag


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    common = common_options()
    forms = parser.add_subparsers(dest='form', required=True, metavar='FORM')
    for name, form in FORMS.items():
        about = sys.modules[form.__module__].__doc__
        described = forms.add_parser(name, parents=[common], help=form.reads, description=about)
        described.add_argument(
            '--layout',
            help=f'layout of the joints: {", ".join(LAYOUTS)}; "dict(name=..., joints=...)" as in '
            'configs, or a config file (default: from the form and the number of joints)',
        )
        _add_options(described, form)
    return parser.parse_args(argv)


def common_options() -> Parser:
    """Return a parser with the options of all forms, which tools/extract_pose.py has, too."""
    parser = Parser(add_help=False)
    add = parser.add_argument
    add('paths', nargs='+', type=Path, metavar='PATH', help='files or folders')
    add('-o', '--out', type=Path, required=True, metavar='FILE', help='annotation pickle')
    add(
        '--labels',
        metavar='FILE',
        help=f"{LABELS_HELP}; or 'folder' for the name of a clip's folder",
    )
    add(
        '--label-names',
        type=Path,
        metavar='FILE',
        help='class names, one a line, in class order',
    )
    add('--split-by', metavar='HOW', help=SPLIT_HELP.replace('%', '%%'))
    add('--seed', type=seed_number, default=0, help='seed of --split-by random (default: 0)')
    add(
        '--joints',
        nargs='+',
        default=(),
        help='joints to keep: a known layout, or names or numbers of joints',
    )
    add('--strict', action='store_true', help='write nothing if anything would be left out')
    return parser


def _add_options(parser: argparse.ArgumentParser, form: type[Source]) -> None:
    """Add the options of a form, from its dataclass fields."""
    for field in fields(form):
        how = dict(field.metadata)
        if not how:
            continue
        default = None if field.default is MISSING else field.default
        settings = {'action': 'store_true'} if isinstance(default, bool) else {'default': default}
        parser.add_argument(flag(field.name), **settings, **how)


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    args = parse_args(argv)
    form = FORMS[args.form]
    check_out(args.out, args.paths, form.suffixes)
    source = form(**{field.name: getattr(args, field.name) for field in fields(form)})
    if args.layout:  # imported late: reading configs takes long to import
        from ..recipe.layout_option import read_layout

        args.layout = read_layout(args.layout)
    converted = convert(source, args.paths, settings_of(args))
    write(args.out, converted, form.as_given)


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings of the common options, and of --layout if there is one."""
    names = {field.name for field in fields(Settings)}
    return Settings(**{name: value for name, value in vars(args).items() if name in names})


def write(path: Path, converted: Converted, as_given: bool) -> None:
    """Write the file, and print what it contains and what was left out."""
    write_annotations(
        path, converted.split, converted.annotations, as_given=as_given, about=converted.about
    )
    print('\n'.join(converted.lines))
    labels = [annotation.get('label', NO_LABEL) for annotation in converted.annotations]
    classes = {k for label in labels for k in (label if isinstance(label, list) else [label])}
    num_classes = len(classes - {NO_LABEL, None})
    known = count(num_classes, 'class') if num_classes else 'no labels: --labels gives them'
    splits = sizes(converted.split) or 'no splits: --split-by makes them'
    if lacks_class_0(labels, converted.about.label_names):
        cure = from_one(np.array(sorted(classes)), num_classes, str(path))
        print(f'note: no clip has label 0. {cure}')
    print(f'wrote {path} ({count(len(labels), "clip")}; {known}; {splits})')
