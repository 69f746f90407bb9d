"""Spot what happens when in long recordings: python tools/spot.py CONFIG -C CHECKPOINT SKELETONS [...]

    python tools/spot.py configs/spotting/demo.py -C latest.pth data/spotting --split test --fit-on val
    python tools/spot.py JOINT.py recordings/ -C joint.pth --stream BONE.py bone.pth --weights 0.4 0.6

SKELETONS are folders or files of iMiGUE's csv release or SMG's, or annotation files whose clips are
recordings. Written are segments.csv and segments.json, the challenge's SEQID_prediction.csv of each
recording, and, where the recordings have labels, metrics.json. --fit-on val chooses the thresholds
by the recordings of the config's data.val, never by those that are reported.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigError
from ..files.atomic import atomic_write
from ..files.given import check_checkpoint, check_writable
from ..files.locks import RESULTS_LOCK, in_turn
from ..sources.recordings import RecordingFile, find_recordings, id_of_class
from ..spotting.rows import (
    SUFFIX,
    check_prediction_names,
    write_csv,
    write_json,
    write_predictions,
)
from ..spotting.segments import Thresholds
from ..spotting.settings import Settings, load_settings, save_settings
from ..spotting.windows import Windows
from ..wording import count, some
from .calling import Parser
from .places import find_config

if TYPE_CHECKING:
    from ..apis.spotting import Spotter

THRESHOLDS = ('threshold', 'smooth', 'merge', 'shortest', 'overlap')
SAVED = 'thresholds.json'


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
    add('--stream', nargs=2, action='append', default=[], metavar=('CONFIG', 'CHECKPOINT'),
        help='another stream; once for each')  # fmt: skip
    add(
        '--weights',
        nargs='+',
        type=float,
        metavar='W',
        help='one a stream; default 0.4 0.6 for two',
    )
    add(
        '--split',
        choices=['train', 'val', 'test'],
        help='of folders that say a split, only this one',
    )
    add(
        '--out-dir',
        type=Path,
        metavar='DIR',
        help="where results go (default: spotting in the config's work_dir)",
    )
    add('--device', help='cpu, cuda, cuda:1 (default: cuda where there is one)')
    add(
        '--joints',
        default='imigue22',
        metavar='JOINTS',
        help="which of iMiGUE's, as tools/readlabel.py has it",
    )
    add('--img-shape', nargs=2, type=int, metavar=('H', 'W'), help='of the videos in pixels')
    add(
        '--fps',
        type=float,
        help='of these recordings, brought to the rate of the config (default: as annotation files say, or the same)',
    )
    add('--labels', help='names of the classes: a text file, or a known name')
    add('--report', type=Path, metavar='FILE.html', help='write a page with timelines and a player')
    group = parser.add_argument_group('windows (default: as data.test of the config says)')
    group.add_argument('--lengths', nargs='+', type=int, metavar='N', help='frames of the windows')
    group.add_argument('--stride', type=int, metavar='N', help='frames from one to the next')
    group.add_argument(
        '--every',
        type=int,
        metavar='N',
        help='frames that are scored together; less needs less memory',
    )
    group.add_argument(
        '--background', type=int, metavar='K', help='class of windows in which nothing happens'
    )
    group = parser.add_argument_group('segments')
    group.add_argument(
        '--threshold',
        type=float,
        metavar='P',
        help='probability that a class has to reach (default: 0.5)',
    )
    group.add_argument(
        '--smooth',
        type=float,
        metavar='N',
        help='standard deviation of smoothing, in frames (default: 0)',
    )
    group.add_argument(
        '--merge', type=int, metavar='N', help='longest gap that is closed, in frames (default: 8)'
    )
    group.add_argument(
        '--shortest', type=int, metavar='N', help='fewest frames of a segment (default: 12)'
    )
    group.add_argument(
        '--overlap',
        type=float,
        metavar='P',
        help='share of a segment that may lie in a surer one (default: 0.3)',
    )
    group.add_argument(
        '--fit-on',
        choices=['val'],
        help=f'choose these by the recordings of data.val; writes {SAVED}',
    )
    group.add_argument(
        '--thresholds', type=Path, metavar='FILE.json', help='as --fit-on saved them'
    )
    return _checked(parser.parse_args(argv))


def _checked(args: argparse.Namespace) -> argparse.Namespace:
    """ConfigError for options that do not go together."""
    if args.fit_on and args.thresholds:
        raise ConfigError('--fit-on and --thresholds: each says what the thresholds are. Give one.')
    given = [name for name in THRESHOLDS if getattr(args, name) is not None]
    if given and (args.fit_on or args.thresholds):
        raise ConfigError(
            f'--{given[0]}: {"--fit-on" if args.fit_on else "--thresholds"} says it. Leave one of '
            'them out.'
        )
    if args.img_shape and min(args.img_shape) < 1:
        raise ConfigError(
            f'--img-shape {args.img_shape[0]} {args.img_shape[1]}: expected pixels from 1 on.'
        )
    if args.fps is not None and not 1 <= args.fps < 1000:
        raise ConfigError(f'--fps {args.fps:g}: expected frames a second, from 1 to below 1,000.')
    for name in ('stride', 'every'):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise ConfigError(f'--{name} {value}: expected frames, from 1 on.')
    if args.report is not None and args.report.suffix not in ('.html', '.htm'):
        raise ConfigError(f'--report {args.report}: expected a name that ends in .html.')
    return args


def main(argv: Sequence[str] | None = None) -> int:
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
    from ..apis.spot_files import print_figures, score_recordings, segments_of
    from ..report.timeline import Timeline

    spotter, saved = _spotter(args, streams)
    names = spotter.names(args.labels)
    out_dir = args.out_dir or Path(spotter.models[0].cfg.work_dir) / 'spotting'
    check_writable(out_dir / SAVED, *([args.report] if args.report else []))
    how, made = _thresholds(args, spotter, saved, files)
    timeline = None if args.report is None else Timeline()
    truth, found, frames = {}, {}, {}
    for file, recording, scores in score_recordings(spotter, files, args.fps, 'spotting'):
        found[file.name] = segments_of(spotter, recording, scores, how)
        frames[file.name] = (recording.first, recording.num_frames)
        if recording.segments is not None:
            truth[file.name] = recording.segments
        if timeline is not None:
            timeline.add(recording, recording.segments, found[file.name])
    figures = print_figures(truth, found, frames, spotter.num_classes)

    settings = Settings(
        how, spotter.windows, tuple(str(path) for _, path in streams), tuple(spotter.weights)
    )
    about = {
        'streams': [{'config': str(c), 'checkpoint': str(k)} for c, k in streams],
        'weights': spotter.weights,
        'windows': asdict(spotter.windows),
        'thresholds': asdict(how),
    }
    kinds = {file.name: file.kind for file in files}
    with in_turn(out_dir / RESULTS_LOCK):
        write_csv(out_dir / 'segments.csv', found, names)
        write_json(out_dir / 'segments.json', found, names, about)
        written = write_predictions(out_dir, found, lambda clip, k: id_of_class(k, kinds[clip]))
        if made is not None:
            save_settings(out_dir / SAVED, settings, made)
            print(f'wrote {out_dir / SAVED}')
        if figures:
            _write_json(out_dir / 'metrics.json', figures)
    total = count(sum(map(len, found.values())), 'segment')
    print(f'wrote {out_dir / "segments.csv"} ({total} of {count(len(files), "recording")})')
    print(f'wrote {out_dir / "segments.json"}')
    print(f'wrote {count(len(written), "file")} {out_dir}/*{SUFFIX}')
    if figures:
        print(f'wrote {out_dir / "metrics.json"}')
    _name_old_files(out_dir, [*written, *([out_dir / 'metrics.json'] if figures else [])])
    if timeline is not None:
        layouts = spotter.models[0].layouts
        layout = next(iter(layouts)) if len(layouts) == 1 else None
        fps = args.fps or spotter.windows.fps
        num_bytes = timeline.write(args.report, names, layout, figures, fps)
        print(f'wrote {args.report} ({num_bytes / 1e6:.1f} MB)')
    return 0


def _spotter(
    args: argparse.Namespace, streams: Sequence[tuple[Any, str]]
) -> tuple[Spotter, Settings | None]:
    """Load the networks, with weights and windows of the command line, of --thresholds, or the config.

    Returns:
        The networks, and what the file of --thresholds holds.

    Raises:
        ConfigError: these contradict one another.
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
            f'--fps {args.fps:g}: the config does not say the rate of its data. Add fps to its '
            'RecordingDataset, or leave --fps out.'
        )
    if saved is not None:
        _check_saved(args, saved, spotter)
    return spotter, saved


