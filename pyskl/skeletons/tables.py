"""The known layouts by name, and a user's own from a config."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import ConfigError, did_you_mean
from ..signature import check_call
from .hands import FINGERS, hand, tips_pose
from .layout import Layout, Pairs, Pose

Point = tuple[float, float]


def _faced(mirror: Pairs, middle_and_right: dict[int, Point]) -> Pose:
    """A pose from the joints of the middle and the person's right side, which are at the picture's left."""
    points = dict(middle_and_right)
    for left, right in mirror:
        x, y = points[right]
        points[left] = (round(1 - x, 6), y)
    return tuple(points[j] for j in range(len(points)))


# The upper body as OpenPose's BODY_25 counts it, without the hips: 0-7, then the eyes and ears, 15-18 there
_UPPER_BODY = ('nose', 'neck', 'right shoulder', 'right elbow', 'right wrist', 'left shoulder', 'left elbow', 'left wrist',
               'right eye', 'left eye', 'right ear', 'left ear')
_UPPER_BODY_BONES = ((0, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6), (8, 0), (10, 8), (9, 0), (11, 9))
_UPPER_BODY_MIRROR = ((5, 2), (6, 3), (7, 4), (9, 8), (11, 10))
_UPPER_BODY_POSE = {0: (.5, .2), 1: (.5, .38), 2: (.35, .4), 3: (.27, .6), 4: (.2, .74), 8: (.46, .14), 10: (.41, .17)}


def imigue22(first_hand: str = 'right') -> Layout:
    """iMiGUE's 22 OpenPose joints: 12 of the upper body, then five finger tips of each hand.

    first_hand   'right' or 'left': which wrist joints 12-16 hang from. The organisers' graph says right; OpenPose's own
                 hand order says left. tools/check_data.py tells which one a data set supports.
    """
    if first_hand not in ('right', 'left'):
        raise ConfigError(f"imigue22: first_hand = {first_hand!r}: expected 'right' or 'left'.")
    second_hand = 'left' if first_hand == 'right' else 'right'
    wrist = {'right': 4, 'left': 7}
    joints = _UPPER_BODY + tuple(f'{side} {finger} tip' for side in (first_hand, second_hand) for finger in FINGERS)
    bones = _UPPER_BODY_BONES + tuple((12 + i, wrist[first_hand]) for i in range(5)) + tuple(
        (17 + i, wrist[second_hand]) for i in range(5))
    rights, lefts = (range(12, 17), range(17, 22)) if first_hand == 'right' else (range(17, 22), range(12, 17))
    mirror = _UPPER_BODY_MIRROR + tuple(zip(lefts, rights))
    pose = _faced(mirror, _UPPER_BODY_POSE | dict(zip(rights, tips_pose(_UPPER_BODY_POSE[4]))))
    return Layout('imigue22', joints, bones, mirror, centre=1, pose=pose)


def natops8() -> Layout:
    """The 8 joints of the NATOPS gestures as the UEA archive stores them."""
    joints = ('left hand tip', 'right hand tip', 'left elbow', 'right elbow', 'left wrist', 'right wrist', 'left thumb', 'right thumb')
    mirror = ((0, 1), (2, 3), (4, 5), (6, 7))
    pose = _faced(mirror, {1: (.1, .9), 3: (.35, .2), 5: (.2, .65), 7: (.25, .85)})
    return Layout('natops8', joints, ((0, 4), (1, 5), (4, 2), (5, 3), (6, 4), (7, 5)), mirror, centre=2, pose=pose)


def coco17() -> Layout:
    """COCO's 17 key points, as most 2D pose estimators give them."""
    joints = ('nose', 'left eye', 'right eye', 'left ear', 'right ear', 'left shoulder', 'right shoulder', 'left elbow',
              'right elbow', 'left wrist', 'right wrist', 'left hip', 'right hip', 'left knee', 'right knee', 'left ankle', 'right ankle')
    bones = ((1, 0), (2, 0), (3, 1), (4, 2), (5, 0), (6, 0), (7, 5), (8, 6), (9, 7), (10, 8), (11, 5), (12, 6),
             (13, 11), (14, 12), (15, 13), (16, 14))
    mirror = tuple((i, i + 1) for i in range(1, 17, 2))
    pose = _faced(mirror, {0: (.5, .1), 2: (.46, .06), 4: (.41, .08), 6: (.34, .22), 8: (.24, .36), 10: (.16, .5), 12: (.4, .52),
                           14: (.38, .73), 16: (.36, .94)})
    return Layout('coco17', joints, bones, mirror, centre=0, pose=pose)


