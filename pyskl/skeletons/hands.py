"""The 21 points of a hand, which OpenPose and MediaPipe count alike, as a part of a layout."""

from __future__ import annotations

from dataclasses import replace

from .joint_table import Joint, mirrored, read_joints

# A right hand that hangs down, its thumb to the picture's left: x and y are counted from the wrist,
# and the names lack their side.
_HAND = read_joints("""
     #  joint                parent               mirror               x        y
     0  hand root            wrist                hand root            0.0000   0.0200
     1  thumb root           hand root            thumb root           -0.0592  0.0444
     2  thumb base           thumb root           thumb base           -0.0887  0.0566
     3  thumb joint          thumb base           thumb joint          -0.1183  0.0689
     4  thumb tip            thumb joint          thumb tip            -0.1479  0.0811
     5  index base           hand root            index base           -0.0444  0.0960
     6  index middle joint   index base           index middle joint   -0.0666  0.1339
     7  index end joint      index middle joint   index end joint      -0.0889  0.1719
     8  index tip            index end joint      index tip            -0.1111  0.2099
     9  middle base          hand root            middle base          -0.0171  0.1145
    10  middle middle joint  middle base          middle middle joint  -0.0257  0.1617
    11  middle end joint     middle middle joint  middle end joint     -0.0342  0.2089
    12  middle tip           middle end joint     middle tip           -0.0428  0.2562
    13  ring base            hand root            ring base            0.0150   0.1067
    14  ring middle joint    ring base            ring middle joint    0.0224   0.1501
    15  ring end joint       ring middle joint    ring end joint       0.0299   0.1934
    16  ring tip             ring end joint       ring tip             0.0374   0.2368
    17  little base          hand root            little base          0.0358   0.0825
    18  little middle joint  little base          little middle joint  0.0537   0.1137
    19  little end joint     little middle joint  little end joint     0.0717   0.1449
    20  little tip           little end joint     little tip           0.0896   0.1761
""")


def hands(left: int, right: int, wrist: tuple[float, float]) -> tuple[Joint, ...]:
    """Return the joints of both hands, each from its root to the tip of the little finger.

    They hang from the joints 'left wrist' and 'right wrist'.

    Args:
        left: index of the left hand's root.
        right: index of the right hand's root.
        wrist: (x, y) where the right hand is drawn, as Joint.at; the left one lies opposite.
    """

    def right_hand(first: int) -> tuple[Joint, ...]:
        return tuple(
            replace(
                joint,
                index=first + joint.index,
                name=f'right {joint.name}',
                parent=f'right {joint.parent}',
                mirror=f'left {joint.mirror}',
                at=(round(wrist[0] + joint.at[0], 4), round(wrist[1] + joint.at[1], 4)),
            )
            for joint in _HAND
        )

    return (*mirrored(right_hand(left)), *right_hand(right))
