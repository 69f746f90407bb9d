"""What every step of a pipeline is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from ...errors import ConfigError, DataError
from ...skeletons import Layout, Topology, layout_of, topology_of

Results = dict[str, Any]
_Skeleton = TypeVar('_Skeleton', Layout, Topology)


class Step:
    """One step of a pipeline: takes a clip's `results`, adds to them and returns them.

    A step replaces values in `results`; it never writes into an array that it did not make, since
    annotations are shared.

    Attributes:
        needs: entries that it reads, apart from those it can do without.
        needs_one_of: entries of which at least one must be there: a step that moves key points,
            pictures, or both has ('keypoint', 'imgs'). It writes those that are there, so they are
            not in `gives`.
        gives: entries that it writes.
        removes: entries that it removes.
        keeps_lazy: whether it passes lazy entries (inputs.LazyArray) on as they are; before any
            other step they are computed. Not inherited: each class sets it for itself.
    """

    needs: tuple[str, ...] = ()
    needs_one_of: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    keeps_lazy = False

    def __call__(self, results: Results) -> Results:
        """Return a clip's entries after this step."""
        raise NotImplementedError

    def keys_after(self, keys: set[str] | None) -> set[str] | None:
        """Return the entries of `results` after this step.

        Args:
            keys: the entries before it; None: there may be any.
        """
        return None if keys is None else (keys | set(self.gives)) - set(self.removes)

    def __repr__(self) -> str:
        public = ', '.join(f'{k}={v!r}' for k, v in vars(self).items() if not k.startswith('_'))
        return f'{type(self).__name__}({public})'


def is_ours(step: Any) -> bool:
    """Return whether a step is one of this package's, which follow Step's contract."""
    return type(step).__module__.startswith('pyskl.')


def clip_error(results: Mapping[str, Any], message: str) -> DataError:
    """Return a DataError that names the clip."""
    return DataError(f'clip {results.get("frame_dir", "?")!r}: {message}')


def check_planar(results: Results, step: Step) -> None:
    """Check that key points are x and y in pixels of a picture, which `step` needs.

    Raises:
        DataError: they have another number of coordinates: x, y, z, or x, y and score.
    """
    shape = results['keypoint'].shape
    if shape[-1] != 2:
        raise clip_error(
            results,
            f'keypoint has shape {shape}, but {type(step).__name__} works on pixels and expected '
            '(people, frames, joints, 2): x and y. For x, y, z begin the pipeline with Project3D, '
            'which projects them into a picture, or use one for 3D key points (PreNormalize3D, '
            'UniformSample, PoseDecode, FormatGCNInput); where the third coordinate is a score, '
            'put it into keypoint_score.',
        )


def chosen_layout(layout: str | dict | None, **given: bool) -> Layout | None:
    """Return the layout that a step's config names; None for none.

    Args:
        layout: the name of a layout, or a dict.
        given: for each argument that the layout replaces, whether the config gives it.

    Raises:
        ValueError: an unknown or invalid layout, or one of those arguments is given, too.
    """
    if layout is None:
        return None
    both = [name for name, is_given in given.items() if is_given]
    if both:
        raise ValueError(
            f'layout and {both[0]} are both given, but the layout has its own. Leave one of them '
            'out.'
        )
    return _found(layout_of, layout)


def chosen_topology(dataset: str | dict) -> Topology:
    """Return the skeleton that a step's argument `dataset` names.

    Raises:
        ValueError: an unknown or invalid skeleton.
    """
    return _found(topology_of, dataset)


def _found(find: Callable[[Any], _Skeleton], name: str | dict) -> _Skeleton:
    try:
        return find(name)
    except ConfigError as error:
        raise ValueError(str(error)) from error  # the registry adds the place in the config


def check_joints(results: Results, layout: Layout | Topology | None, num_joints: int) -> None:
    """Raise a DataError when a step's layout has another number of joints than the clip."""
    if layout is not None and num_joints != layout.num_joints:
        raise clip_error(
            results,
            f"has {num_joints} joints, but the pipeline's layout {layout.name} has "
            f'{layout.num_joints}. Give the layout of these clips.',
        )


def picture_size(results: Results) -> tuple[int, int]:
    """Return the clip's img_shape as (h, w).

    Raises:
        DataError: it is not two numbers above 0.
    """
    try:
        h, w = results['img_shape']
        h, w = int(h), int(w)
    except (TypeError, ValueError):
        h = w = 0
    if h <= 0 or w <= 0:
        raise clip_error(
            results,
            f'img_shape = {results["img_shape"]!r}: expected (height, width) in pixels, both above '
            '0.',
        )
    return h, w


def zero_coordinates(keypoint: np.ndarray) -> np.ndarray:
    """Return which coordinates are exactly 0; steps that move key points leave these as they are.

    The published pipelines mark missing joints coordinate by coordinate: a joint that was seen at
    the picture's very edge keeps its x = 0 while its y is moved. The published numbers depend on
    it. Whether a joint is there at all is another question: `pyskl.skeletons.is_present`.

    Args:
        keypoint: coordinates, of any shape.

    Returns:
        bool, of the same shape.
    """
    return keypoint == 0


def for_each_joint(ufunc: np.ufunc, keypoint: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Return ufunc(keypoint, xy) for key points (..., V, C) and numbers (C,).

    It works on rows of V * C numbers, over which numpy is four times as fast as over rows of C.
    """
    *others, joints, channels = keypoint.shape
    return ufunc(
        keypoint.reshape(*others, joints * channels), xy[None].repeat(joints, 0).ravel()
    ).reshape(keypoint.shape)