def openpose25() -> Layout:
    """OpenPose's BODY_25, its default model for the whole body."""
    joints = (*_UPPER_BODY[:8], 'middle hip', 'right hip', 'right knee', 'right ankle', 'left hip', 'left knee', 'left ankle',
              *_UPPER_BODY[8:], 'left big toe', 'left small toe', 'left heel', 'right big toe', 'right small toe', 'right heel')
    bones = ((0, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6), (8, 1), (9, 8), (10, 9), (11, 10), (12, 8), (13, 12), (14, 13),
             (15, 0), (16, 0), (17, 15), (18, 16), (19, 14), (20, 19), (21, 14), (22, 11), (23, 22), (24, 11))
    mirror = ((5, 2), (6, 3), (7, 4), (12, 9), (13, 10), (14, 11), (16, 15), (18, 17), (19, 22), (20, 23), (21, 24))
    pose = _faced(mirror, {0: (.5, .1), 1: (.5, .21), 2: (.37, .22), 3: (.27, .36), 4: (.18, .48), 8: (.5, .5), 9: (.41, .51),
                           10: (.38, .7), 11: (.36, .88), 15: (.46, .06), 17: (.41, .08), 22: (.32, .96), 23: (.26, .94),
                           24: (.39, .93)})
    return Layout('openpose25', joints, bones, mirror, centre=1, pose=pose)


def openpose_upper_hands() -> Layout:
    """54 joints of OpenPose run with --hand: the upper body, then its 21 points of the left hand, then those of the right.

    0-11   nose, neck, right shoulder, elbow, wrist, left shoulder, elbow, wrist, right eye, left eye, right ear, left ear: joints
           0-7 and 15-18 of BODY_25, in imigue22's order
    12-32  hand_left_keypoints_2d     33-53  hand_right_keypoints_2d
    """
    left, right = hand('left', 12, wrist=7), hand('right', 33, wrist=4)
    mirror = _UPPER_BODY_MIRROR + tuple(zip(range(12, 33), range(33, 54)))
    pose = _faced(mirror, _UPPER_BODY_POSE | right.pose(_UPPER_BODY_POSE[4]))
    return Layout('openpose_upper_hands', _UPPER_BODY + left.joints + right.joints, _UPPER_BODY_BONES + left.bones + right.bones, mirror,
                  centre=1, pose=pose)


def mediapipe_upper_hands() -> Layout:
    """67 joints of MediaPipe Holistic: pose landmarks 0-24 (all but the legs), then the 21 landmarks of each hand.

    0-24   pose_landmarks: face, shoulders, elbows, wrists, three rough points of each hand, hips
    25-45  left_hand_landmarks     46-66  right_hand_landmarks
    """
    body = ('nose', 'left inner eye', 'left eye', 'left outer eye', 'right inner eye', 'right eye', 'right outer eye', 'left ear',
            'right ear', *(f'{side} {part}' for part in ('mouth', 'shoulder', 'elbow', 'wrist', 'pinky knuckle', 'index knuckle',
                                                         'thumb knuckle', 'hip') for side in ('left', 'right')))
    body_bones = ((1, 0), (2, 1), (3, 2), (7, 3), (4, 0), (5, 4), (6, 5), (8, 6), (9, 0), (10, 0), (11, 0), (12, 0), (13, 11), (14, 12),
                  (15, 13), (16, 14), (17, 15), (18, 16), (19, 15), (20, 16), (21, 15), (22, 16), (23, 11), (24, 12))
    left, right = hand('left', 25, wrist=15), hand('right', 46, wrist=16)
    mirror = (*((i, i + 3) for i in (1, 2, 3)), *((i, i + 1) for i in range(7, 25, 2)), *zip(range(25, 46), range(46, 67)))
    wrist = (.2, .66)
    pose = _faced(mirror, {0: (.5, .2), 4: (.47, .14), 5: (.44, .13), 6: (.41, .14), 8: (.37, .17), 10: (.46, .26), 12: (.35, .38),
                           14: (.27, .54), 16: wrist, 18: (.25, .69), 20: (.22, .71), 22: (.16, .68), 24: (.4, .8)}
                  | right.pose((.2, .72)))
    return Layout('mediapipe_upper_hands', body + left.joints + right.joints, body_bones + left.bones + right.bones, mirror, centre=0,
                  pose=pose)


