"""Upload a trained network to the Hugging Face Hub: a folder that tools/export.py --card wrote.

    python tools/export.py configs/demo/joint.py -C work_dirs/demo/joint/latest.pth -o joint --card
    python tools/push.py joint user/joint --private

pyskl.hub.from_pretrained('user/joint') loads it. See docs/recipes/trackers_and_hubs.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..files.path_checks import check_present
from .calling import Parser


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('folder', type=Path, help='folder that tools/export.py --card wrote')
    add('name', metavar='USER/NAME', help='repository, created if there is none')
    add('--private', action='store_true', help='make a new repository private')
    add('--message', default='Add the network', help='message of the commit')
    args = parser.parse_args(argv)
    check_present(args.folder)
    # imported late, so that --help and wrong options answer at once
    from ..hub import push_to_hub

    print(push_to_hub(args.folder, args.name, args.private, args.message))
