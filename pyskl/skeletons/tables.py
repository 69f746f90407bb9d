"""The layouts that are known by name: tables with one joint a line, as joint_table.py describes.

To add one, add its table: `add_layout(NAME, CENTRE, TABLE)`. CENTRE is the joint that the others
are described from. Layouts with a face stand in whole_body.py. Then name it where configs/README.md
and data/README.md list the layouts, and in tests/skeletons/test_whole_body.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ConfigError
from .hands import hands
from .joint_table import Joint, layout_from, mirrored, read_joints
from .layout import Layout

LAYOUTS: dict[str, Layout] = {}


def add_layout(name: str, centre: str, joints: str | Sequence[Joint]) -> None:
    """Add a layout to those that are known: a table as text, or its joints."""
    if name in LAYOUTS:
        raise ConfigError(
            f'skeleton layout {name!r} is known already. Give the table another name.'
        )
    joints = read_joints(joints) if isinstance(joints, str) else joints
    LAYOUTS[name] = layout_from(name, joints, centre)


# The upper body as OpenPose's BODY_25 counts it, without the hips: 0-7, then the eyes and ears,
# 15-18 there. An ear follows its eye, since limbs are counted in the order of the lines.
_UPPER_BODY = read_joints("""
     #  joint           parent          mirror          x     y
     0  nose            neck            -               0.50  0.20
     1  neck            -               -               0.50  0.38
     2  right shoulder  neck            left shoulder   0.35  0.40
     3  right elbow     right shoulder  left elbow      0.27  0.60
     4  right wrist     right elbow     left wrist      0.20  0.74
     5  left shoulder   neck            right shoulder  0.65  0.40
     6  left elbow      left shoulder   right elbow     0.73  0.60
     7  left wrist      left elbow      right wrist     0.80  0.74
     8  right eye       nose            left eye        0.46  0.14
    10  right ear       right eye       left ear        0.41  0.17
     9  left eye        nose            right eye       0.54  0.14
    11  left ear        left eye        right ear       0.59  0.17
""")

_FINGER_TIPS = read_joints("""
     #  joint             parent       mirror            x       y
    12  right thumb tip   right wrist  left thumb tip    0.0521  0.8011
    13  right index tip   right wrist  left index tip    0.0889  0.9299
    14  right middle tip  right wrist  left middle tip   0.1572  0.9762
    15  right ring tip    right wrist  left ring tip     0.2374  0.9568
    16  right little tip  right wrist  left little tip   0.2896  0.8961
    17  left thumb tip    left wrist   right thumb tip   0.9479  0.8011
    18  left index tip    left wrist   right index tip   0.9111  0.9299
    19  left middle tip   left wrist   right middle tip  0.8428  0.9762
    20  left ring tip     left wrist   right ring tip    0.7626  0.9568
    21  left little tip   left wrist   right little tip  0.7104  0.8961
""")


def imigue22(first_hand: str = 'left') -> Layout:
    """Return iMiGUE's 22 OpenPose joints: 12 of the upper body, then five finger tips of each hand.

    Args:
        first_hand: 'left' or 'right', which wrist joints 12-16 hang from. OpenPose's own hand order
            and the organisers' drawing map say left, their graph says right, which was the default
            before. tools/check_data.py tells which one a data set supports.
    """
    if first_hand not in ('left', 'right'):
        raise ConfigError(f"imigue22: first_hand = {first_hand!r}: expected 'left' or 'right'.")
    tips = _FINGER_TIPS if first_hand == 'right' else mirrored(_FINGER_TIPS)
    return layout_from('imigue22', _UPPER_BODY + tips, centre='neck')


LAYOUTS['imigue22'] = imigue22()

# The 8 joints of the NATOPS gestures as the UEA archive stores them.
add_layout(
    'natops8',
    'left elbow',
    """
    #  joint           parent       mirror          x     y
    0  left hand tip   left wrist   right hand tip  0.90  0.90
    1  right hand tip  right wrist  left hand tip   0.10  0.90
    2  left elbow      -            right elbow     0.65  0.20
    3  right elbow     -            left elbow      0.35  0.20
    4  left wrist      left elbow   right wrist     0.80  0.65
    5  right wrist     right elbow  left wrist      0.20  0.65
    6  left thumb      left wrist   right thumb     0.75  0.85
    7  right thumb     right wrist  left thumb      0.25  0.85
