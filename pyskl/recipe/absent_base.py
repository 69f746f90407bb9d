"""Configs that mmengine cannot read in place.

Their `_base_` names MMAction2's default_runtime.py, which is not there, or a file is saved with a
byte order mark or as UTF-16.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..files.texts import read_text

# How MMAction2 logs, saves and launches. All of that has defaults here, or is not needed.
RUNTIME = 'default_runtime.py'

Absent = tuple[Path, str]  # the config file, and the base as it names it


@contextlib.contextmanager
def with_empty_bases(files: Sequence[Path], absent: Sequence[Absent]) -> Iterator[dict[Path, Path]]:
    """Copy config files as plain UTF-8 to a folder in which each absent base is an empty file.

    Args:
        files: a config and all its bases.
        absent: the bases to make up.

    Yields:
        {file: where to read it}; the files themselves if nothing is absent or marked.
    """
    marks = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    if not absent and not any(file.read_bytes().startswith(marks) for file in files):
        yield {file: file for file in files}
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, *'abcdefgh')  # deep, for bases whose '..' lead above '/'
        copies = {file: root.joinpath(*Path(os.path.abspath(file)).parts[1:]) for file in files}
        for file, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(read_text(file), encoding='utf-8', newline='')
        for file, base in absent:
            place = Path(os.path.normpath(copies[file].parent / base))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        yield copies
