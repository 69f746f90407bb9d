"""The last steps: draw heatmaps, arrange them for the network, collect what it takes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch

from ...errors import DataError
from ...inputs import LazyArray, LazyFrames, compute_lazy
from ...inputs.heatmaps import Heatmaps, HeatmapSpec, LazyHeatmaps
from ...inputs.heatmaps.spec import COCO17_BONES
from ...registry import PIPELINES
from .base import Results, Step, check_joints, check_planar, chosen_layout, clip_error, picture_size
from .pictures import frames_of, mirrored


@PIPELINES.register_module()
class GeneratePoseTarget(Step):
    """Draw the key points as heatmaps, `imgs`: (frames, C, H, W) float32.

    With `double`, mirrored copies of all frames follow. If there are `imgs` already, the frames of
    the video, heatmaps become `heatmap_imgs`; with `double`, mirrored copies of the frames follow
    those, too, so that both show the same. Heatmaps are drawn when they are needed, in training and
    testing on the model's device (inputs.LazyArray).

    The other arguments are HeatmapSpec's, with PYSKL's defaults (COCO's 17 joints).

    Args:
        layout: instead of skeletons, left_kp, right_kp, left_limb and right_limb: the name of a
            skeleton layout (pyskl/skeletons), or a dict(name=, joints=, ...) of your own.
        motion: show what changes until the next sampled frame instead of the frames themselves.
    """

    needs = ('keypoint', 'img_shape')
    gives = ('imgs',)  # or heatmap_imgs
    keeps_lazy = True

    def __init__(
        self,
        sigma: float = 0.6,
        use_score: bool = True,
        with_kp: bool = True,
        with_limb: bool = False,
        skeletons: Sequence[Sequence[int]] = COCO17_BONES,
        double: bool = False,
        left_kp: Sequence[int] = HeatmapSpec.left_kp,
        right_kp: Sequence[int] = HeatmapSpec.right_kp,
        left_limb: Sequence[int] = HeatmapSpec.left_limb,
        right_limb: Sequence[int] = HeatmapSpec.right_limb,
        scaling: float = 1.0,
        layout: str | dict | None = None,
        motion: bool = False,
    ):
        settings: dict[str, Any] = dict(
            sigma=sigma,
            use_score=use_score,
            with_kp=with_kp,
            with_limb=with_limb,
            double=double,
            scaling=scaling,
            motion=motion,
        )
        parts: dict[str, Any] = dict(
            skeletons=skeletons,
            left_kp=left_kp,
            right_kp=right_kp,
            left_limb=left_limb,
            right_limb=right_limb,
        )
        # A config with all defaults written out has lists for the tuples of HeatmapSpec.
        spec = HeatmapSpec(**parts)
        given = {name: getattr(spec, name) != getattr(HeatmapSpec, name) for name in parts}
        self._layout = chosen_layout(layout, **given)
        if self._layout is None:
            self.spec = HeatmapSpec(**parts, **settings)
        else:
            self.spec = HeatmapSpec.of(self._layout, **settings)

    def keys_after(self, keys: set[str] | None) -> set[str] | None:
        """Return the entries of `results` after this step; see Step.keys_after."""
        return None if keys is None else keys | {_free_name(keys)}

    def __call__(self, results: Results) -> Results:
        """Add lazy heatmaps to a clip."""
        name = _free_name(results)
        results[name] = LazyHeatmaps(self._clips(results))
        if name != 'imgs' and self.spec.double:
            results['imgs'] = _doubled(results['imgs'], results, self)
        return results

    def _clips(self, results: Results) -> Heatmaps:
        check_planar(results, self)
        keypoint = np.asarray(results['keypoint'], dtype=np.float32)
        people, frames, joints = keypoint.shape[:3]
        check_joints(results, self._layout, joints)
        num_clips = results.get('num_clips', 1)
        score = results.get('keypoint_score')
        if score is None:
            score = np.ones(keypoint.shape[:3], np.float32)
        score = np.asarray(score, dtype=np.float32)
        clip_len = results.get('clip_len', frames)
        sampled = num_clips * (clip_len['Pose'] if isinstance(clip_len, dict) else clip_len)
        if sampled != frames:
            raise clip_error(
                results,
                f'{sampled} frames were sampled, but keypoint has {frames}. Is PoseDecode in the '
                'pipeline? Put it behind the sampling.',
            )
        split = (1, people, num_clips, frames // num_clips, joints)
        return Heatmaps(
            torch.from_numpy(keypoint.reshape(*split, 2).swapaxes(1, 2)),
            torch.from_numpy(score.reshape(split).swapaxes(1, 2)),
            picture_size(results),
            self.spec,
        )


def _free_name(taken: Collection[str]) -> str:
    return 'heatmap_imgs' if 'imgs' in taken else 'imgs'


def _doubled(imgs: Any, results: Results, step: Step) -> Any:
    """Put mirrored copies behind frames (N, H, W, 3), whether normalised or not."""
    if isinstance(imgs, LazyFrames) and not imgs.is_computed:
        return imgs.followed_by(mirrored(imgs.frames))
    frames = frames_of(results, step)
    return [*frames, *mirrored(frames)]


@PIPELINES.register_module()
class Collect(Step):
    """Keep what the network takes.

    Args:
        keys: entries of the sample.
        meta_keys: entries of a dict of their own.
        meta_name: the entry that this dict becomes.
        nested: wrap every entry in a list.
    """

    keeps_lazy = True

    def __init__(
        self,
        keys: Sequence[str],
        meta_keys: Sequence[str] = (),
        meta_name: str = 'img_metas',
        nested: bool = False,
    ):
        self.keys, self.meta_keys = tuple(keys), tuple(meta_keys)
        self.meta_name, self.nested = meta_name, nested
        self.needs = self.keys + self.meta_keys
        self.gives = self.keys + ((meta_name,) if self.meta_keys else ())

    def keys_after(self, keys: set[str] | None) -> set[str] | None:
        """Return the entries of `results` after this step; see Step.keys_after."""
        return set(self.gives)

    def __call__(self, results: Results) -> Results:
        """Keep some entries of a clip."""
        kept = {key: results[key] for key in self.keys}
        if self.nested:
            kept = compute_lazy(kept)
        if self.meta_keys:
            kept[self.meta_name] = {key: results[key] for key in self.meta_keys}
        return {key: [value] for key, value in kept.items()} if self.nested else kept


@PIPELINES.register_module()
class ToTensor(Step):
    """Turn entries into torch tensors: arrays as they are, a number into a tensor of one."""

    keeps_lazy = True

    def __init__(self, keys: Sequence[str]):
        self.keys = self.needs = tuple(keys)

    def __call__(self, results: Results) -> Results:
        """Make tensors of entries of a clip."""
        for key in self.keys:
            results[key] = to_tensor(results[key], key)
        return results


def to_tensor(value: Any, name: str = 'value') -> torch.Tensor | LazyArray:
    """Return arrays, numbers and lists of numbers as a tensor; lazy entries stay lazy.

    Whole numbers become int64, other numbers float32.

    Raises:
        DataError: something else.
    """
    if isinstance(value, torch.Tensor):
        return value
    if isinstance(value, LazyArray):
        return value.as_tensor()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    if isinstance(value, Integral):
        # Between other steps this takes half of torch.full's time.
        return torch.from_numpy(np.array([value], dtype=np.int64))
    if isinstance(value, Real):
        return torch.full((1,), float(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return torch.tensor(value)
    raise DataError(
        f'ToTensor: {name!r} is a {type(value).__name__}, expected an array or numbers.'
    )
