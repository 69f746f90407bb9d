"""Find a layout: by name, by the number of joints, or as a config describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from ..errors import ConfigError, did_you_mean
from ..signature import check_call
from .layout import Layout, Pairs, Pose
from .subset import joint_index, subset
from .tables import imigue22
from .whole_body import LAYOUTS

# Layouts that a config may set something of; the others are what their tables say.
_WITH_SETTINGS: dict[str, Callable[..., Layout]] = {'imigue22': imigue22}

# How a config describes a layout without a name of its own.
WRITTEN_OUT = (
    "Some joints of a known one are dict(name='openpose137', keep=[indices or names]), others "
    'dict(name=, joints=, bones=, mirror=, centre=).'
)


def get_layout(name: str) -> Layout:
    """Return the layout of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in LAYOUTS:
        raise ConfigError(
            f'skeleton layout {name!r} is unknown. Known: {", ".join(LAYOUTS)}.'
            f'{did_you_mean(name, LAYOUTS)} {WRITTEN_OUT}'
        )
    return LAYOUTS[name]


def guess_layout(num_joints: int) -> Layout | None:
    """Return the known layout of that many joints.

    None where there is none, or more than one (25: openpose25 and ntu25).
    """
    found = [layout for layout in LAYOUTS.values() if layout.num_joints == num_joints]
    return found[0] if len(found) == 1 else None


def layout_of(value: str | Mapping[str, Any] | Layout) -> Layout:
    """Return the layout that a config means.

    Args:
        value: one of
            'imigue22': a known layout;
            dict(name='imigue22', first_hand='right'): a known one with a setting of its own;
            dict(name='openpose137', keep=[*range(25), *range(95, 137)]): some joints of a known
            one, see subset;
            dict(name='arm', joints=['neck', 'left hand', 'right hand'], bones=[(1, 0), (2, 0)],
            mirror=[(1, 2)], centre=0): a user's own, the arguments of Layout. Joints may be given
            by
            name instead of index: mirror=[('left hand', 'right hand')].

    Raises:
        ConfigError: unknown name or key, a key missing, of the wrong type, or parts that contradict
            each other.
    """
    if isinstance(value, Layout):
        return value
    if isinstance(value, str):
        return get_layout(value)
    if not isinstance(value, Mapping):
        raise ConfigError(
            f'skeleton layout {value!r}: expected a name, one of {", ".join(LAYOUTS)}, or a '
            'dict(name=, joints=, ...).'
        )
    if 'joints' not in value and isinstance(name := value.get('name'), str):
        settings = {key: v for key, v in value.items() if key not in ('name', 'keep')}
        layout = get_layout(name)
        maker = _WITH_SETTINGS.get(name, lambda: layout)
        check_call(maker, settings, f'skeleton layout {name}')
        layout = maker(**settings)
        return subset(layout, value['keep']) if 'keep' in value else layout
    check_call(_own, value, f'skeleton layout {value.get("name", "of a config")!r}')
    return _own(**value)


def _own(
    name: str,
    joints: Sequence[str],
    bones: Sequence[Sequence[int | str]],
    mirror: Sequence[Sequence[int | str]],
    centre: int | str,
    pose: Sequence[Sequence[float]] = (),
) -> Layout:
    place = {joint: i for i, joint in enumerate(joints)}

    def index(joint: int | str) -> int:
        return joint_index(name, place, joint)

    def pairs(given: Sequence[Sequence[int | str]]) -> Pairs:
        return cast(Pairs, tuple(tuple(index(joint) for joint in pair) for pair in given))

    return Layout(  # which checks that pairs are pairs
        name,
        tuple(joints),
        pairs(bones),
        pairs(mirror),
        index(centre),
        cast(Pose, tuple(tuple(xy) for xy in pose)),
    )
