"""Brings the folders' READMEs into the site; links between files of the repository work there.

A fact stands in one file of the repository; the site shows that file. A link in it is written as
it works in the repository (`../data/README.md#videos`), and becomes the link between the pages.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# file of the repository -> page of the site
PAGES = {
    'README.md': 'readme.md',
    'configs/README.md': 'configs.md',
    'data/README.md': 'data.md',
    'ensemble/README.md': 'ensemble.md',
    'work_dirs/README.md': 'work_dirs.md',
    'CONTRIBUTING.md': 'contributing.md',
    'CHANGELOG.md': 'changelog.md',
    'SECURITY.md': 'security.md',
}
SOURCES = {page: source for source, page in PAGES.items()}
FENCE = re.compile(r'(^```.*?^```)', re.MULTILINE | re.DOTALL)
LIST_BELOW_TEXT = re.compile(r'^(?![-#|>\s]|\d+\. )(.+\n)(?=- |1\. )', re.MULTILINE)
CODE = re.compile(r'(^```.*?^```|`[^`\n]+`)', re.MULTILINE | re.DOTALL)
TARGET = re.compile(r'(?<=\]\()(?P<link>[^)\s]+)(?=\))|(?<=src=")(?P<src>[^"]+)(?=")')
LOG = logging.getLogger('mkdocs.hooks.repository_pages')


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that lie outside docs/."""
    from mkdocs.structure.files import File

    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text('utf-8')))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links between files of the repository into links between pages."""
    return with_links(with_lists_apart(markdown), page.file.src_uri)


def with_lists_apart(markdown: str) -> str:
    """Return a text with a blank line before each list, without which Python-Markdown sees none."""
    parts = FENCE.split(markdown)
    parts[::2] = [LIST_BELOW_TEXT.sub(r'\1\n', text) for text in parts[::2]]
    return ''.join(parts)


def with_links(markdown: str, page: str) -> str:
    """Return a page's text with its links as the site needs them.

    Args:
        markdown: the text.
        page: the page's place in the site, e.g. 'recipes/index.md'.
    """
    parts = CODE.split(markdown)  # text and code in turn
    parts[::2] = [TARGET.sub(lambda found: _target(found, page), text) for text in parts[::2]]
    return ''.join(parts)


def _target(found: re.Match, page: str) -> str:
    link = found.group()
    path, mark, anchor = link.partition('#')
    if not path or re.match(r'[a-z]+:', link):
        return link
    source = SOURCES.get(page, f'docs/{page}')
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    place = PAGES.get(wanted) or wanted.removeprefix('docs/')
    if place == wanted and (ROOT / wanted).exists():
        LOG.warning('%s: %s is in the repository, but not in the site', source, wanted)
    return posixpath.relpath(place, posixpath.dirname(page) or '.') + mark + anchor
