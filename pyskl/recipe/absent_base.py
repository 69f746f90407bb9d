"""A config whose `_base_` names MMAction2's default_runtime.py, on a machine that does not have it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

# It says how MMAction2 logs, saves and launches. All of that has defaults here, or is not needed.
RUNTIME = 'default_runtime.py'

Absent = tuple[Path, str]  # the config file, and the base as it names it


@contextlib.contextmanager
def with_empty_bases(files: Sequence[Path], absent: Sequence[Absent]) -> Iterator[dict[Path, Path]]:
    """Copy config files to where each absent base is an empty file.

    Args:
        files: a config and all its bases.
        absent: the bases to make up.

    Yields:
        {file: where to read it}; the files themselves where nothing is absent.
    """
    if not absent:
        yield {file: file for file in files}
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, *'abcdefgh')  # deep, since a base's '..' may lead up from '/'
        copies = {file: root.joinpath(*Path(os.path.abspath(file)).parts[1:]) for file in files}
        for file, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        for file, base in absent:
            place = Path(os.path.normpath(copies[file].parent / base))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        yield copies


def note(absent: Sequence[Absent]) -> list[str]:
    """Return a line for the log on each base that was made up."""
    return [
        f'its _base_ {base!r} is not there; read without it, since what MMAction2 says there (logging, saving, '
        'launching) has defaults here.'
        for _, base in absent
    ]
