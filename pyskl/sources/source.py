"""The class Source: what a form of raw data must offer for tools/convert.py to read it.

To add a form, write a module in forms/ with one subclass and import it in forms/__init__.py. The
dataclass fields that `option` makes are its options, in Python and on the command line.
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

Annotation = dict[str, Any]  # one clip
LayoutConfig = str | Mapping[str, Any]  # as in configs: a name, or a dict
FORMS: dict[str, type[Source]] = {}  # the forms by name


def option(default: Any, help: str, **how: Any) -> Any:
    """Make a dataclass field that is also an option, --its-name, on the command line.

    Args:
        default: value where the option is not given.
        help: one line for --help.
        how: further arguments of argparse's add_argument.
    """
    return field(default=default, metadata={'help': help, **how})


@dataclass(frozen=True)
class Unit:
    """A file or folder that is read as a whole.

    Attributes:
        path: where it is.
        name: of its clip, or the beginning of its clips' names.
    """

    path: Path
    name: str


@dataclass
class Source(ABC):
    """One form of raw data. An object reads once and collects the remarks for the user.

    Attributes:
        form: name of the form, the first word of the command.
        reads: what it reads, in one line.
        suffixes: endings of its files.
        layouts: number of joints -> layout, a name or a dict as in configs.
        as_given: whether annotations keep their dtypes when written, as upstream's own files do.
    """

    form: ClassVar[str]
    reads: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    layouts: ClassVar[Mapping[int, LayoutConfig]] = {}
    as_given: ClassVar[bool] = False

    def __init_subclass__(cls, listed: bool = True) -> None:
        """Add the form to those of tools/convert.py, unless it has a command of its own."""
        if listed and 'form' in vars(cls):
            FORMS[cls.form] = cls

    def __post_init__(self) -> None:
        self.reading: Path | None = None  # the file or folder being read
        self.left_out: list[str] = []
        self.notes = Notes()
        self.own_splits: defaultdict[str, list[str]] = defaultdict(list)  # splits in the files

    def find(self, paths: Sequence[Path]) -> list[Unit]:
        """List the files with `suffixes`, also those in folders and below.

        Raises:
            DataError: a path does not exist, or there is nothing to read.
        """
        return named(find_files(paths, self.suffixes, self.reads), paths)

    @abstractmethod
    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the unit's clips as annotations; report those left out with `leave_out`.

        Raises:
            DataError: nothing of the unit can be read; other units are read all the same.
        """

    def finish(self, annotations: list[Annotation]) -> None:  # noqa: B027 (may do nothing)
        """Complete the annotations, in place, with what depends on all of them."""

    def layout(self, num_joints: int) -> LayoutConfig | None:
        """Return the layout of clips with so many joints; None where it is unknown."""
        return self.layouts.get(num_joints)

    def label_names(self) -> tuple[str, ...] | None:
        """Return the names of the classes, if the form has any; called after reading."""
        return None

    def origin(self, name: str) -> str:
        """Return the clip that this one is a view of, by default itself.

        A view has its clip's label and split.
        """
        return name

    def splits(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return the splits that the form itself has; called after reading."""
        return self.own_splits

    def clips_in(self, data: Any, path: Path) -> list:
        """Return the unchecked annotations in a pickle's content, and remember its splits."""
        split, annotations = parts(data, str(path))
        for name, members in split.items():
            self.own_splits[name] += members
        return annotations

    def leave_out(self, why: object) -> None:
        """Report a clip or file that is left out: where, what came, what was expected."""
        text = str(why)
        known = self.reading is None or str(self.reading) in text
        self.left_out.append(text if known else f'{self.reading}: {text}')

    @contextmanager
    def faults_left_out(self) -> Iterator[None]:
        """Turn a DataError in the `with` block into a report by `leave_out`."""
        try:
            yield
        except DataError as fault:
            self.leave_out(fault)

    def note(self, what: str, name: str) -> None:
        """Report something about a converted clip; clips with the same report share a line."""
        self.notes.add(what, name)


def find_files(paths: Sequence[Path], suffixes: Sequence[str], reads: str) -> list[Path]:
    """List files with these endings, sorted, without hidden ones (macOS's '._x').

    Raises:
        DataError: a path does not exist, or there is no such file.
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
    """Name files, or folders, after themselves, and after their folders where names repeat.

    'a/results.json' and 'b/results.json' are the clips 'a' and 'b'; 'a/x.json', 'b/x.json' and
    'b/y.json' are 'a/x', 'b/x' and 'y'.
    """
    stems = [without_ending(file.name) for file in files]
    folders = {file.parent.name for file in files}
    if len(set(stems)) == 1 < len(files) == len(folders):
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
    """Raise a UserError where an option's numbers are below 1."""
    if min(values) < 1:
        raise UserError(f'--{name} {" ".join(map(str, values))}: expected whole numbers from 1 on.')
