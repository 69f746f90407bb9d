"""Spot what happens when in long recordings.

    python tools/spot.py CONFIG -C CHECKPOINT SKELETONS [...]
    python tools/spot.py configs/spotting/demo.py -C x.pth data/spotting --split test --fit-on val
    python tools/spot.py JOINT.py recordings/ -C joint.pth --stream BONE.py bone.pth --weights 1 2

SKELETONS are folders or files of iMiGUE's csv release or SMG's, or annotation files whose clips are
recordings. Writes segments.csv and segments.json, the challenge's SEQID_prediction.csv for each
recording, and metrics.json if recordings have labels. --fit-on val chooses thresholds, and the
weights of several streams, on the recordings of the config's data.val, never on those that are
reported. docs/spotting.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigError
from ..files.atomic import atomic_write_text
from ..files.locks import RESULTS_LOCK, in_turn
from ..files.path_checks import check_checkpoint, check_writable
from ..sources.recordings import RecordingFile, find_recordings, id_of_class
from ..spotting.rows import (
    SUFFIX,
    check_prediction_names,
    prediction_name,
    write_csv,
    write_json,
    write_predictions,
)
from ..spotting.segments import Thresholds
from ..spotting.settings import Settings, load_settings, save_settings
from ..spotting.windows import Windows
from ..wording import count, some
from .calling import Parser, check_at_least
from .places import find_config

if TYPE_CHECKING:
    from ..annotations.segments import Segment
    from ..apis.spotting import Spotter

THRESHOLDS = ('threshold', 'smooth', 'merge', 'shortest', 'overlap')
SAVED = 'thresholds.json'


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line.

    Raises:
        ConfigError: options that contradict one another, or numbers out of range.
    """
    parser = Parser(__doc__)
    add = parser.add_argument
    add('config', help='config file')
    add(
        'recordings',
        nargs='+',
        type=Path,
        metavar='SKELETONS',
        help='folders or files of recordings',
    )
    add('-C', '--checkpoint', required=True, help='checkpoint file')
    add(
        '--stream',
        nargs=2,
        action='append',
        default=[],
        metavar=('CONFIG', 'CHECKPOINT'),
        help='another stream; can be given several times',
    )
    add('--weights', nargs='+', type=float, metavar='W', help='of the streams (two: 0.4 0.6)')
    add('--split', choices=['train', 'val', 'test'], help='of folders that name their split')
    add('--out-dir', type=Path, metavar='DIR', help='for results (default: spotting in work_dir)')
    parser.add_device()
    add(
        '--joints', default='imigue22', metavar='JOINTS', help='of iMiGUE, as in tools/readlabel.py'
    )
    parser.add_img_shape('of the videos in pixels')
    add(
        '--fps',
        type=float,
        help="of these recordings, which are resampled to the config's rate (default: their own)",
    )
    add('--labels', help='class names: a text file, or a known name')
    add('--report', type=Path, metavar='FILE.html', help='write a page with timelines and a player')

    add = parser.add_argument_group('windows (default: as in data.test of the config)').add_argument
    add('--lengths', nargs='+', type=int, metavar='N', help='frames of the windows')
    add('--stride', type=int, metavar='N', help='frames from one window to the next')
    add('--every', type=int, metavar='N', help='frames scored together; fewer need less memory')
    add('--background', type=int, metavar='K', help='class of windows in which nothing happens')

    add = parser.add_argument_group('segments').add_argument
    add('--threshold', type=float, metavar='P', help='least probability of a class (default: 0.5)')
    add(
        '--smooth',
        type=float,
        metavar='N',
        help='standard deviation of smoothing in frames (default: 0)',
    )
    add('--merge', type=int, metavar='N', help='longest gap to close in frames (default: 8)')
    add('--shortest', type=int, metavar='N', help='fewest frames of a segment (default: 12)')
    add(
        '--overlap',
        type=float,
        metavar='P',
        help='largest share of a segment within one of a higher score (default: 0.3)',
    )
    add('--fit-on', choices=['val'], help=f'choose these on data.val; writes {SAVED}')
    add('--thresholds', type=Path, metavar='FILE.json', help='as --fit-on saved them')
    return _checked(parser.parse_args(argv))


def _checked(args: argparse.Namespace) -> argparse.Namespace:
    """Raise a ConfigError for options that contradict one another, or numbers out of range."""
    if args.fit_on and args.thresholds:
        raise ConfigError('--fit-on and --thresholds: both set the thresholds. Give one of them.')
    given = [name for name in THRESHOLDS if getattr(args, name) is not None]
    if given and (args.fit_on or args.thresholds):
        other = '--fit-on' if args.fit_on else '--thresholds'
        raise ConfigError(f'--{given[0]} and {other}: both set it. Give one of them.')
    if args.fps is not None and not 1 <= args.fps < 1000:
        raise ConfigError(f'--fps {args.fps:g}: expected frames a second, from 1 to below 1,000.')
    check_at_least(1, args, 'img_shape', 'stride', 'every')
    if args.report is not None and args.report.suffix not in ('.html', '.htm'):
        raise ConfigError(f'--report {args.report}: expected a name that ends in .html.')
    return args


