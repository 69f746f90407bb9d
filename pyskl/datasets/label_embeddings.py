"""Label vectors: one vector for each class, which the embedding head learns to predict.

The package's own table lies beside this file. tools/embed_labels.py made it: sentence vectors of
iMiGUE's 32 label names (all-MiniLM-L6-v2, Apache-2.0), turned into 300 dimensions without changing
any distance or angle, then scaled so that predicting zero costs as much as with the published word
vectors (arXiv:2307.10624).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files import load_npy
from ..labels import IMIGUE_LABELS
from ..wording import some

PACKAGE_TABLE = Path(__file__).with_name('label_embeddings_imigue.npy')
PUBLISHED_TABLE = 'tools/glove/Vectors.npy'  # where users of the published code have theirs
PROJECT = Path(__file__).resolve().parents[2]


def load_label_embeddings(
    path: str | os.PathLike | None = None, num_classes: int | None = None
) -> np.ndarray:
    """Return the label vectors, (K, D) float32, row = class.

    Args:
        path: an .npy file of numbers (K, D); a relative path is searched in the current folder,
            then in the project's. None: the package's own (32, 300), wherever the program runs.
        num_classes: when given, K must equal it.

    Raises:
        DataError: missing, no .npy array, not (K, D), no numbers, NaN or inf, another K.
    """
    file = PACKAGE_TABLE if path is None else find_table(path)
    table = load_npy(file)
    if table.ndim != 2 or 0 in table.shape or table.dtype.kind not in 'fiu':
        raise DataError(
            f'{file}: shape {table.shape} and type {table.dtype}: expected numbers (K, D), a '
            'vector for each class, as tools/embed_labels.py writes them.'
        )
    with np.errstate(over='ignore'):
        table = np.array(table, dtype=np.float32)  # read whole: load_npy only maps the file
    bad = np.flatnonzero(~np.isfinite(table).all(axis=1))
    if len(bad):
        raise DataError(
            f'{file}: NaN or inf in the vector of class {bad[0]}; expected finite numbers.'
        )
    if num_classes is not None and len(table) != num_classes:
        raise DataError(
            f'{file}: {len(table)} label vectors for {num_classes} classes. Make a table of your '
            'own label names: tools/embed_labels.py --labels FILE --out FILE.npy, and name it in '
            'label_embeddings.'
        )
    return table


def default_table_note(
    path: str | os.PathLike | None = None, names: Sequence[str] | None = None
) -> str:
    """Return a line for the log that says which table is used.

    It warns when the classes are not those of the package's table, and when a published table lies
    in the project but the config names none.

    Args:
        path: the table that the config names; None: none.
        names: names of the classes, where known.
    """
    if path is not None:
        return f'Label vectors: {find_table(path)}'
    note = (
        "Label vectors: the package's own table (sentence vectors of iMiGUE's 32 label names, "
        '300 dimensions)'
    )
    if names is not None and tuple(names) != IMIGUE_LABELS:
        return (
            f'{note}. WARNING: these are other classes ({some(names, 3)}), for which the vectors '
            'mean nothing. Make a table of their names (tools/embed_labels.py --labels FILE '
            '--out FILE.npy) and name it in label_embeddings, or set model.cls_head.loss_emb=None.'
        )
    unused = next(
        (place / PUBLISHED_TABLE for place in _places() if (place / PUBLISHED_TABLE).is_file()),
        None,
    )
    if unused is None:
        return note
    return (
        f'{note}. WARNING: {unused} is not used; to train with it, set '
        f"label_embeddings='{PUBLISHED_TABLE}' in each dataset."
    )


def _places() -> tuple[Path, Path]:
    return Path.cwd(), PROJECT


def find_table(path: str | os.PathLike) -> Path:
    """Return the path of a table.

    A relative path is searched in the current folder, then in the project's.

    Raises:
        DataError: no such file.
    """
    found = next((place / path for place in _places() if os.path.exists(place / path)), None)
    if found is None:
        looked = ''
        if not Path(path).is_absolute():
            looked = f' (looked in {" and ".join(map(str, dict.fromkeys(_places())))})'
        raise DataError(
            f'{path}: no such table of label vectors{looked}. Make one with tools/embed_labels.py, '
            "or leave label_embeddings out to take the package's own."
        )
    return found
