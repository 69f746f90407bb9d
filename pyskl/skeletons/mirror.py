"""The order of joints or limbs in a mirrored skeleton."""

from __future__ import annotations

from functools import lru_cache

from ..errors import ConfigError


@lru_cache(maxsize=64)
def mirror_order(
    count: int, left: tuple[int, ...], right: tuple[int, ...], where: str, what: str
) -> tuple[int, ...]:
    """Return the order of the joints, or limbs, of a mirrored skeleton.

    Args:
        count: how many there are.
        left: indices that are swapped with those of `right`.
        right: as many indices.
        where: the place of `left` and `right` as the user knows it.
        what: 'joints' or 'limbs'.

    Returns:
        0..count-1 with every left[i] and right[i] swapped.

    Raises:
        ConfigError: the pairs are no permutation of `count` places.
    """
    if len(left) != len(right):
        raise ConfigError(
            f'{where}: {len(left)} left and {len(right)} right {what}; expected as many of each.'
        )
    order = list(range(count))
    for a, b in zip(left, right):
        if not (0 <= a < count and 0 <= b < count):
            raise ConfigError(
                f'{where}: the pair ({a}, {b}) is outside 0..{count - 1} (there are {count} '
                f'{what}).'
            )
        order[a], order[b] = b, a
    if sorted(order) != list(range(count)):
        raise ConfigError(
            f'{where}: one of the {what} stands in two pairs ({left} / {right}); it can change '
            'places only once.'
        )
    return tuple(order)
