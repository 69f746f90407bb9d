"""Receives the report's data; hands on one HTML file that opens anywhere and asks nobody for anything.

The page may run its own script and style, whose hashes it names, and nothing else (Content-Security-Policy). Data goes in as JSON
that cannot end its element, and the script shows it as text only.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files.atomic import atomic_write

HERE = Path(__file__).parent
SCRIPTS = (
    'dom.js',
    'charts.js',
    'skeleton.js',
    'player.js',
    'matrix.js',
    'downloads.js',
    'sections.js',
    'search.js',
    'research.js',
    'joints.js',
    'meaning.js',
    'page.js',
)
_ESCAPES = {character: f'\\u{ord(character):04x}' for character in '<>&\u2028\u2029'}


def safe_json(value: Any) -> str:
    """JSON that is harmless inside <script>: no `<`, `>`, `&` or line separator in it, whatever the texts are.

    raises  ValueError for NaN or inf, which no browser's JSON knows
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(',', ':'))
    text = text.encode(
        'utf-8', 'backslashreplace'
    ).decode()  # lone surrogates, as file names may have them
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text


def render(data: Mapping[str, Any], frames: str) -> str:
    """The page: `data` as JSON, `frames` the base64 text of the clips."""
    script = (
        '(() => {\n"use strict";\n'
        + ''.join((HERE / name).read_text(encoding='utf-8') for name in SCRIPTS)
        + '})();\n'
    )
    style = (HERE / 'page.css').read_text(encoding='utf-8')
    values = {
        'title': html.escape(str(data['title'])),
        'policy': page_policy(script, style),
        'style': style,
        'script': script,
        'data': safe_json(data),
        'frames': frames,
    }
    page = (HERE / 'page.html').read_text(encoding='utf-8')
    parts = page.split('{{')
    return parts[0] + ''.join(
        values[name] + rest for name, _, rest in (part.partition('}}') for part in parts[1:])
    )


def page_policy(script: str, style: str) -> str:
    script_hash, style_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (script, style)
    )
    return (
        f"default-src 'none'; script-src 'sha256-{script_hash}'; style-src 'sha256-{style_hash}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def write_page(path: str | os.PathLike, data: Mapping[str, Any], frames: str) -> int:
    """Write the page whole or not at all; returns its size in bytes. UserError when it can't be written."""
    page = render(data, frames).encode('utf-8', 'backslashreplace')  # as in safe_json
    with atomic_write(path) as f:
        f.write(page)
    return len(page)
