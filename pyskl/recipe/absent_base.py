"""Configs that mmengine cannot read where they lie: a `_base_` that names MMAction2's default_runtime.py on a machine that does
not have it, and files saved with a byte order mark or as UTF-16.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..files.texts import read_text

# It says how MMAction2 logs, saves and launches. All of that has defaults here, or is not needed.
RUNTIME = 'default_runtime.py'

Absent = tuple[Path, str]  # the config file, and the base as it names it


@contextlib.contextmanager
def with_empty_bases(files: Sequence[Path], absent: Sequence[Absent]) -> Iterator[dict[Path, Path]]:
    """Copy config files to where each absent base is an empty file, and all of them are plain UTF-8.

    Args:
        files: a config and all its bases.
        absent: the bases to make up.

    Yields:
        {file: where to read it}; the files themselves where nothing is absent or marked.
    """
    if not absent and not any(_is_marked(file) for file in files):
        yield {file: file for file in files}
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, *'abcdefgh')  # deep, since a base's '..' may lead up from '/'
        copies = {file: root.joinpath(*Path(os.path.abspath(file)).parts[1:]) for file in files}
        for file, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(read_text(file), encoding='utf-8', newline='')
        for file, base in absent:
            place = Path(os.path.normpath(copies[file].parent / base))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        yield copies


def _is_marked(file: Path) -> bool:
    with open(file, 'rb') as f:
        return f.read(3).startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def note(absent: Sequence[Absent]) -> list[str]:
    """Return a line for the log on each base that was made up."""
    return [
        f'its _base_ {base!r} is not there; read without it, since what MMAction2 says there (logging, saving, '
        'launching) has defaults here.'
        for _, base in absent
    ]
