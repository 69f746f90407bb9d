"""Layouts that join body, face and hands, or extend a body of tables.py; completes LAYOUTS."""

from __future__ import annotations

from dataclasses import replace

from .face import face
from .hands import hands
from .joint_table import joints_of, read_joints
from .tables import LAYOUTS, add_layout

# OpenPose's older COCO model: OpenPose's doc/02_output.md, "POSE_COCO_BODY_PARTS".
# Kinetics-skeleton (Yan et al., ST-GCN, arXiv:1801.07455) has these joints.
add_layout(
    'openpose18',
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
     8  right hip        neck            left hip         0.41  0.51
     9  right knee       right hip       left knee        0.38  0.70
    10  right ankle      right knee      left ankle       0.36  0.90
    11  left hip         neck            right hip        0.59  0.51
    12  left knee        left hip        right knee       0.62  0.70
    13  left ankle       left knee       right ankle      0.64  0.90
    14  right eye        nose            left eye         0.46  0.06
    15  left eye         nose            right eye        0.54  0.06
    16  right ear        right eye       left ear         0.41  0.08
    17  left ear         left eye        right ear        0.59  0.08
""",
)

# 137 points of OpenPose run with --face --hand, in the order of iMiGUE's 2025 release: BODY_25
# 0-24, face 25-94, left hand 95-115, right hand 116-136. OpenPose's doc/02_output.md has the points
# of each part. Unverified: that pupil 68 of the face is the right one.
add_layout(
    'openpose137',
    'neck',
    [
        *joints_of(LAYOUTS['openpose25']),
        *face(25, count=70),
        *hands(95, 116, wrist=(0.18, 0.48)),
    ],
)

# COCO-WholeBody (Jin et al., arXiv:2007.11858; github.com/jin-s13/COCO-WholeBody): COCO's 17,
# feet 17-22, face 23-90, left hand 91-111, right hand 112-132.
add_layout(
    'coco_wholebody133',
    'nose',
    [
        *joints_of(LAYOUTS['coco17']),
        *read_joints("""
     #  joint            parent          mirror           x     y
    17  left big toe     left ankle      right big toe    0.68  0.98
    18  left small toe   left big toe    right small toe  0.74  0.97
    19  left heel        left ankle      right heel       0.61  0.97
    20  right big toe    right ankle     left big toe     0.32  0.98
    21  right small toe  right big toe   left small toe   0.26  0.97
    22  right heel       right ankle     left heel        0.39  0.97
"""),
        *face(23),
        *hands(91, 112, wrist=(0.16, 0.50)),
    ],
)

# Halpe-FullBody (Fang et al., AlphaPose, arXiv:2211.03375; github.com/Fang-Haoshu/Halpe-FullBody):
# COCO's 17, then head, neck, hip and feet. Its list of bones lets the nose hang from nothing; here
# it hangs from the neck, and the body from the neck down.
add_layout(
    'halpe26',
    'neck',
    """
     #  joint            parent          mirror           x     y
     0  nose             neck            -                0.50  0.10
     1  left eye         nose            right eye        0.54  0.06
     2  right eye        nose            left eye         0.46  0.06
     3  left ear         left eye        right ear        0.59  0.08
     4  right ear        right eye       left ear         0.41  0.08
     5  left shoulder    neck            right shoulder   0.63  0.22
     6  right shoulder   neck            left shoulder    0.37  0.22
     7  left elbow       left shoulder   right elbow      0.73  0.36
     8  right elbow      right shoulder  left elbow       0.27  0.36
     9  left wrist       left elbow      right wrist      0.82  0.48
    10  right wrist      right elbow     left wrist       0.18  0.48
    11  left hip         middle hip      right hip        0.59  0.51
    12  right hip        middle hip      left hip         0.41  0.51
    13  left knee        left hip        right knee       0.62  0.70
    14  right knee       right hip       left knee        0.38  0.70
    15  left ankle       left knee       right ankle      0.64  0.88
    16  right ankle      right knee      left ankle       0.36  0.88
    17  head             neck            -                0.50  0.01
    18  neck             -               -                0.50  0.21
    19  middle hip       neck            -                0.50  0.50
    20  left big toe     left ankle      right big toe    0.68  0.96
    21  right big toe    right ankle     left big toe     0.32  0.96
    22  left small toe   left big toe    right small toe  0.74  0.94
    23  right small toe  right big toe   left small toe   0.26  0.94
    24  left heel        left ankle      right heel       0.61  0.93
    25  right heel       right ankle     left heel        0.39  0.93
""",
)

# The same publication's 136: body 0-25, face 26-93, left hand 94-114, right hand 115-135.
add_layout(
    'halpe136',
    'neck',
    [
        *joints_of(LAYOUTS['halpe26']),
        *face(26),
        *hands(94, 115, wrist=(0.18, 0.48)),
    ],
)

# MediaPipe Pose's 33 (Bazarevsky et al., BlazePose, arXiv:2006.10204; the API's PoseLandmark): the
# 25 of mediapipe_upper_hands, drawn smaller, and the legs.
_UPPER = [
    replace(joint, at=(joint.at[0], round(0.62 * joint.at[1], 4)))
    for joint in joints_of(LAYOUTS['mediapipe_upper_hands'])
    if joint.index < 25
]
add_layout(
    'mediapipe33',
    'nose',
    [
        *_UPPER,
        *read_joints("""
     #  joint             parent       mirror            x     y
    25  left knee         left hip     right knee        0.61  0.69
    26  right knee        right hip    left knee         0.39  0.69
    27  left ankle        left knee    right ankle       0.62  0.88
    28  right ankle       right knee   left ankle        0.38  0.88
    29  left heel         left ankle   right heel        0.60  0.92
    30  right heel        right ankle  left heel         0.40  0.92
    31  left foot index   left ankle   right foot index  0.68  0.95
    32  right foot index  right ankle  left foot index   0.32  0.95
"""),
    ],
)

# MediaPipe Holistic without its face mesh: pose_landmarks, then 33-53 left_hand_landmarks and 54-74
# right_hand_landmarks. MediaPipe gives the three apart; that order is the usual one, no standard.
add_layout(
    'mediapipe_holistic75',
    'nose',
    [
        *joints_of(LAYOUTS['mediapipe33']),
        *hands(33, 54, wrist=(0.20, 0.45)),
    ],
)
