"""What decord does not tell about a video, but its file does: exact jumps, and frames shown.

decord jumps to the key frame before the wanted frame, and counts on from there. Where the file does
not say exactly at which frame it lands, decord silently returns other frames. The same goes for MP4
files that were cut without being encoded again: they hold frames that no player shows.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

# Codecs with exact jumps even where frames are stored in another order than shown.
_REORDERED = (b'avc1', b'avc3', b'vp08', b'vp09')
_MATROSKA_CODECS = re.compile(rb'V_(?:MPEG4/ISO/AVC|VP8|VP9|MJPEG|UNCOMPRESSED)\b')
_MATROSKA_HEAD = 1 << 16  # bytes in which its tracks are named
_OPENED = (b'moov', b'trak', b'edts', b'mdia', b'minf', b'stbl')  # boxes whose inner boxes are read
_MOST_BOXES, _MOST_BYTES, _MOST_FRAMES = 1000, 2**24, 10**7

Box = tuple[int, int]  # first byte behind the header, and length


@dataclass(frozen=True)
class Container:
    """What a video's file tells.

    Attributes:
        jumps: whether decord's jumps are exact; else frames are to be read from the first one on.
        shown: frames that a player shows; None: unknown.
    """

    jumps: bool
    shown: int | None = None


def is_transport_stream(head: bytes) -> bool:
    """Return whether a file that begins so (197 bytes) is an MPEG transport stream (.ts, .m2ts)."""
    return head[0:1] == head[188:189] == b'G' or head[4:5] == head[196:197] == b'G'


def inspect_container(f: BinaryIO) -> Container:
    """Look into a video's file.

    Jumps are exact in MP4, MOV, Matroska, WebM and FLV with H.264, VP8 or VP9, and in MP4 and MOV
    with any codec whose frames are stored in the order in which they are shown. They are not with
    HEVC, MPEG-2 and MPEG-4 Part 2 with B-frames, in AVI, WMV and MPEG program streams.
    """
    f.seek(0)
    head = f.read(_MATROSKA_HEAD)
    if head.startswith(b'\x1aE\xdf\xa3'):
        return Container(_MATROSKA_CODECS.search(head) is not None)
    if head[4:8] in (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip'):
        return _mp4(f)
    return Container(head.startswith(b'FLV'))


def _mp4(f: BinaryIO) -> Container:
    movie: dict[bytes, Box] = {}
    tracks: list[dict[bytes, Box]] = []
    for kind, box in _boxes(f):
        if kind == b'trak':
            tracks.append({})
        elif kind in (b'mvhd', b'mvex') or not tracks:
            movie[kind] = box
        else:
            tracks[-1].setdefault(kind, box)
    video = next((t for t in tracks if _body(f, t.get(b'hdlr'))[8:12] == b'vide'), None)
    if video is None:
        return Container(False)
    # ctts: frames are shown in another order than stored; mvex: the frames' tables are elsewhere.
    in_order = b'ctts' not in video and b'mvex' not in movie
    jumps = in_order or _body(f, video.get(b'stsd'))[12:16] in _REORDERED
    try:
        return Container(jumps, None if b'mvex' in movie else _shown(f, movie, video))
    except (ValueError, IndexError, KeyError, ZeroDivisionError, struct.error):
        return Container(jumps)


def _boxes(f: BinaryIO) -> Iterator[tuple[bytes, Box]]:
    """Yield the boxes of a file, and those inside of _OPENED, in order."""
    place = 0
    for _ in range(_MOST_BOXES):
        f.seek(place)
        header = f.read(16)
        if len(header) < 8:
            return
        size, kind = struct.unpack_from('>I4s', header)
        length = 8
        if size == 1 and len(header) == 16:
            size, length = struct.unpack_from('>Q', header, 8)[0], 16
        yield kind, (place + length, size - length)
        if size < length or size > 2**60:  # 0: the last one, up to the file's end
            return
        place += length if kind in _OPENED else size


def _body(f: BinaryIO, box: Box | None) -> bytes:
    if box is None or not 0 < box[1] <= _MOST_BYTES:
        return b''
    f.seek(box[0])
    return f.read(box[1])


def _shown(f: BinaryIO, movie: dict[bytes, Box], video: dict[bytes, Box]) -> int | None:
    """Count the frames that an edit list shows, as FFmpeg does; None where it is no plain cut."""
    edits = _body(f, video.get(b'elst'))
    if not edits:
        return None
    kind = '>u8, >i8, >i4' if edits[0] == 1 else '>u4, >i4, >i4'
    shown = [edit for edit in _table(edits, kind).tolist() if edit[1] >= 0]  # -1: nothing
    if len(shown) != 1 or not shown[0][0]:
        return None
    (duration, first, _), ticks = shown[0], _ticks(_body(f, video[b'mdhd']))
    last = first + (2 * duration * ticks // _ticks(_body(f, movie[b'mvhd'])) + 1) // 2
    starts = _spread(_table(_body(f, video[b'stts']), '>u4, >u4'))  # how long each frame lasts
    times = np.cumsum(starts) - starts
    if b'ctts' in video:
        times = times + _spread(_table(_body(f, video[b'ctts']), '>u4, >i4'))
    return int(np.count_nonzero((times >= first) & (times < last))) or None


def _table(body: bytes, kind: str) -> np.ndarray:
    """Return the rows of a box, which begin with their number."""
    return np.frombuffer(body, kind, struct.unpack_from('>I', body, 4)[0], 8)


def _ticks(header: bytes) -> int:
    """Return the ticks a second of a movie or track."""
    return struct.unpack_from('>I', header, 20 if header[0] == 1 else 12)[0]


def _spread(runs: np.ndarray) -> np.ndarray:
    """Return (count, value) rows as int64 values, one for each frame."""
    counts, values = (runs[name].astype(np.int64) for name in ('f0', 'f1'))
    if counts.sum() > _MOST_FRAMES:
        raise ValueError
    return np.repeat(values, counts)
