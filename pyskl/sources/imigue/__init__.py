"""Find and read iMiGUE's raw data, in all its releases, as annotations."""

from .arrays import (
    IMG_SHAPE,
    PUBLISHED_VAL_VIDEOS,
    SPLITS,
    iterate_raw,
    raw_paths,
    read_labels,
    read_raw,
    take_out_videos,
    video_of,
)

__all__ = [
    'IMG_SHAPE',
    'PUBLISHED_VAL_VIDEOS',
    'SPLITS',
    'iterate_raw',
    'raw_paths',
    'read_labels',
    'read_raw',
    'take_out_videos',
    'video_of',
]
