"""The 68 points of a face in the scheme of iBUG's 300-W, as a part of a layout."""

from __future__ import annotations

from dataclasses import replace

from .joint_table import Joint, read_joints

# Where the person's sides are: points 0, 17, 31, 36, 48 lie at the picture's left, the right side
# of a person who faces us. No maker publishes mirror pairs for these points: they follow from the
# scheme's symmetry. All hang from the nose, in chains: nose, brows, eyes, lips, and from the lower
# lip the chin and the jaw. 68 and 69 are OpenPose's pupils. x and y are counted from the middle of
# the face, in halves of its size.
_FACE = read_joints("""
     #  joint                     parent                  mirror                     x      y
     0  right jaw 1               right jaw 2             left jaw 1                -1.00  -0.25
     1  right jaw 2               right jaw 3             left jaw 2                -0.98   0.00
     2  right jaw 3               right jaw 4             left jaw 3                -0.94   0.24
     3  right jaw 4               right jaw 5             left jaw 4                -0.87   0.47
     4  right jaw 5               right jaw 6             left jaw 5                -0.75   0.67
     5  right jaw 6               right jaw 7             left jaw 6                -0.58   0.83
     6  right jaw 7               right jaw 8             left jaw 7                -0.38   0.94
     7  right jaw 8               chin                    left jaw 8                -0.19   0.99
     8  chin                      lower lip               -                          0.00   1.00
     9  left jaw 8                chin                    right jaw 8                0.19   0.99
    10  left jaw 7                left jaw 8              right jaw 7                0.38   0.94
    11  left jaw 6                left jaw 7              right jaw 6                0.58   0.83
    12  left jaw 5                left jaw 6              right jaw 5                0.75   0.67
    13  left jaw 4                left jaw 5              right jaw 4                0.87   0.47
    14  left jaw 3                left jaw 4              right jaw 3                0.94   0.24
    15  left jaw 2                left jaw 3              right jaw 2                0.98   0.00
    16  left jaw 1                left jaw 2              right jaw 1                1.00  -0.25
    17  right brow 1              right brow 2            left brow 1               -0.82  -0.50
    18  right brow 2              right brow 3            left brow 2               -0.68  -0.62
    19  right brow 3              right brow 4            left brow 3               -0.50  -0.65
    20  right brow 4              right brow 5            left brow 4               -0.32  -0.61
    21  right brow 5              nose bridge 1           left brow 5               -0.15  -0.52
    22  left brow 5               nose bridge 1           right brow 5               0.15  -0.52
    23  left brow 4               left brow 5             right brow 4               0.32  -0.61
    24  left brow 3               left brow 4             right brow 3               0.50  -0.65
    25  left brow 2               left brow 3             right brow 2               0.68  -0.62
    26  left brow 1               left brow 2             right brow 1               0.82  -0.50
    27  nose bridge 1             nose bridge 2           -                          0.00  -0.36
    28  nose bridge 2             nose bridge 3           -                          0.00  -0.25
    29  nose bridge 3             nose tip                -                          0.00  -0.13
    30  nose tip                  nose                    -                          0.00   0.14
    31  right nostril 1           right nostril 2         left nostril 1            -0.20   0.20
    32  right nostril 2           nose base               left nostril 2            -0.10   0.25
    33  nose base                 nose tip                -                          0.00   0.27
    34  left nostril 2            nose base               right nostril 2            0.10   0.25
    35  left nostril 1            left nostril 2          right nostril 1            0.20   0.20
    36  right eye outer corner    right upper lid 1       left eye outer corner     -0.65  -0.29
    37  right upper lid 1         right upper lid 2       left upper lid 1          -0.53  -0.37
    38  right upper lid 2         right eye inner corner  left upper lid 2          -0.38  -0.37
    39  right eye inner corner    nose bridge 1           left eye inner corner     -0.26  -0.27
    40  right lower lid 2         right eye inner corner  left lower lid 2          -0.38  -0.23
    41  right lower lid 1         right lower lid 2       left lower lid 1          -0.53  -0.23
    42  left eye inner corner     nose bridge 1           right eye inner corner     0.26  -0.27
    43  left upper lid 2          left eye inner corner   right upper lid 2          0.38  -0.37
    44  left upper lid 1          left upper lid 2        right upper lid 1          0.53  -0.37
    45  left eye outer corner     left upper lid 1        right eye outer corner     0.65  -0.29
    46  left lower lid 1          left lower lid 2        right lower lid 1          0.53  -0.23
    47  left lower lid 2          left eye inner corner   right lower lid 2          0.38  -0.23
    48  right mouth corner        right upper lip 1       left mouth corner         -0.40   0.55
    49  right upper lip 1         right upper lip 2       left upper lip 1          -0.26   0.47
    50  right upper lip 2         upper lip               left upper lip 2          -0.11   0.43
    51  upper lip                 nose base               -                          0.00   0.46
    52  left upper lip 2          upper lip               right upper lip 2          0.11   0.43
    53  left upper lip 1          left upper lip 2        right upper lip 1          0.26   0.47
    54  left mouth corner         left upper lip 1        right mouth corner         0.40   0.55
    55  left lower lip 1          left lower lip 2        right lower lip 1          0.25   0.66
    56  left lower lip 2          lower lip               right lower lip 2          0.11   0.71
    57  lower lip                 inner lower lip         -                          0.00   0.72
    58  right lower lip 2         lower lip               left lower lip 2          -0.11   0.71
    59  right lower lip 1         right lower lip 2       left lower lip 1          -0.25   0.66
    60  right inner mouth corner  right inner upper lip   left inner mouth corner   -0.32   0.55
    61  right inner upper lip     inner upper lip         left inner upper lip      -0.11   0.51
    62  inner upper lip           upper lip               -                          0.00   0.52
    63  left inner upper lip      inner upper lip         right inner upper lip      0.11   0.51
    64  left inner mouth corner   left inner upper lip    right inner mouth corner   0.32   0.55
    65  left inner lower lip      inner lower lip         right inner lower lip      0.11   0.60
    66  inner lower lip           inner upper lip         -                          0.00   0.61
    67  right inner lower lip     inner lower lip         left inner lower lip      -0.11   0.60
    68  right pupil               right eye inner corner  left pupil                -0.46  -0.30
    69  left pupil                left eye inner corner   right pupil                0.46  -0.30
""")


def face(first: int, count: int = 68) -> tuple[Joint, ...]:
    """The points of a face, which hangs from the joint 'nose'.

    Args:
        first: the index of the jaw's end at the person's right ear.
        count: 68, or 70 with the pupils, as OpenPose has it.
    """
    x, y, half = 0.5, 0.1, 0.08  # where it is drawn, and half its width and height
    return tuple(
        replace(
            joint,
            index=first + joint.index,
            at=(round(x + half * joint.at[0], 4), round(y + half * joint.at[1], 4)),
        )
        for joint in _FACE[:count]
    )