def ntu25() -> Layout:
    """The 25 joints of Kinect v2, in the order of NTU RGB+D. Thumbs hang from the wrists, as Kinect's own bones say."""
    arm = ('shoulder', 'elbow', 'wrist', 'hand')
    joints = ('spine base', 'spine middle', 'neck', 'head', *(f'left {part}' for part in arm),
              *(f'right {part}' for part in arm), *(f'left {part}' for part in ('hip', 'knee', 'ankle', 'foot')),
              *(f'right {part}' for part in ('hip', 'knee', 'ankle', 'foot')), 'spine top', 'left hand tip', 'left thumb',
              'right hand tip', 'right thumb')
    bones = ((0, 1), (1, 20), (2, 20), (3, 2), (4, 20), (5, 4), (6, 5), (7, 6), (8, 20), (9, 8), (10, 9), (11, 10), (12, 0), (13, 12),
             (14, 13), (15, 14), (16, 0), (17, 16), (18, 17), (19, 18), (21, 7), (22, 6), (23, 11), (24, 10))
    mirror = ((4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17), (14, 18), (15, 19), (21, 23), (22, 24))
    pose = _faced(mirror, {0: (.5, .54), 1: (.5, .4), 2: (.5, .19), 3: (.5, .08), 8: (.36, .28), 9: (.27, .4), 10: (.19, .5),
                           11: (.14, .56), 16: (.42, .56), 17: (.4, .74), 18: (.38, .9), 19: (.32, .95), 20: (.5, .27),
                           23: (.09, .62), 24: (.2, .58)})
    return Layout('ntu25', joints, bones, mirror, centre=20, pose=pose)


_MAKERS: dict[str, Callable[..., Layout]] = {make.__name__: make for make in (
    imigue22, natops8, coco17, openpose25, openpose_upper_hands, mediapipe_upper_hands, ntu25)}
LAYOUTS: dict[str, Layout] = {name: make() for name, make in _MAKERS.items()}


def get_layout(name: str) -> Layout:
    """The layout of that name; ConfigError with the known names when there is none."""
    if name not in LAYOUTS:
        raise ConfigError(f'skeleton layout {name!r} is unknown. Known: {", ".join(LAYOUTS)}.{did_you_mean(name, LAYOUTS)}')
    return LAYOUTS[name]


def guess_layout(num_joints: int) -> Layout | None:
    """The known layout of that many joints; None where there is none, or more than one (25: openpose25 and ntu25)."""
    found = [layout for layout in LAYOUTS.values() if layout.num_joints == num_joints]
    return found[0] if len(found) == 1 else None


def layout_of(value: str | Mapping[str, Any] | Layout) -> Layout:
    """The layout that a config means.

    'imigue22'                                        a known one
    dict(name='imigue22', first_hand='left')          a known one with a setting of its own
    dict(name='arm', joints=['neck', 'left hand', 'right hand'], bones=[(1, 0), (2, 0)], mirror=[(1, 2)], centre=0)
        a user's own, the arguments of Layout; joints may be named instead of counted: mirror=[('left hand', 'right hand')]

    raises  ConfigError: unknown name or key, a key missing, of the wrong type, or parts that contradict each other
    """
    if isinstance(value, Layout):
        return value
    if isinstance(value, str):
        return get_layout(value)
    if not isinstance(value, Mapping):
        raise ConfigError(f'skeleton layout {value!r}: expected a name, one of {", ".join(LAYOUTS)}, or a dict(name=, joints=, ...).')
    if 'joints' not in value and isinstance(name := value.get('name'), str):
        settings = {key: v for key, v in value.items() if key != 'name'}
        maker = _MAKERS[get_layout(name).name]
        check_call(maker, settings, f'skeleton layout {name}')
        return maker(**settings)
    check_call(_own, value, f'skeleton layout {value.get("name", "of a config")!r}')
    return _own(**value)


def _own(name: str, joints: Sequence[str], bones: Sequence[Sequence[int | str]], mirror: Sequence[Sequence[int | str]],
         centre: int | str, pose: Sequence[Sequence[float]] = ()) -> Layout:
    place = {joint: i for i, joint in enumerate(joints)}

    def index(joint: int | str) -> int:
        if isinstance(joint, str) and joint not in place:
            raise ConfigError(f'skeleton layout {name!r}: {joint!r} is none of its joints.{did_you_mean(joint, place)}')
        return place[joint] if isinstance(joint, str) else joint

    def pairs(given: Sequence[Sequence[int | str]]) -> Pairs:
        return tuple(tuple(index(joint) for joint in pair) for pair in given)

    return Layout(name, tuple(joints), pairs(bones), pairs(mirror), index(centre), tuple(tuple(xy) for xy in pose))