""",
)

# COCO's 17 key points, as most 2D pose estimators give them.
add_layout(
    'coco17',
    'nose',
    """
     #  joint           parent          mirror          x     y
     0  nose            -               -               0.50  0.10
     1  left eye        nose            right eye       0.54  0.06
     2  right eye       nose            left eye        0.46  0.06
     3  left ear        left eye        right ear       0.59  0.08
     4  right ear       right eye       left ear        0.41  0.08
     5  left shoulder   nose            right shoulder  0.66  0.22
     6  right shoulder  nose            left shoulder   0.34  0.22
     7  left elbow      left shoulder   right elbow     0.76  0.36
     8  right elbow     right shoulder  left elbow      0.24  0.36
     9  left wrist      left elbow      right wrist     0.84  0.50
    10  right wrist     right elbow     left wrist      0.16  0.50
    11  left hip        left shoulder   right hip       0.60  0.52
    12  right hip       right shoulder  left hip        0.40  0.52
    13  left knee       left hip        right knee      0.62  0.73
    14  right knee      right hip       left knee       0.38  0.73
    15  left ankle      left knee       right ankle     0.64  0.94
    16  right ankle     right knee      left ankle      0.36  0.94
""",
)

# OpenPose's BODY_25, its default model for the whole body.
add_layout(
    'openpose25',
    'neck',
    """
     #  joint            parent          mirror           x     y
     0  nose             neck            -                0.50  0.10
     1  neck             -               -                0.50  0.21
     2  right shoulder   neck            left shoulder    0.37  0.22
     3  right elbow      right shoulder  left elbow       0.27  0.36
     4  right wrist      right elbow     left wrist       0.18  0.48
     5  left shoulder    neck            right shoulder   0.63  0.22
     6  left elbow       left shoulder   right elbow      0.73  0.36
     7  left wrist       left elbow      right wrist      0.82  0.48
     8  middle hip       neck            -                0.50  0.50
     9  right hip        middle hip      left hip         0.41  0.51
    10  right knee       right hip       left knee        0.38  0.70
    11  right ankle      right knee      left ankle       0.36  0.88
    12  left hip         middle hip      right hip        0.59  0.51
    13  left knee        left hip        right knee       0.62  0.70
    14  left ankle       left knee       right ankle      0.64  0.88
    15  right eye        nose            left eye         0.46  0.06
    16  left eye         nose            right eye        0.54  0.06
    17  right ear        right eye       left ear         0.41  0.08
    18  left ear         left eye        right ear        0.59  0.08
    19  left big toe     left ankle      right big toe    0.68  0.96
    20  left small toe   left big toe    right small toe  0.74  0.94
    21  left heel        left ankle      right heel       0.61  0.93
    22  right big toe    right ankle     left big toe     0.32  0.96
    23  right small toe  right big toe   left small toe   0.26  0.94
    24  right heel       right ankle     left heel        0.39  0.93
