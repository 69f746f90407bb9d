"""Warnings about streams that do not agree with each other, or with the labels.

Streams of one data set give many clips the same best class, even if they are weak. If they agree no
more often than by chance, one of them numbers its classes differently, has its rows in another
order, or has learnt nothing. A blend of them is nonsense, and nothing else would show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .probabilities import kind_of

_PLAUSIBLE = 0.02  # an agreement with a larger p-value is explained by chance
_RARE = 1e-3  # an observation with a smaller p-value is not explained by chance
_MODEST = 0.1  # even weak streams agree on this share of the clips beyond chance
_OTHER_CAUSES = (
    'Likely causes: another order of classes, rows in another order, or a stream that has not '
    'learned.'
)


@dataclass(frozen=True)
class _Match:
    """How often two lists of N answers agree, and how often they would if they were unrelated."""

    hits: int
    total: int
    chance: float

    @classmethod
    def of(cls, one: np.ndarray, other: np.ndarray, num_classes: int) -> _Match:
        shares = [
            np.bincount(answers, minlength=num_classes) / len(one) for answers in (one, other)
        ]
        return cls(int((one == other).sum()), len(one), min(1.0, float(shares[0] @ shares[1])))

    def luck(self, share: float) -> float:
        """Return the probability of at least as many hits, with probability `share` per clip."""
        from scipy.special import bdtrc  # as in fitting.py

        return float(bdtrc(self.hits - 1, self.total, share)) if self.hits else 1.0

    def is_chance(self) -> bool:
        """Return whether chance explains the agreement, and a modest agreement is ruled out.

        A small set of clips cannot rule that out.
        """
        from scipy.special import bdtr

        modest = self.chance + _MODEST * (1 - self.chance)
        too_few = float(bdtr(self.hits, self.total, modest)) < _RARE
        return too_few and self.luck(self.chance) > _PLAUSIBLE

    def is_related(self) -> bool:
        """Return whether this is no coincidence, even after several tries."""
        return self.luck(self.chance) < _RARE / 100

    def is_far_better(self, than: _Match) -> bool:
        """Return whether this agreement is far beyond another one."""
        share = (than.hits + 1) / (than.total + 2)
        return self.is_related() and self.hits > 2 * than.hits and self.luck(share) < _RARE / 100

    def __str__(self) -> str:
        return f'{self.hits} of {self.total} clips'


def doubts(
    names: Sequence[str],
    scores: Sequence[np.ndarray],
    ids: Sequence[str],
    labels: np.ndarray | None = None,
) -> list[str]:
    """Return warnings about aligned streams that cannot be right.

    Args:
        names: of S streams, for messages.
        scores: S arrays (N, K), rows aligned.
        ids: names of the N clips.
        labels: (N,) with -1 where unknown; None: the streams are compared with each other.
    """
    best = [stream.argmax(axis=1) for stream in scores]
    num_classes = scores[0].shape[1]
    twins = list(_twins(names, scores))
    if labels is not None:
        known = labels >= 0
        ids = [name for name, is_known in zip(ids, known) if is_known]
        best = [answers[known] for answers in best]
        return twins + list(_beside_labels(names, best, ids, labels[known], num_classes))
    return twins + list(_beside_each_other(names, best, ids, num_classes))


def mixed_kinds(names: Sequence[str], scores: Sequence[np.ndarray]) -> list[str]:
    """Return a warning if probabilities are to be added to logits, which are far larger."""
    kinds = [kind_of(stream) for stream in scores]
    if len(set(kinds)) == 1:
        return []
    listed = ', '.join(f'{name} holds {kind}' for name, kind in zip(names, kinds))
    ones = ' '.join(['1'] * len(names))
    return [
        f'{listed}; as they stand the logits outweigh the rest. Test all with --average-clips '
        f'prob, or give --temperatures {ones}, which makes all of them probabilities.'
    ]


def _twins(names: Sequence[str], scores: Sequence[np.ndarray]) -> Iterator[str]:
    for n, stream in enumerate(scores):
        twin = next((m for m in range(n) if np.array_equal(scores[m], stream)), None)
        if twin is not None:
            yield f'{names[n]} has exactly the scores of {names[twin]}: one stream, given twice?'


def _beside_each_other(
    names: Sequence[str], best: Sequence[np.ndarray], ids: Sequence[str], num_classes: int
) -> Iterator[str]:
    """Compare each stream with the one that agrees most with the others."""
    hits = [sum(int((one == other).sum()) for other in best) for one in best]
    central = int(np.argmax(hits))
    for n, answers in enumerate(best):
        if n == central:
            continue
        match = _Match.of(answers, best[central], num_classes)
        cause = (
            _cause(names[n], answers, best[central], ids, num_classes)
            or _cause(names[central], best[central], answers, ids, num_classes)
            or match.is_chance()
            and _OTHER_CAUSES
        )
        if cause:
            yield (
                f'{names[n]} and {names[central]} agree on the best class of {match} (chance: '
                f'{match.chance:.0%}); streams of one data set agree far more often. {cause}'
            )


def _beside_labels(
    names: Sequence[str],
    best: Sequence[np.ndarray],
    ids: Sequence[str],
    labels: np.ndarray,
    num_classes: int,
) -> Iterator[str]:
    """Name the streams that do not agree with the labels."""
    if not len(labels):
        return
    matches = [_Match.of(answers, labels, num_classes) for answers in best]
    good = max(range(len(names)), key=lambda n: matches[n].hits)
    beside = f', {names[good]} on {matches[good].hits}' if matches[good].is_related() else ''
    for name, answers, match in zip(names, best, matches):
        cause = _cause(name, answers, labels, ids, num_classes)
        if cause or match.is_chance():
            yield (
                f'{name} is right on {match} (chance: {match.chance:.0%}){beside}. '
                f'{cause or _OTHER_CAUSES}'
            )


def _cause(
    name: str, answers: np.ndarray, reference: np.ndarray, ids: Sequence[str], num_classes: int
) -> str:
    """Try common mistakes, and return the one whose repair makes answers agree far more often."""
    given = _Match.of(answers, reference, num_classes)
    tried = [
        (_Match.of(changed, reference, num_classes), text)
        for changed, text in (*_other_classes(answers, num_classes), *_other_rows(answers, ids))
    ]
    match, text = max(tried, key=lambda entry: entry[0].hits)
    return text.format(name=name, match=match) if match.is_far_better(given) else ''


def _other_classes(answers: np.ndarray, num_classes: int) -> Iterator[tuple[np.ndarray, str]]:
    modulo = ' (class id % 99 puts 99 first, id 99 -> 31 puts it last)' if num_classes == 32 else ''
    for step, where in ((-1, 'one place to the left'), (1, 'one place to the right')):
        yield (
            (answers + step) % num_classes,
            f'With the columns of {{name}} moved {where} they agree on {{match}}: its classes are '
            f'in another order{modulo}. np.roll(scores, {step}, axis=1) repairs it.',
        )


def _other_rows(answers: np.ndarray, ids: Sequence[str]) -> Iterator[tuple[np.ndarray, str]]:
    orders = {
        'sorted by name': sorted(range(len(ids)), key=lambda n: ids[n]),
        'sorted by name, numbers by value': sorted(
            range(len(ids)), key=lambda n: _by_value(ids[n])
        ),
        'reversed': list(range(len(ids)))[::-1],
        'one row late': list(np.roll(range(len(ids)), 1)),
        'one row early': list(np.roll(range(len(ids)), -1)),
    }
    for order, rows in orders.items():
        there = np.empty_like(answers)
        there[rows] = answers  # row n of the file is clip rows[n]
        yield (
            there,
            f'With the rows of {{name}} read as {order} they agree on {{match}}: its clips are in '
            'another order. Give scores with names (scores.npz), or ids in the order of its rows.',
        )


def _by_value(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r'(\d+)', name)
    return [(1, int(part[:300]), '') if part.isdecimal() else (0, 0, part) for part in parts]
