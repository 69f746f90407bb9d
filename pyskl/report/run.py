"""How the streams were trained: config, command, versions, seed and time, from the work dir."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import printable
from .sources import MAX_CONFIG_BYTES, Stream, log_texts, readable_text, typed_value

MAX_CONFIG = 40_000  # characters on the page
MAX_VALUE = 400
MAX_LINES = 200  # of a difference
MAX_STEP = 1e5  # seconds
# Keys of a log's first line, and their names on the page.
FACTS = {
    'command': 'Command',
    'time': 'Started',
    'seed': 'Seed',
    'pyskl_version': 'pyskl',
    'torch_version': 'PyTorch',
    'world': 'Processes',
    'amp': 'Mixed precision',
}


def runs(streams: Sequence[Stream]) -> list[dict[str, Any]]:
    """Return {name, facts: [[name, text], ...], config, differs} of each stream.

    `config` is the text of the config, '' if there is none; `differs` holds the lines in which it
    differs from the first stream's, with - and + before them.
    """
    found: list[dict[str, Any]] = []
    for stream in streams:
        config = _config(stream)
        differs = _difference(found[0]['config'], config) if found and config else []
        facts = _facts(stream)
        found.append({'name': stream.name, 'facts': facts, 'config': config, 'differs': differs})
    return [run for run in found if run['facts'] or run['config']]


def _facts(stream: Stream) -> list[list[str]]:
    head = _head(stream) if stream.config_file is not None else {}
    facts = [
        [title, printable(str(value))[:MAX_VALUE]]
        for key, title in FACTS.items()
        if (value := typed_value(head, key, (str, int))) is not None and value != ''
    ]
    training = [row for row in stream.log if row['mode'] == 'train']
    if training:
        facts.append(['Epochs', str(max(row['epoch'] for row in training))])
        facts.append(['Training took', _duration(_seconds(training))])
    return facts


def _head(stream: Stream) -> Mapping[str, Any]:
    """Return the first line of the newest log, which describes the run."""
    for text in reversed(log_texts(stream.folder)):
        try:
            head = json.loads(text.partition('\n')[0])
        except (ValueError, RecursionError):
            continue
        if isinstance(head, dict) and 'mode' not in head:
            return head
    return {}


def _seconds(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the seconds of all steps; a row holds the mean over the steps since the row before."""
    total, before = 0.0, (0, 0)
    for row in sorted(rows, key=lambda row: (row['epoch'], row['iter'])):
        steps = row['iter'] - (before[1] if before[0] == row['epoch'] else 0)
        before = row['epoch'], row['iter']
        time = typed_value(row, 'time', (int, float))
        if time is not None and 0 <= time < MAX_STEP:  # not NaN either
            total += steps * time
    return total


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f'{seconds:.0f} s of steps'
    minutes = round(seconds / 60)
    hours = f'{minutes // 60} h ' if minutes >= 60 else ''
    return f'{hours}{minutes % 60} min of steps'


def _config(stream: Stream) -> str:
    if stream.config_file is None:
        return ''
    text = readable_text(stream.config_file, MAX_CONFIG_BYTES)
    return text if len(text) <= MAX_CONFIG else f'{text[:MAX_CONFIG]}\n... (cut here)'


def _difference(first: str, other: str) -> list[str]:
    lines = difflib.unified_diff(first.splitlines(), other.splitlines(), lineterm='', n=0)
    changed = [line for line in list(lines)[2:] if not line.startswith('@@')]
    return changed[:MAX_LINES]