def main(argv: Sequence[str]) -> int:
    """Spot what happens in recordings, and write it."""
    args = parse_args(argv)
    streams = []
    for config, checkpoint in ((args.config, args.checkpoint), *args.stream):
        streams.append((find_config(config), checkpoint))
        check_checkpoint(checkpoint)
    args.config = streams[0][0]
    size = tuple(args.img_shape) if args.img_shape else None
    files = find_recordings(args.recordings, args.joints, size, args.split)
    check_prediction_names([file.name for file in files])

    # Heavy, so that --help and wrong options answer at once.
    from ..apis.spot_files import print_figures, score_recordings
    from ..report.timeline import Timeline

    spotter, saved = _spotter(args, streams)
    names = spotter.names(args.labels)
    out_dir = args.out_dir or Path(spotter.models[0].cfg.work_dir or '.') / 'spotting'
    check_writable(out_dir / SAVED, *([args.report] if args.report else []))
    thresholds, made = _thresholds(args, spotter, saved, files)
    timeline = None if args.report is None else Timeline()
    truth: dict[str, Sequence[Segment]] = {}
    found: dict[str, list[Segment]] = {}
    frames: dict[str, tuple[int, int]] = {}
    for file, recording, scores in score_recordings(spotter, files, args.fps, 'spotting'):
        found[file.name] = spotter.segments_in(recording, scores, thresholds)
        frames[file.name] = (recording.first, recording.num_frames)
        if recording.segments is not None:
            truth[file.name] = recording.segments
        if timeline is not None:
            timeline.add(recording, recording.segments, found[file.name])
    figures = print_figures(truth, found, frames, spotter.num_classes)

    settings = Settings(
        thresholds, spotter.windows, tuple(str(path) for _, path in streams), tuple(spotter.weights)
    )
    about = {
        'streams': [{'config': str(c), 'checkpoint': str(k)} for c, k in streams],
        'weights': spotter.weights,
        'windows': asdict(spotter.windows),
        'thresholds': asdict(thresholds),
    }
    with in_turn(out_dir / RESULTS_LOCK):
        _write_segments(out_dir, files, found, names, about)
        if made is not None:
            save_settings(out_dir / SAVED, settings, made)
            print(f'wrote {out_dir / SAVED}')
        if figures:
            atomic_write_text(out_dir / 'metrics.json', json.dumps(figures, indent=1) + '\n')
            print(f'wrote {out_dir / "metrics.json"}')
    _name_old_files(out_dir, list(found), bool(figures))
    if timeline is not None:
        layouts = [*spotter.models[0].layouts]
        layout = layouts[0] if len(layouts) == 1 else None
        fps = args.fps or spotter.windows.fps
        num_bytes = timeline.write(args.report, names, layout, figures, fps)
        print(f'wrote {args.report} ({num_bytes / 1e6:.1f} MB)')
    return 0


def _write_segments(
    out_dir: Path,
    files: Sequence[RecordingFile],
    found: Mapping[str, Sequence[Segment]],
    names: Sequence[str],
    about: Mapping[str, Any],
) -> None:
    """Write segments.csv, segments.json and the challenge's file for each recording."""
    kinds = {file.name: file.kind for file in files}
    write_csv(out_dir / 'segments.csv', found, names)
    write_json(out_dir / 'segments.json', found, names, about)
    written = write_predictions(out_dir, found, lambda clip, k: id_of_class(k, kinds[clip]))
    total = count(sum(map(len, found.values())), 'segment')
    print(f'wrote {out_dir / "segments.csv"} ({total} of {count(len(files), "recording")})')
    print(f'wrote {out_dir / "segments.json"}')
    print(f'wrote {count(len(written), "file")} {out_dir}/*{SUFFIX}')


