"""The splits of made-up data, and the random numbers of each."""

from __future__ import annotations

from ...errors import UserError

SPLITS = ('train', 'val', 'test')


def random_stream(what: str, split: str, num_clips: int, seed: int) -> tuple[int, int]:
    """Return the first two numbers of every seed of a split, after checking what was asked for.

    Args:
        what: is made up, for the message: 'data', 'videos'.
        split: 'train', 'val' or 'test'.
        num_clips: of the split.
        seed: of the whole data set.

    Raises:
        UserError: less than one clip, or a seed below 0.
    """
    if num_clips < 1:
        raise UserError(
            f'synthetic {what}: the {split} split has {num_clips} clips; expected at least 1.'
        )
    if seed < 0:
        raise UserError(f'synthetic {what}: seed = {seed}; expected a whole number from 0 on.')
    return seed, SPLITS.index(split)
