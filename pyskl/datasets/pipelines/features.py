"""Steps that turn joints into features of a graph network: bones, motion, several at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...registry import PIPELINES
from ...skeletons import Topology
from ...skeletons.poses import is_present, num_frames_filled
from .base import Results, Step, check_joints, chosen_topology, clip_error

FEATURES = ('j', 'b', 'k', 'jm', 'bm', 'km')


def join_score(results: Results) -> None:
    """Join keypoint_score to two coordinates as the third channel, and remove it.

    Beside x, y, z the score is no channel and is only removed. Where either happens,
    third_is_score tells which.
    """
    score = results.pop('keypoint_score', None)
    if score is None:
        return
    keypoint = results['keypoint']
    if score.shape != keypoint.shape[:3]:
        raise clip_error(
            results,
            f'keypoint_score has shape {score.shape}, expected {keypoint.shape[:3]}, that of '
            'keypoint.',
        )
    if keypoint.shape[-1] == 2:
        joined = np.empty((*keypoint.shape[:3], 3), np.result_type(keypoint, score))
        joined[..., :2], joined[..., 2] = keypoint, score
        results['keypoint'] = joined
        results['third_is_score'] = True
    else:
        results.setdefault('third_is_score', False)


def bone_vectors(keypoint: np.ndarray, partner: np.ndarray, average_score: bool) -> np.ndarray:
    """Return each joint minus its partner, (M, T, V, C) float32.

    Args:
        keypoint: (M, T, V, C).
        partner: (V,) joint indices.
        average_score: the third channel is a score: the mean of both.
    """
    other = keypoint.take(partner, axis=2)
    bones = (keypoint - other).astype(np.float32, copy=False)
    if average_score:
        bones[..., 2] = (keypoint[..., 2] + other[..., 2]) / 2
    return bones


def motion(values: np.ndarray, average_score: bool, num_frames: int | None = None) -> np.ndarray:
    """Return what each frame changes by to become the next, (M, T, V, C); 0 from the last frame on.

    Args:
        values: (M, T, V, C).
        average_score: the third channel is a score: the mean of both frames.
        num_frames: frames before those that only fill the clip up; None: T.
    """
    last = max((values.shape[1] if num_frames is None else num_frames) - 1, 0)
    before, after = values[:, :last], values[:, 1 : last + 1]
    moved = np.empty_like(values)
    np.subtract(after, before, out=moved[:, :last])
    moved[:, last:] = 0
    if average_score:
        moved[:, :last, :, 2] = (after[..., 2] + before[..., 2]) / 2
    return moved


def averages_score(results: Results, skeleton: Topology, feature: str, values: np.ndarray) -> bool:
    """Return whether the third channel of a feature is the mean of two scores.

    A published skeleton's name decides, as in the original, unless the third channel is known to be
    z; for another layout, whether the third channel is known to be a score.

    Args:
        results: the clip, whose third_is_score says what is known.
        skeleton: the skeleton.
        feature: 'b' bones, 'k' two bones, 'm' motion.
        values: (..., C) what the feature is made of.
    """
    if values.shape[-1] != 3:
        return False
    third = results.get('third_is_score')
    if skeleton.score_is_averaged is None:
        return bool(third)
    return feature in skeleton.score_is_averaged and third is not False


@PIPELINES.register_module()
class GenSkeFeat(Step):
    """Make the features that a graph network takes, `keypoint` (M, T, V, C times the features).

    Joins keypoint_score to x and y as the third channel first, if PreNormalize2D has not done so;
    beside x, y, z it is dropped. The third channel of bones and motion is the mean of both scores
    where PYSKL and ProtoGCN have it so: for 'coco' and 'openpose', for bones of 'coco_new' and
    'openpose_new', and for every layout of pyskl/skeletons.

    Args:
        dataset: the skeleton: 'nturgb+d', 'coco', 'openpose', 'handmp', 'nw_ucla', 'coco_new',
            'openpose_new', a layout of pyskl/skeletons ('imigue22', 'natops8', ...), or a
            dict(name=, joints=, bones=, mirror=, centre=) of your own.
        feats: 'j' joints; 'b' bones, a joint minus its parent; 'k' a joint minus its parent's
            parent; 'jm', 'bm', 'km' their motion until the next frame of the clip.
        axis: along which several are joined.
        real_frames: let motion end at the last frame that shows anybody. False as published: that
            frame moves by as much as its joints lie from the origin, where frames of zeros follow.

    A missing joint lies at the origin, as published: a bone to or from it, and the motion into and
    out of its frame, is as long as the other joint's distance from there.

    Source: bones: 2s-AGCN, arXiv:1805.07694; 'k': ProtoGCN, CVPR 2025.
    """

    needs = ('keypoint',)
    gives = ('keypoint', 'third_is_score')
    removes = ('keypoint_score',)

    def __init__(
        self,
        dataset: str | dict = 'nturgb+d',
        feats: Sequence[str] = ('j',),
        axis: int = -1,
        real_frames: bool = False,
    ):
        wrong = [feat for feat in feats if feat not in FEATURES]
        if wrong or not feats or isinstance(feats, str):
            raise ValueError(f'feats = {feats!r}: expected a list of {", ".join(FEATURES)}.')
        self.dataset, self.feats, self.axis = dataset, tuple(feats), axis
        self.real_frames = real_frames
        self._skeleton = chosen_topology(dataset)
        self._partner = {
            'b': np.array(self._skeleton.bone_partner),
            'k': np.array(self._skeleton.second_partner),
        }

    @property
    def needs_joints(self) -> int | None:
        """V that clips must have for these features; None: any, where no bones are made."""
        return self._skeleton.num_joints if set('bk') & {feat[0] for feat in self.feats} else None

    def bones(self, feat: str, channels: int, third_is_score: bool) -> tuple[np.ndarray, bool]:
        """Return what makes feature 'b' or 'k' of each joint.

        Args:
            feat: 'b' or 'k'.
            channels: C of the key points.
            third_is_score: whether the third of them is a score.

        Returns:
            (V,) the joint to subtract; and whether the mean of both scores is taken.
        """
        results = {'third_is_score': third_is_score}
        average = averages_score(results, self._skeleton, feat, np.empty((0, channels)))
        return self._partner[feat], average

    def __call__(self, results: Results) -> Results:
        """Make the features of a clip."""
        join_score(results)
        made = {'j': results['keypoint']}
        for feat in self.feats:
            self._make(feat, results, made)
        values = [made[feat] for feat in self.feats]
        results['keypoint'] = values[0] if len(values) == 1 else np.concatenate(values, self.axis)
        return results

    def _make(self, feat: str, results: Results, made: dict[str, np.ndarray]) -> np.ndarray:
        """Return one feature; all that was made stays in `made`."""
        if feat not in made:
            if feat.endswith('m'):
                values = self._make(feat[0], results, made)
                average = averages_score(results, self._skeleton, 'm', values)
                made[feat] = motion(values, average, self._num_frames(results, made['j']))
            else:
                joints = made['j']
                check_joints(results, self._skeleton, joints.shape[2])
                average = averages_score(results, self._skeleton, feat, joints)
                made[feat] = bone_vectors(joints, self._partner[feat], average)
        return made[feat]

    def _num_frames(self, results: Results, joints: np.ndarray) -> int | None:
        if not self.real_frames:
            return None
        return num_frames_filled(is_present(joints[:, : results.get('total_frames')]))


@PIPELINES.register_module()
class JointToBone(Step):
    """Write each joint minus its parent as `target`, (M, T, V, C) float32.

    Args:
        dataset: the skeleton, as in GenSkeFeat.
        target: the entry to write.
    """

    needs = ('keypoint',)

    def __init__(self, dataset: str | dict = 'nturgb+d', target: str = 'keypoint'):
        self.dataset, self.target = dataset, target
        self.gives = (target,)
        self._skeleton = chosen_topology(dataset)
        self._partner = np.array(self._skeleton.bone_partner)

    def __call__(self, results: Results) -> Results:
        """Make the bones of a clip."""
        keypoint = results['keypoint']
        check_joints(results, self._skeleton, keypoint.shape[2])
        average = averages_score(results, self._skeleton, 'b', keypoint)
        results[self.target] = bone_vectors(keypoint, self._partner, average)
        return results


@PIPELINES.register_module()
class ToMotion(Step):
    """Write what each frame of `source` changes by until the next one as `target`; 0 in the last.

    Args:
        dataset: the skeleton, as in GenSkeFeat; it decides whether scores are averaged.
        source: the entry to read, (M, T, V, C).
        target: the entry to write.
    """

    def __init__(
        self, dataset: str | dict = 'nturgb+d', source: str = 'keypoint', target: str = 'motion'
    ):
        self.dataset, self.source, self.target = dataset, source, target
        self.needs, self.gives = (source,), (target,)
        self._skeleton = chosen_topology(dataset)

    def __call__(self, results: Results) -> Results:
        """Make the motion of a clip."""
        values = results[self.source]
        average = averages_score(results, self._skeleton, 'm', values)
        results[self.target] = motion(values, average)
        return results


@PIPELINES.register_module()
class MergeSkeFeat(Step):
    """Join several entries into one; they are removed.

    Args:
        feat_list: the entries, in order.
        target: the entry to write.
        axis: along which they are joined.
    """

    def __init__(
        self, feat_list: Sequence[str] = ('keypoint',), target: str = 'keypoint', axis: int = -1
    ):
        if not feat_list or isinstance(feat_list, str):
            raise ValueError(f'feat_list = {feat_list!r}: expected a list of entries.')
        self.feat_list, self.target, self.axis = tuple(feat_list), target, axis
        self.needs, self.gives = self.feat_list, (target,)
        self.removes = tuple(name for name in self.feat_list if name != target)

    def __call__(self, results: Results) -> Results:
        """Join entries of a clip."""
        values = [results[name] for name in self.feat_list]
        for name in self.feat_list:
            results.pop(name, None)
        results[self.target] = np.concatenate(values, axis=self.axis)
        return results


@PIPELINES.register_module()
class Kinetics_Transform(Step):
    """Make 'coco_new' of COCO's 17 joints: 17 mid-hip, 18 between both middles, 19 mid-shoulder.

    keypoint becomes (M, T, 20, 3) float32: x, y and score; without keypoint_score (M, T, 20, 2).
    keypoint_score is removed.

    Source: ProtoGCN, CVPR 2025.
    """

    needs = ('keypoint',)
    gives = ('keypoint', 'third_is_score')
    removes = ('keypoint_score',)

    def __call__(self, results: Results) -> Results:
        """Add the three middles to a clip."""
        # As published, float16 stays until the middles are made where scores are joined.
        if 'keypoint_score' not in results:
            results['keypoint'] = results['keypoint'].astype(np.float32, copy=False)
        join_score(results)
        joints = results['keypoint']
        people, frames, num_joints, channels = joints.shape
        if num_joints != 17:
            raise clip_error(
                results, f"Kinetics_Transform: has {num_joints} joints, expected COCO's 17."
            )
        more = np.empty((people, frames, 20, channels), np.float32)
        more[:, :, :17] = joints
        more[:, :, 17] = (joints[:, :, 11] + joints[:, :, 12]) / 2
        more[:, :, 19] = (joints[:, :, 5] + joints[:, :, 6]) / 2
        more[:, :, 18] = (more[:, :, 17] + more[:, :, 19]) / 2
        results['keypoint'] = more
        return results
