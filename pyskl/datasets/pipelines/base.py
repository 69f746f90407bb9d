"""What every stage of a pipeline is made of."""
from __future__ import annotations

from typing import Any

from ...errors import DataError

Results = dict[str, Any]


class Step:
    """One stage of a pipeline: takes a clip's `results`, adds to it, hands it on.

    needs, gives   the keys that it reads (beyond those it can do without) and those it writes
    A step replaces values in `results`; it never writes into an array that it did not make, since annotations are shared.
    """

    needs: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()

    def __call__(self, results: Results) -> Results:
        raise NotImplementedError

    def keys_after(self, keys: set[str] | None) -> set[str] | None:
        """The keys that `results` holds after this step, when it held `keys` before; None: it may hold anything."""
        return None if keys is None else keys | set(self.gives)

    def __repr__(self) -> str:
        public = ', '.join(f'{k}={v!r}' for k, v in vars(self).items() if not k.startswith('_'))
        return f'{type(self).__name__}({public})'


def clip_error(results: Results, message: str) -> DataError:
    """A DataError that names the clip."""
    return DataError(f'clip {results.get("frame_dir", "?")!r}: {message}')


def picture_size(results: Results) -> tuple[int, int]:
    """The clip's img_shape as (h, w); DataError unless it is two numbers above 0."""
    try:
        h, w = (int(v) for v in results['img_shape'])
    except (TypeError, ValueError):
        h = w = 0
    if h <= 0 or w <= 0:
        raise clip_error(results, f'img_shape = {results["img_shape"]!r}: expected (height, width) in pixels, both above 0.')
    return h, w
