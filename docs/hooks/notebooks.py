"""Shows notebooks as pages: their text and their code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / 'notebooks'


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each notebook."""
    from mkdocs.structure.files import File

    for place, content in pages().items():
        files.append(File.generated(config, place, content=content))
    return files


def pages() -> dict[str, str]:
    """Return the page of each notebook by its place in the site."""
    return {
        f'notebooks/{file.stem}.md': as_page(file.read_text('utf-8'), file.name)
        for file in sorted(FOLDER.glob('*.ipynb'))
    }


def as_page(notebook: str, name: str) -> str:
    """Return a notebook's cells as Markdown, with a line that says where it lies."""
    title, *cells = [
        f'```python\n{text}\n```' if cell['cell_type'] == 'code' else text
        for cell in json.loads(notebook)['cells']
        if (text := ''.join(cell['source']))
    ]
    return '\n\n'.join([title, f'This page is `docs/notebooks/{name}`.', *cells, ''])
