"""Print the whole config: the file with its bases, overrides and defaults, in PYSKL's words."""

from __future__ import annotations

from collections.abc import Sequence

from .calling import Parser
from .places import find_config


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    parser = Parser(__doc__)
    parser.add_argument('config', help='config file; the output can be saved and used in its place')
    parser.add_cfg_options()
    args = parser.parse_args(argv)
    args.config = find_config(args.config)
    # imported late, so that --help and wrong names answer at once
    from ..recipe import dump_config, import_custom_modules, load_config, read_recipe

    cfg = load_config(args.config, args.cfg_options)
    import_custom_modules(cfg)
    recipe = read_recipe(cfg)
    for note in recipe.notes:
        print(f'# {note}')
    print(dump_config(recipe.effective()), end='')
