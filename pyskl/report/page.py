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
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files.atomic import atomic_write

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
_ESCAPES = {ord(character): f'\\u{ord(character):04x}' for character in '<>&\u2028\u2029'}


def safe_json(value: Any) -> str:
    """Return JSON that is harmless inside <script>: without `<`, `>`, `&` and line separators.

    Raises:
        ValueError: NaN or inf, which browsers do not read.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(',', ':'))
    # file names may hold lone surrogates
    return text.encode('utf-8', 'backslashreplace').decode().translate(_ESCAPES)


def render(name: str, scripts: Sequence[str], data: Mapping[str, Any], frames: str = '') -> str:
    """Return a page.

    Args:
        name: of its template and style sheet: NAME.html, NAME.css.
        scripts: files to join as its script.
        data: what the script shows, with the page's `title`.
        frames: base64 text of the clips' key points.
    """
    code = ''.join(map(_text, scripts))
    script, style = f'(() => {{\n"use strict";\n{code}}})();\n', _text(f'{name}.css')
    script_hash, style_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (script, style)
    )
    values = {
        'title': html.escape(str(data['title'])),
        'policy': f"default-src 'none'; script-src 'sha256-{script_hash}'; "
        f"style-src 'sha256-{style_hash}'; img-src data:; base-uri 'none'; form-action 'none'",
        'style': style,
        'script': script,
        'data': safe_json(data),
        'frames': frames,
    }
    # in one pass: what looks like a name inside of a value stays
    return re.sub(r'{{(\w+)}}', lambda found: values[found[1]], _text(f'{name}.html'))


def _text(file: str) -> str:
    return (Path(__file__).parent / file).read_text(encoding='utf-8')


def write_page(
    path: str | os.PathLike,
    name: str,
    scripts: Sequence[str],
    data: Mapping[str, Any],
    frames: str = '',
) -> int:
    """Write a page whole or not at all, and return its size in bytes; arguments as for `render`."""
    page = render(name, scripts, data, frames).encode('utf-8', 'backslashreplace')
    with atomic_write(path) as f:
        f.write(page)
    return len(page)