def _saved_windows(args: argparse.Namespace, saved: Windows | None) -> Windows | None:
    """Return the windows of --thresholds, without a frame rate, which the config says.

    Raises:
        ConfigError: --lengths or --stride say others.
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
        ConfigError: --weights says others, or there are other streams.
    """
    weights = saved.weights_for(checkpoints, str(args.thresholds))
    if weights is None:
        return None
    if args.weights:
        shares = np.array(args.weights) / (sum(args.weights) or 1)
        if len(shares) != len(weights) or np.abs(shares - weights).max() > 1e-4:
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
    """Raise ConfigError where --thresholds was chosen for another background or frame rate.

    Other windows than the config's are fine, and said.
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
    told = spotting_config(spotter.models[0]).windows
    windows = spotter.windows
    if told is not None and (told.lengths, told.stride) != (windows.lengths, windows.stride):
        print(
            f'windows of {_listed(windows.lengths)} frames every {windows.stride}, as '
            f'{args.thresholds} says, not of {_listed(told.lengths)} every {told.stride}, as the '
            'config does'
        )


def _thresholds(
    args: argparse.Namespace,
    spotter: Spotter,
    saved: Settings | None,
    files: Sequence[RecordingFile],
) -> tuple[Thresholds, dict[str, Any] | None]:
    """Return the thresholds, and with --fit-on how they came about."""
    from ..apis.spot_files import choose_settings

    if saved is not None:
        return saved.thresholds, None
    given = {name: getattr(args, name) for name in THRESHOLDS if getattr(args, name) is not None}
    how = Thresholds(**given, background=spotter.background)
    if not args.fit_on:
        return how, None
    weights_too = len(spotter.models) > 1 and not args.weights
    return choose_settings(args.config, spotter, files, how, weights_too)


def _name_old_files(out_dir: Path, written: Sequence[Path]) -> None:
    """Warn of predictions and figures that an earlier run left beside those of this one."""
    known = [*sorted(out_dir.glob(f'*{SUFFIX}')), out_dir / 'metrics.json']
    old = [path.name for path in known if path not in written and path.exists()]
    if old:
        print(f'warning: {some(old)} in {out_dir} come from an earlier run, not from this one')


def _write_json(path: Path, value: Any) -> None:
    with atomic_write(path, 'w', encoding='utf-8') as file:
        json.dump(value, file, indent=1)
        file.write('\n')
