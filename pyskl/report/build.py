"""The report: from work dirs or score files to one HTML file."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import DataError, printable
from .clip_map import clip_map
from .comparison import comparison
from .curves import curves
from .occlusion import occlusion
from .options import ReportOptions
from .page import SCRIPTS, write_page
from .parts import class_figures, header, layout, predictions
from .people import find_groups
from .player_data import player_data
from .results import names_of_classes, read_results
from .run import runs
from .sources import Stream, train_counts


@dataclass
class Report:
    """What was written.

    Attributes:
        path: path of the page.
        size: size of the page in bytes.
        notes: remarks that the user should read.
    """

    path: Path
    size: int
    notes: list[str]


def build_report(
    inputs: Sequence[str | os.PathLike],
    options: ReportOptions | None = None,
    work_dir: str | os.PathLike | None = None,
) -> Report:
    """Write the report of one or more streams.

    Args:
        inputs: work dirs (with scores.npz or result.pkl) or score files, one a stream.
        options: options of the report. Without `out` the page is report.html beside the scores, see
            `Stream.report_file`; for several streams ensemble_report.html.
        work_dir: folder of the only stream's config, log and checkpoint, if not beside its scores.

    Raises:
        UserError: anything is missing or wrong; nothing is written then.
    """
    options = options or ReportOptions()
    options.check(inputs)
    results = read_results(inputs, options, work_dir)
    streams, clips, notes = results.streams, results.clips, results.notes
    ids = clips.annotations.ids
    people = find_groups(ids, options.people)
    names = names_of_classes(results, options.labels)
    counts, counts_from = train_counts(streams, results.meta, results.num_classes)
    data: dict[str, Any] = {
        'version': __version__,
        'written': time.strftime('%Y-%m-%d %H:%M'),
        'title': options.title or ' + '.join(stream.name for stream in streams),
        'notes': notes,
        **header(results, counts_from, people),
        'map': clip_map(results.blended),
        'runs': runs(streams),
        'curves': [{'name': s.name, 'groups': found} for s in streams if (found := curves(s.log))],
        'layout': layout(results, options.layout),
    }
    if results.has_labels:
        data |= class_figures(results, names, counts, people)
    else:
        data |= predictions(results, names, counts)
    if options.compare is not None:
        if not results.has_labels:
            raise DataError(
                '--compare counts which clips each run recognises, but these have no labels. Leave '
                'it out.'
            )
        data['comparison'] = comparison(
            results.blended, results.labels, ids, options.compare, people
        )
    if options.occlusion:
        data['occlusion'] = occlusion(
            results, data['layout']['bones'], options.occlusion_clips, options.device
        )
    data['clips'], frames = player_data(results, data['classes'], options.pictures)
    notes[:] = map(printable, notes)
    path = Path(options.out) if options.out else _default_out(streams)
    return Report(path, write_page(path, 'page', SCRIPTS, data, frames), notes)


def _default_out(streams: Sequence[Stream]) -> Path:
    """Return the page beside the scores; an ensemble's leaves the first stream's page alone."""
    page = streams[0].report_file
    return page if len(streams) == 1 else page.with_name(f'ensemble_{page.name}')