def _spotter(
    args: argparse.Namespace, streams: Sequence[tuple[Any, str]]
) -> tuple[Spotter, Settings | None]:
    """Load the networks, with weights and windows of the options, of --thresholds, or the config.

    Returns:
        The networks, and the content of the file of --thresholds.

    Raises:
        ConfigError: options, file and config contradict one another.
    """
    from ..apis.spotting import load_spotter

    windows, weights, saved = None, args.weights, None
    if args.lengths:
        stride = args.stride or max(1, min(args.lengths) // 6)
        windows = Windows(tuple(args.lengths), stride, stride).in_blocks(args.every)
    if args.thresholds:
        saved = load_settings(args.thresholds)
        windows = _saved_windows(args, saved.windows) or windows
        weights = _saved_weights(args, saved, [path for _, path in streams]) or weights
    if args.fit_on and weights is None:
        weights = [1.0] * len(streams)  # until they are chosen

    spotter = load_spotter(streams, weights, windows, args.device, args.background)
    windows = spotter.windows
    if args.stride and args.stride != windows.stride:
        windows = replace(windows, stride=args.stride, every=args.stride).in_blocks()
    spotter.windows = windows.in_blocks(args.every) if args.every else windows
    if args.fps is not None and windows.fps is None:
        raise ConfigError(
            f'--fps {args.fps:g}: the frame rate of the config is unknown. Add fps to its '
            'RecordingDataset, or leave --fps out.'
        )
    if saved is not None:
        _check_saved(args, saved, spotter)
    return spotter, saved


def _saved_windows(args: argparse.Namespace, saved: Windows | None) -> Windows | None:
    """Return the windows of --thresholds, without their frame rate: that is the config's.

    Raises:
        ConfigError: --lengths or --stride contradict them.
    """
    if saved is None:
        return None
    if args.lengths and tuple(args.lengths) != saved.lengths:
        raise _contradiction(args, 'lengths', _listed(args.lengths), _listed(saved.lengths))
    if args.stride and args.stride != saved.stride:
        raise _contradiction(args, 'stride', str(args.stride), str(saved.stride))
    return replace(saved, fps=None)


def _saved_weights(
    args: argparse.Namespace, saved: Settings, checkpoints: Sequence[str]
) -> list[float] | None:
    """Return the weights of --thresholds in the order of the streams.

    Raises:
        ConfigError: --weights contradicts them.
        DataError: another number of streams.
    """
    weights = saved.weights_for(checkpoints, str(args.thresholds))
    if weights is None:
        return None
    if args.weights:
        shares = np.array(args.weights) / (sum(args.weights) or 1)
        if len(shares) != len(weights) or not np.abs(shares - weights).max() <= 1e-4:
            raise _contradiction(args, 'weights', _listed(args.weights), _listed(weights))
    return list(weights)


def _contradiction(args: argparse.Namespace, option: str, given: str, saved: str) -> ConfigError:
    return ConfigError(
        f'--{option} {given}: {args.thresholds} was chosen with {saved}. Leave --{option} out, or '
        'choose thresholds anew: --fit-on val.'
    )


def _listed(numbers: Sequence[float]) -> str:
    return ' '.join(f'{number:g}' for number in numbers)


def _check_saved(args: argparse.Namespace, saved: Settings, spotter: Spotter) -> None:
    """Raise a ConfigError if --thresholds was chosen for another background or frame rate.

    Prints a line if its windows are not those of the config.
    """
    from ..apis.spotting import spotting_config

    anew = 'Choose thresholds for this config: --fit-on val.'
    if saved.thresholds.background != spotter.background:
        raise ConfigError(
            f'{args.thresholds}: background = {saved.thresholds.background}, but that of the '
            f'config is {spotter.background}. {anew}'
        )
    if saved.windows is None:
        return
    if saved.windows.fps != spotter.windows.fps:
        rates = [f'{w.fps:g}' if w.fps else 'none' for w in (saved.windows, spotter.windows)]
        raise ConfigError(
            f'{args.thresholds}: fps = {rates[0]}, but that of the config is {rates[1]}: windows '
            f'and thresholds count in frames. {anew}'
        )
    windows, of_config = spotter.windows, spotting_config(spotter.models[0]).windows
    if of_config is None:
        return
    if (of_config.lengths, of_config.stride) != (windows.lengths, windows.stride):
        print(
            f'windows of {_listed(windows.lengths)} frames every {windows.stride}, from '
            f'{args.thresholds}; the config has {_listed(of_config.lengths)} every '
            f'{of_config.stride}'
        )


def _thresholds(
    args: argparse.Namespace,
    spotter: Spotter,
    saved: Settings | None,
    files: Sequence[RecordingFile],
) -> tuple[Thresholds, dict[str, Any] | None]:
    """Return the thresholds, and with --fit-on how they were chosen."""
    from ..apis.spot_files import choose_settings

    if saved is not None:
        return saved.thresholds, None
    given = {name: getattr(args, name) for name in THRESHOLDS if getattr(args, name) is not None}
    thresholds = Thresholds(**given, background=spotter.background)
    if not args.fit_on:
        return thresholds, None
    weights_too = len(spotter.models) > 1 and not args.weights
    return choose_settings(args.config, spotter, files, thresholds, weights_too)


def _name_old_files(out_dir: Path, clips: Sequence[str], has_figures: bool) -> None:
    """Warn about predictions and figures that an earlier run left in the folder."""
    written = {prediction_name(clip) for clip in clips}
    old = [path.name for path in sorted(out_dir.glob(f'*{SUFFIX}')) if path.name not in written]
    if not has_figures and (out_dir / 'metrics.json').exists():
        old.append('metrics.json')
    if old:
        print(f'warning: {some(old)} in {out_dir} are from an earlier run, not from this one')
