r"""Make splits: by shares, with the clips of a video or a person kept together, or by lists.

The rule is one text, the value of `--split-by`:

    random                                  train=0.8,val=0.2 of every class
    random:train=0.7,val=0.15,test=0.15     other shares
    video                                   all clips of a video in one split; the video is the name
                                            before its last '_': 0187 of 0187_3
    video:val=0001+0002,train=*             these videos, and all others
    regex:P(\d+):test=036+037,train=*       clips whose names have the same group in one split, so
                                            that people, cameras or sessions stay together
    list:FILE                               `name split` a line, or JSON or a pickle of
                                            {split: names}
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, UserError
from ..files import load_pickle
from ..files.texts import read_json, read_text
from ..wording import brief, count, plain, some
from .clip_names import ClipNames
from .label_files import read_pairs

DEFAULT_SHARES = 'train=0.8,val=0.2'
HELP = (
    'make splits: random, video or regex:PATTERN (clips whose names share the first group stay '
    'together), each with shares or names behind it (video:train=0.8,val=0.2; '
    'regex:P(\\d+):test=036+037,train=*), or list:FILE (`name split` a line, or JSON {split: '
    'names})'
)
REST = '*'
SPLIT_KEYS = ('split', 'set', 'subset', 'part')


@dataclass(frozen=True)
class _Part:
    """One split of a rule: a share in (0, 1], names of groups, or all the rest."""

    name: str
    share: float = 0.0
    groups: tuple[str, ...] = ()
    rest: bool = False


def split_clips(
    how: str, names: Sequence[str], labels: Sequence[Any] | None = None, seed: int = 0
) -> dict[str, list[str]]:
    """Divide clips into splits.

    Args:
        how: the rule, as this module's docstring lists them.
        names: frame_dir of each clip.
        labels: the clips' labels. With `random`, every class is divided by the shares; None: the
            clips alone are.
        seed: of the order in which clips or groups are dealt out.

    Returns:
        Name of the split -> its clips in the order of `names`. By shares and with `*` every clip is
        in one.

    Raises:
        UserError: a rule that cannot be read, or names groups that are not there.
        DataError: a list that cannot be read or names no clip that is there, a split without a
            clip.

    Examples:
        >>> split_clips('video:val=0002,train=*', ['0001_0', '0001_1', '0002_0'])
        {'val': ['0002_0'], 'train': ['0001_0', '0001_1']}
    """
    kind, _, rest = how.partition(':')
    if kind == 'list' and rest:
        return read_splits(rest, names)
    group_of, parts = _rule(how, kind, rest)
    if kind == 'video' and not any('_' in name for name in names):
        raise UserError(
            f"--split-by {how}: no clip's name has a '_' behind its video's, like 0054_0; they are "
            f'called {some(names, 3)}. Say what stays together with regex:PATTERN, or use random.'
        )
    groups = defaultdict(list)
    for name in names:
        groups[group_of(name)].append(name)
    chosen = _by_name(how, parts, groups)
    if any(part.share for part in parts):
        chosen = _by_share(parts, _order(groups, names, labels if kind == 'random' else None, seed))
    given = set(chosen.values())
    lacking = [part.name for part in parts if part.name not in given]
    if lacking:
        raise DataError(
            f'--split-by {how}: split {lacking[0]!r} gets no clip, since there are '
            f'{count(len(groups), "group")} of {count(len(names), "clip")}. Give other shares, or '
            'smaller groups.'
        )
    return {
        part.name: [name for name in names if chosen.get(group_of(name)) == part.name]
        for part in parts
    }


def check_rule(how: str) -> None:
    """Raise the error that `split_clips` would for a rule or list that cannot be read."""
    kind, _, rest = how.partition(':')
    if kind == 'list' and rest:
        _listed(Path(rest))
    else:
        _rule(how, kind, rest)


def _rule(how: str, kind: str, rest: str) -> tuple[Callable[[str], str], list[_Part]]:
    """Return the function from a name to its group, and the splits of a rule."""
    if kind == 'random':
        return str, _parts(how, rest)
    if kind == 'video':
        return lambda name: name.rpartition('_')[0] or name, _parts(how, rest)
    if kind != 'regex' or not rest:
        raise UserError(f'--split-by {how}: expected random, video, regex:PATTERN or list:FILE.')
    pattern, _, shares = rest.rpartition(':')
    if not pattern or not re.fullmatch(r'\w[^=(){}\[\]]*=.*', shares):
        pattern, shares = rest, ''
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UserError(
            f'--split-by {how}: {pattern!r} is no regular expression ({error}).'
        ) from None

    def group_of(name: str) -> str:
        found = compiled.search(name)
        group = found and found[1 if compiled.groups else 0]
        if group is None:  # not found, or the group is optional
            raise UserError(
                f'--split-by {how}: {pattern!r} is not found in the name {plain(name)}. Expected a '
                'pattern that every name has, its first (group) being what stays together.'
            )
        return group

    return group_of, _parts(how, shares)


def _parts(how: str, text: str) -> list[_Part]:
    parts = []
    for piece in (text or DEFAULT_SHARES).split(','):
        name, _, value = (side.strip() for side in piece.partition('='))
        if not name or not value:
            raise UserError(
                f'--split-by {how}: {piece!r} is no split. Expected train=0.8, or val=a+b.'
            )
        share = _share(value)
        if share is None:
            groups = () if value == REST else tuple(value.split('+'))
            parts.append(_Part(name, groups=groups, rest=value == REST))
        elif 0 < share <= 1:
            parts.append(_Part(name, share=share))
        else:
            raise UserError(f'--split-by {how}: the share {value} of {name!r} is not in 0..1.')
    shares = [part.share for part in parts]
    if any(shares) and not all(shares):
        raise UserError(f'--split-by {how}: gives shares and names. Expected one of them.')
    if any(shares) and abs(sum(shares) - 1) > 0.011:
        raise UserError(f'--split-by {how}: the shares sum to {sum(shares):g}. Expected 1.')
    names = [part.name for part in parts]
    if len(set(names)) < len(names) or sum(part.rest for part in parts) > 1:
        raise UserError(f'--split-by {how}: a split, or {REST}, is given twice.')
    return parts


def _share(value: str) -> float | None:
    """Return 0.2 for '0.2' and '20%'; None for a name like '036'."""
    if re.fullmatch(r'\d*\.\d+|\d+\.\d*', value):
        return float(value)
    if re.fullmatch(r'\d+(\.\d+)?%', value):
        return float(value[:-1]) / 100
    return None


def _by_name(how: str, parts: Sequence[_Part], groups: Mapping[str, Sequence]) -> dict[str, str]:
    """Return group -> split for the splits that name their groups."""
    chosen: dict[str, str] = {}
    for part in parts:
        unknown = [group for group in part.groups if group not in groups]
        if unknown:
            shares = ' Shares are written 0.8 or 80%.' if unknown[0].isdigit() else ''
            raise UserError(
                f'--split-by {how}: no clip belongs to {some(unknown)}. There are '
                f'{count(len(groups), "group")}: {some(sorted(groups), 8)}.{shares}'
            )
        for group in part.groups:
            if chosen.setdefault(group, part.name) != part.name:
                raise UserError(
                    f'--split-by {how}: {group!r} is in {chosen[group]!r} and in {part.name!r}.'
                )
    rest = next((part.name for part in parts if part.rest), None)
    if rest is not None:
        chosen |= {group: rest for group in groups if group not in chosen}
    return chosen


def _order(
    groups: Mapping[str, Sequence[str]],
    names: Sequence[str],
    labels: Sequence[Any] | None,
    seed: int,
) -> list[tuple[str, int]]:
    """Return the groups in the order in which they are assigned, with their numbers of clips."""
    order = sorted(groups)
    np.random.default_rng(seed).shuffle(order)
    if labels is not None:
        label_of = {name: str(label) for name, label in zip(names, labels)}
        order.sort(key=label_of.__getitem__)
    return [(group, len(groups[group])) for group in order]


def _by_share(parts: Sequence[_Part], order: Sequence[tuple[str, int]]) -> dict[str, str]:
    """Give each group to the split that lacks most of its share, in a tie to the earlier one."""
    total, given = 0, dict.fromkeys((part.name for part in parts), 0)
    chosen = {}
    for group, size in order:
        total += size
        behind = max(parts, key=lambda part: part.share * total - given[part.name])
        chosen[group] = behind.name
        given[behind.name] += size
    return chosen


def read_splits(path: str | Path, names: Sequence[str]) -> dict[str, list[str]]:
    """Read splits from a file: `name split` a line (or with commas), or {split: [name, ...]}.

    Names are found as ClipNames finds them. Lines that name no clip are left out; none at all is an
    error.

    Raises:
        DataError: no such file, another format, or no name of it is a clip's.
    """
    path = Path(path)
    listed = _listed(path)
    clips = ClipNames(names)
    wanted = {split: {clips.find(name) for name in members} for split, members in listed.items()}
    splits = {
        split: [name for name in names if name in members] for split, members in wanted.items()
    }
    empty = [split for split, members in splits.items() if not members]
    if empty or not splits:
        first = listed[empty[0]][:1] if empty else []
        raise DataError(
            f'{path}: no clip is in split {brief(empty[0]) if empty else "of any name"}; the list '
            f'says {some(first)}, the clips are called {some(names, 3)}. Expected the same names.'
        )
    return splits


def _listed(path: Path) -> dict[str, list[str]]:
    suffix = path.suffix.lower()
    if suffix in ('.json', '.pkl', '.pickle'):
        data = read_json(path) if suffix == '.json' else load_pickle(path)
        data = data.get('split', data) if isinstance(data, Mapping) else data
        good = isinstance(data, Mapping) and all(
            isinstance(members, (list, tuple)) and all(isinstance(name, str) for name in members)
            for members in data.values()
        )
        if not good:
            raise DataError(f'{path}: holds {brief(data)}. Expected {{split: [name, ...]}}.')
        return {str(split): list(members) for split, members in data.items()}
    listed: dict[str, list[str]] = {}
    for name, split in read_pairs(path, SPLIT_KEYS, '`name split`, like `0054_0 val`'):
        if not split:
            raise DataError(f'{path}: {plain(name)} has no split. Expected `name split` a line.')
        listed.setdefault(split, []).append(name)
    return listed


def read_names(path: str | Path) -> list[str]:
    """Read names of clips: one a line, comma-separated in one line, or a JSON list.

    A label behind a name is ignored.

    Raises:
        DataError: no such file, another format, or no names.
    """
    path = Path(path)
    if path.suffix.lower() == '.json':
        names = read_json(path)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(f'{path}: holds {brief(names)}. Expected a list of names.')
    else:
        lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
        lines = re.split(r'[,;\s]+', lines[0].strip(',; ')) if len(lines) == 1 else lines
        names = [re.sub(r'[,;\s]+-?\d+$', '', line) for line in lines]
    if not names:
        raise DataError(f'{path}: holds no names. Expected one a line.')
    return names
