"""Whether decord finds the frames of a video by their numbers, as its file tells.

decord jumps to the key frame before the frame that is asked for, and counts on from there. Where the
file does not say exactly at which frame it has landed, decord gives other frames without a word.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

_REORDERED = {b'avc1', b'avc3', b'vp08', b'vp09'}  # right also where frames are stored in another order
_MATROSKA_CODECS = re.compile(rb'V_(?:MPEG4/ISO/AVC|VP8|VP9|MJPEG|UNCOMPRESSED)\b')
_MATROSKA_HEAD = 1 << 16  # bytes in which its tracks are named
_OPENED = {b'moov', b'trak', b'mdia', b'minf', b'stbl'}  # boxes whose own boxes are looked at
_MOST_BOXES = 1000


def is_transport_stream(head: bytes) -> bool:
    """Return whether a file that begins so (197 bytes) is an MPEG transport stream (.ts, .m2ts)."""
    return head[0:1] == head[188:189] == b'G' or head[4:5] == head[196:197] == b'G'


def finds_frames(f: BinaryIO) -> bool:
    """Return whether decord's jumps into a video are exact; else it is read from its first frame on.

    They are in MP4, MOV, Matroska, WebM and FLV with H.264, VP8 or VP9, and in MP4 and MOV with any
    codec whose frames are stored in the order in which they are shown. They are not with HEVC,
    MPEG-2 and MPEG-4 Part 2 with B-frames, in AVI, WMV and MPEG program streams.

    Args:
        f: the file.
    """
    f.seek(0)
    head = f.read(_MATROSKA_HEAD)
    if head.startswith(b'\x1aE\xdf\xa3'):
        return _MATROSKA_CODECS.search(head) is not None
    if head.startswith(b'FLV'):
        return True
    return head[4:8] in (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip') and _in_mp4(f)


def _in_mp4(f: BinaryIO) -> bool:
    kinds, codecs = set(), set()
    for kind, start in _boxes(f):
        kinds.add(kind)
        if kind == b'stsd':
            f.seek(start + 12)  # behind the number of entries and the first one's size
            codecs.add(f.read(4))
    # ctts: frames are shown in another order than stored; mvex: that is said with each part.
    in_order = b'stsd' in kinds and not kinds & {b'ctts', b'mvex'}
    return in_order or bool(codecs & _REORDERED)


def _boxes(f: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield kind and first byte behind the header of the file's boxes, and of those in _OPENED."""
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
        yield kind, place + length
        if size < length or size > 2**62:  # 0: the last one, up to the file's end
            return
        place += length if kind in _OPENED else size
