"""What a form of raw data offers, so that one command converts them all: the class Source.

A form is a module in forms/ with one subclass, and an import line in forms/__init__.py. Its
dataclass fields made by `option` are its options, in Python and on the command line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ..annotations.clip_names import without_ending
from ..annotations.notes import Notes
from ..annotations.parts import parts
from ..errors import DataError, UserError

FORMS: dict[str, type[Source]] = {}  # the forms by name


def option(default: Any, help: str, **how: Any) -> Any:
    """Make a dataclass field that is an option of a form: --its-name on the command line.

    Args:
        default: where it is not given.
        help: one line for --help.
        how: what argparse's add_argument takes.
    """
    return field(default=default, metadata={'help': help, **how})


@dataclass(frozen=True)
class Unit:
    """What is read at once: a file or a folder.

    Attributes:
        path: where it is.
        name: of its clip, or the beginning of its clips' names.
    """

    path: Path
    name: str


@dataclass
class Source(ABC):
    """One form of raw data; an object converts once, and collects what is to be said about it.

    Attributes:
        form: its name, the first word of the command.
        reads: what it reads, in one line.
        suffixes: endings of its files.
        layouts: number of joints -> layout, a name or a dict as configs write it.
        as_given: annotations are written with the dtypes they have, as upstream's own files are.
    """

    form: ClassVar[str]
    reads: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    layouts: ClassVar[Mapping[int, str | Mapping[str, Any]]] = {}
    as_given: ClassVar[bool] = False

    def __init_subclass__(cls, listed: bool = True) -> None:
        """Add a form to those that tools/convert.py lists, unless it has a command of its own."""
        if listed and 'form' in vars(cls):
            FORMS[cls.form] = cls

    def __post_init__(self) -> None:
        self.reading: Path | None = None  # what is read just now
        self.left_out: list[str] = []
        self.notes = Notes()
        self.own_splits: defaultdict[str, list[str]] = defaultdict(list)  # that the files have

    def find(self, paths: Sequence[Path]) -> list[Unit]:
        """List what there is to read: the files with `suffixes`, in folders and below, too.

        Raises:
            DataError: a path that is not there, or nothing to read.
        """
        return named(find_files(paths, self.suffixes, self.reads), paths)

    @abstractmethod
    def read(self, unit: Unit) -> Iterator[dict[str, Any]]:
        """Yield the unit's clips as annotations; what is left out goes to `leave_out`.

        Raises:
            DataError: nothing of the unit can be read; the others still are.
        """

    def finish(self, annotations: list[dict[str, Any]]) -> None:  # noqa: B027 (may do nothing)
        """Settle, in place, what only all clips together tell."""

    def layout(self, num_joints: int) -> str | Mapping[str, Any] | None:
        """Return the layout of clips of so many joints; None where it is not known."""
        return self.layouts.get(num_joints)

    def label_names(self) -> tuple[str, ...] | None:
        """Return the names of the classes where the form has them; asked when all is read."""
        return None

    def origin(self, name: str) -> str:
        """Return the clip that a clip is a view of, itself where it is none: it has that one's label and split."""
        return name

    def splits(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return the splits that the form itself has; asked when all is read."""
        return self.own_splits

    def clips_in(self, data: Any, path: Path) -> list:
        """Return the annotations, not yet checked, of what a pickle held; its splits are kept."""
        split, annotations = parts(data, str(path))
        for name, members in split.items():
            self.own_splits[name] += members
        return annotations

    def leave_out(self, why: object) -> None:
        """Say that a clip or file is left out: where, what came, what was expected."""
        text = str(why)
        known = self.reading is None or str(self.reading) in text
        self.left_out.append(text if known else f'{self.reading}: {text}')

    @contextmanager
    def faults_left_out(self) -> Iterator[None]:
        """Leave out what is read within when it is wrong, and go on."""
        try:
            yield
        except DataError as fault:
            self.leave_out(fault)

    def note(self, what: str, name: str) -> None:
        """Say something of a clip that is converted; clips of which the same is said share a line."""
        self.notes.add(what, name)


def find_files(paths: Sequence[Path], suffixes: Sequence[str], reads: str) -> list[Path]:
    """List files of these endings, sorted; hidden ones (macOS's '._x') are passed over.

    Raises:
        DataError: a path that is not there, or no such file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise DataError(f'{path}: no such file or folder. Expected {reads}.')
        inside = [path] if path.is_file() else sorted(path.rglob('*'))
        for file in inside:
            right = file.name.lower().endswith(tuple(suffixes)) and file.is_file()
            hidden = any(
                part.startswith(('.', '__MACOSX')) for part in file.relative_to(path).parts
            )
            if file == path or (right and not hidden):
                found[file] = None
    if not found:
        raise DataError(
            f'{", ".join(map(str, paths))}: holds no *{" or *".join(suffixes)}. Expected {reads}.'
        )
    return list(found)


def named(files: Sequence[Path], roots: Sequence[Path]) -> list[Unit]:
    """Name files, or folders, by what they are called, and by their folders where that repeats.

    'a/results.json' and 'b/results.json' are the clips 'a' and 'b'; 'a/x.json', 'b/x.json' and
    'b/y.json' are 'a/x', 'b/x' and 'y'.
    """
    stems = [without_ending(file.name) for file in files]
    if len(set(stems)) == 1 < len(files) and len({file.parent.name for file in files}) == len(
        files
    ):
        return [Unit(file, file.parent.name) for file in files]
    times = Counter(stems)
    return [
        Unit(file, stem if times[stem] == 1 else _below(file, roots, stem))
        for file, stem in zip(files, stems)
    ]


def _below(file: Path, roots: Iterable[Path], stem: str) -> str:
    root = next(
        (root for root in roots if file != root and file.is_relative_to(root)), file.parent.parent
    )
    return (file.parent.relative_to(root) / stem).as_posix()


def positive(name: str, *values: int) -> None:
    """Refuse an option's numbers below 1."""
    if min(values) < 1:
        raise UserError(f'--{name} {" ".join(map(str, values))}: expected whole numbers from 1 on.')
