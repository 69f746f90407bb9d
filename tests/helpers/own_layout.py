"""A skeleton layout of a user's own, as a config describes it."""

ARM = dict(
    name='arm',
    joints=['neck', 'left hand', 'right hand'],
    bones=[[1, 0], [2, 0]],
    mirror=[[1, 2]],
    centre=0,
)
