"""One HTML file from the report's data, which opens anywhere and loads nothing.

Its Content-Security-Policy names the hashes of its own script and style, and allows nothing else.
Data goes in as JSON that cannot end its element, and the script shows it as text only.
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
    'header.js',
    'sections.js',
    'curves.js',
    'search.js',
    'analysis.js',
    'joints.js',
    'semantics.js',
    'page.js',
)
_ESCAPES = {character: f'\\u{ord(character):04x}' for character in '<>&\u2028\u2029'}


def safe_json(value: Any) -> str:
    """Return JSON that is harmless inside <script>: without `<`, `>`, `&` and line separators.

    Raises:
        ValueError: NaN or inf, which browsers do not read.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(',', ':'))
    # file names may hold lone surrogates
    text = text.encode('utf-8', 'backslashreplace').decode()
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return text


def render(data: Mapping[str, Any], frames: str) -> str:
    """Return the page of `data`, with the base64 text of the clips' key points in `frames`."""
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
    return fill_template((HERE / 'page.html').read_text(encoding='utf-8'), values)


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """Put values in the place of {{name}}; what looks like a name inside of a value stays."""
    first, *parts = template.split('{{')
    pairs = (part.partition('}}') for part in parts)
    return first + ''.join(values[name] + rest for name, _, rest in pairs)


def page_policy(script: str, style: str) -> str:
    """Return the Content-Security-Policy that allows this script and style alone."""
    script_hash, style_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (script, style)
    )
    return (
        f"default-src 'none'; script-src 'sha256-{script_hash}'; style-src 'sha256-{style_hash}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def write_page(path: str | os.PathLike, data: Mapping[str, Any], frames: str) -> int:
    """Write the page whole or not at all, and return its size in bytes."""
    page = render(data, frames).encode('utf-8', 'backslashreplace')  # as in safe_json
    with atomic_write(path) as f:
        f.write(page)
    return len(page)
