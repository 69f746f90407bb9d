"""Find clips by the names in lists, with or without a file's suffix and folders."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.flv', '.m4v', '.3gp')
_OTHER_VIDEOS = (
    *('.gif', '.ts', '.m2ts', '.mts', '.ogv', '.vob', '.mxf', '.asf', '.rm', '.rmvb', '.divx'),
    *('.f4v', '.h264', '.264', '.hevc', '.m2v', '.mpe', '.qt', '.y4m'),
)
# Suffixes of videos, key points and annotations: 'v_1.mp4' in a list is the clip 'v_1'.
ENDINGS = (
    *VIDEOS,
    *('.pkl', '.pickle', '.npy', '.npz', '.json', '.csv', '.txt', '.skeleton'),
)


class ClipNames:
    """Names of clips, which lists may spell differently.

    A name is looked up as it is written, then without a file's suffix, then without its folders if
    only one clip can be meant and either the list or the clip has no folder.

    Args:
        names: frame_dir of each clip.
    """

    def __init__(self, names: Iterable[str]):
        self._exact = set(names)

    @cached_property
    def _plain(self) -> dict[str, str | None]:
        return _unique((without_ending(name), name) for name in self._exact)

    @cached_property
    def _base(self) -> dict[str, str | None]:
        return _unique((_base(name), name) for name in self._exact)

    def find(self, name: str) -> str | None:
        """Return the clip that a name in a list means; None for no clip or several."""
        if name in self._exact:
            return name
        plain = without_ending(name)
        if plain in self._plain:
            return self._plain[plain]
        found = self._base.get(_base(name))
        if found is None:
            return None
        longer, shorter = sorted((plain, without_ending(found)), key=len, reverse=True)
        return found if longer.endswith('/' + shorter) else None


def without_ending(name: str) -> str:
    """Return a name without the suffix of a file: 'a/v_1' for './a/v_1.MP4'.

    Backslashes become slashes; other dots belong to the name.
    """
    name = name.strip().replace('\\', '/').removeprefix('./')
    ending = next((e for e in ENDINGS if name.lower().endswith(e)), '')
    return name[: len(name) - len(ending)] if len(name) > len(ending) else name


def video_file(name: str) -> str:
    """Return the file of a clip's video; a name without the suffix of a video gets '.mp4'."""
    return name if name.lower().endswith((*VIDEOS, *_OTHER_VIDEOS)) else f'{name}.mp4'


def _base(name: str) -> str:
    return without_ending(name).rpartition('/')[2]


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Return key -> name; None where a key stands for several names."""
    found: dict[str, str | None] = {}
    for key, name in pairs:
        found[key] = None if key in found else name
    return found
