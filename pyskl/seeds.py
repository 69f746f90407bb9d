"""Seeds of random numbers, as the command line takes them."""

from __future__ import annotations

import argparse

MAX_SEED = 2**32 - 1  # numpy's limit; Python and PyTorch take larger seeds


def seed_number(text: str) -> int:
    """Read the value of a script's --seed; an argparse type.

    Raises:
        argparse.ArgumentTypeError: not a whole number from 0 to MAX_SEED.
    """
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if not 0 <= seed <= MAX_SEED:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a seed: expected a whole number from 0 to {MAX_SEED}'
        )
    return seed