""",
)

# 54 joints of OpenPose run with --hand: joints 0-7 and 15-18 of BODY_25 in imigue22's order, then
# 12-32 hand_left_keypoints_2d and 33-53 hand_right_keypoints_2d.
add_layout(
    'openpose_upper_hands',
    'neck',
    [*_UPPER_BODY, *hands(12, 33, wrist=(0.20, 0.74))],
)

# 67 joints of MediaPipe Holistic: 0-24 pose_landmarks (all but the legs: face, shoulders, elbows,
# wrists, three rough points of each hand, hips), then 25-45 left_hand_landmarks and 46-66
# right_hand_landmarks. The hands are drawn a little below the wrists.
add_layout(
    'mediapipe_upper_hands',
    'nose',
    [
        *read_joints("""
     #  joint                parent           mirror               x     y
     0  nose                 -                -                    0.50  0.20
     1  left inner eye       nose             right inner eye      0.53  0.14
     2  left eye             left inner eye   right eye            0.56  0.13
     3  left outer eye       left eye         right outer eye      0.59  0.14
     7  left ear             left outer eye   right ear            0.63  0.17
     4  right inner eye      nose             left inner eye       0.47  0.14
     5  right eye            right inner eye  left eye             0.44  0.13
     6  right outer eye      right eye        left outer eye       0.41  0.14
     8  right ear            right outer eye  left ear             0.37  0.17
     9  left mouth           nose             right mouth          0.54  0.26
    10  right mouth          nose             left mouth           0.46  0.26
    11  left shoulder        nose             right shoulder       0.65  0.38
    12  right shoulder       nose             left shoulder        0.35  0.38
    13  left elbow           left shoulder    right elbow          0.73  0.54
    14  right elbow          right shoulder   left elbow           0.27  0.54
    15  left wrist           left elbow       right wrist          0.80  0.66
    16  right wrist          right elbow      left wrist           0.20  0.66
    17  left pinky knuckle   left wrist       right pinky knuckle  0.75  0.69
    18  right pinky knuckle  right wrist      left pinky knuckle   0.25  0.69
    19  left index knuckle   left wrist       right index knuckle  0.78  0.71
    20  right index knuckle  right wrist      left index knuckle   0.22  0.71
    21  left thumb knuckle   left wrist       right thumb knuckle  0.84  0.68
    22  right thumb knuckle  right wrist      left thumb knuckle   0.16  0.68
    23  left hip             left shoulder    right hip            0.60  0.80
    24  right hip            right shoulder   left hip             0.40  0.80
"""),
        *hands(25, 46, wrist=(0.20, 0.72)),
    ],
)

# The 25 joints of Kinect v2, in the order of NTU RGB+D. Thumbs hang from the wrists, as Kinect's
# own bones say.
add_layout(
    'ntu25',
    'spine top',
    """
     #  joint           parent          mirror          x     y
     0  spine base      spine middle    -               0.50  0.54
     1  spine middle    spine top       -               0.50  0.40
     2  neck            spine top       -               0.50  0.19
     3  head            neck            -               0.50  0.08
     4  left shoulder   spine top       right shoulder  0.64  0.28
     5  left elbow      left shoulder   right elbow     0.73  0.40
     6  left wrist      left elbow      right wrist     0.81  0.50
     7  left hand       left wrist      right hand      0.86  0.56
     8  right shoulder  spine top       left shoulder   0.36  0.28
     9  right elbow     right shoulder  left elbow      0.27  0.40
    10  right wrist     right elbow     left wrist      0.19  0.50
    11  right hand      right wrist     left hand       0.14  0.56
    12  left hip        spine base      right hip       0.58  0.56
    13  left knee       left hip        right knee      0.60  0.74
    14  left ankle      left knee       right ankle     0.62  0.90
    15  left foot       left ankle      right foot      0.68  0.95
    16  right hip       spine base      left hip        0.42  0.56
    17  right knee      right hip       left knee       0.40  0.74
    18  right ankle     right knee      left ankle      0.38  0.90
    19  right foot      right ankle     left foot       0.32  0.95
    20  spine top       -               -               0.50  0.27
    21  left hand tip   left hand       right hand tip  0.91  0.62
    22  left thumb      left wrist      right thumb     0.80  0.58
    23  right hand tip  right hand      left hand tip   0.09  0.62
    24  right thumb     right wrist     left thumb      0.20  0.58
""",
)
