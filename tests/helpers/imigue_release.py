"""Makes small files in the forms of iMiGUE's releases, converts them, and looks at what came."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from tiny import script

from pyskl.annotations import read_annotations

readlabel = script('readlabel')

# Where the 25 body points of the made-up person are; the others are missing, (0, 0) with score 0.
BODY = {
    0: (960, 300), 1: (960, 420), 2: (860, 430), 3: (820, 560), 4: (850, 690), 5: (1060, 430),
    6: (1100, 560),
    7: (1070, 690), 8: (960, 760), 15: (940, 285), 16: (980, 285), 17: (920, 300), 18: (1000, 300),
}  # fmt: skip
RIGHT_WRIST, LEFT_WRIST = 4, 7


def points(num_frames: int = 12, num_points: int = 35, first_hand: str = 'left') -> np.ndarray:
    """(n, V, 3) of a person who sits still: x of the nose is 960 + the row's number."""
    person = np.zeros((num_points, 3))
    for joint, xy in BODY.items():
        person[joint] = (*xy, 1)
    wrists = (LEFT_WRIST, RIGHT_WRIST) if first_hand == 'left' else (RIGHT_WRIST, LEFT_WRIST)
    rest = num_points - 25
    hands = {35: (5, 5), 137: (21, 21)}.get(num_points, (0, 0))
    at = num_points - sum(hands)
    for wrist, joints in zip(wrists, hands):
        for j in range(joints):
            person[at + j] = (BODY[wrist][0] + 5 * j, BODY[wrist][1] + 30, 0.9)
        at += joints
    if rest > sum(hands):
        person[25 : num_points - sum(hands)] = (960, 310, 0.5)
    clip = np.repeat(person[None], num_frames, 0)
    clip[:, 0, 0] += np.arange(num_frames)
    return clip


def rows(clip: np.ndarray, first: int | None = 0, step: int = 1) -> list[list[str]]:
    """Cells of a csv file; `first` is the number of the first frame, None: without numbers."""
    cells = [[f'{n:g}' for n in row] for row in clip.reshape(len(clip), -1)]
    if first is None:
        return cells
    return [[str(first + step * i), *row] for i, row in enumerate(cells)]


def csv(cells: Sequence[Sequence[object]], separator: str = ',', end: str = '\n') -> str:
    return ''.join(separator.join(map(str, row)) + end for row in cells)


def video(
    folder: Path,
    name: str = '0187',
    labels: object = ((3, 1, 4), (99, 5, 9)),
    table: Sequence[Sequence[object]] | None = None,
    suffix: str = '_light_hand.csv',
    label_suffix: str = '_label.csv',
    num_points: int = 35,
    num_frames: int = 12,
) -> Path:
    """Write the two files of a video; labels: rows, a text, or None for no label file."""
    folder.mkdir(parents=True, exist_ok=True)
    if table is None:
        first = None if num_points == 137 else 0
        table = rows(points(num_frames, num_points), first)
    path = folder / f'{name}{suffix}'
    if suffix.endswith('.xlsx'):
        xlsx(path, table)
    else:
        path.write_text(csv(table))
    if labels is not None:
        text = labels if isinstance(labels, str) else csv(labels)
        (folder / f'{name}{label_suffix}').write_text(text)
    return path


def xlsx(
    path: Path, cells: Sequence[Sequence[object]], sheet: str | None = None, **members: str
) -> None:
    """A workbook as small as one can be; `sheet` in place of the cells, `members` beside."""
    kinds = 'http://schemas.openxmlformats.org'
    lines = ''.join(
        f'<row r="{i}">' + ''.join(_cell(cell) for cell in row) + '</row>'
        for i, row in enumerate(cells, 1)
    )
    files = {
        '[Content_Types].xml': f'<Types xmlns="{kinds}/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
        '_rels/.rels': f'<Relationships xmlns="{kinds}/package/2006/relationships"><Relationship '
        'Id="a" '
        f'Type="{kinds}/officeDocument/2006/relationships/officeDocument" '
        f'Target="xl/workbook.xml"/></Relationships>',
        'xl/workbook.xml': f'<workbook xmlns="{kinds}/spreadsheetml/2006/main" '
        f'xmlns:r="{kinds}/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" '
        'r:id="a"/>'
        '</sheets></workbook>',
        'xl/_rels/workbook.xml.rels': '<Relationships '
        f'xmlns="{kinds}/package/2006/relationships"><Relationship '
        f'Id="a" Type="{kinds}/officeDocument/2006/relationships/worksheet" '
        'Target="worksheets/sheet1.xml"/>'
        '</Relationships>',
        'xl/worksheets/sheet1.xml': '<worksheet '
        f'xmlns="{kinds}/spreadsheetml/2006/main"><sheetData>'
        f'{lines if sheet is None else sheet}</sheetData></worksheet>',
        **members,
    }
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def _cell(cell: object) -> str:
    text = str(cell)
    if not text:
        return '<c/>'
    if text.replace('.', '', 1).replace('-', '', 1).isdigit():
        return f'<c><v>{text}</v></c>'
    return f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def convert(folder: Path, *words: object) -> dict[str, dict]:
    """Convert what lies in a folder; each split's file."""
    out = folder.parent / 'out'
    readlabel.main([str(w) for w in (folder, '--out-dir', out, *words)])
    return {
        path.stem.removeprefix('imigue_'): read_annotations(path)
        for path in sorted(out.glob('*.pkl'))
    }


def labels(data: dict) -> dict[str, int]:
    return {clip['frame_dir']: clip['label'] for clip in data['annotations']}


def noses(data: dict, name: str) -> list[float]:
    """x of the nose in each filled frame of a clip."""
    clip = next(clip for clip in data['annotations'] if clip['frame_dir'] == name)
    filled = clip['keypoint_score'][0].any(1)
    return clip['keypoint'][0, : np.flatnonzero(filled)[-1] + 1, 0, 0].tolist()
