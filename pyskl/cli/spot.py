"""Spot what happens when in long recordings: python tools/spot.py CONFIG -C CHECKPOINT SKELETONS [...]

    python tools/spot.py configs/spotting/demo.py -C latest.pth data/spotting --split test --fit-on val
    python tools/spot.py JOINT.py recordings/ -C joint.pth --stream BONE.py bone.pth --weights 0.4 0.6

SKELETONS are folders or files of iMiGUE's csv release or SMG's, or annotation files whose clips are recordings. Written are
segments.csv and segments.json, the challenge's SEQID_prediction.csv of each recording, and, where the recordings have labels,
metrics.json. --fit-on val chooses the thresholds by the recordings of the config's data.val, never by those that are reported.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..files.atomic import atomic_write
from ..files.locks import RESULTS_LOCK, in_turn
from ..files.path_checks import check_checkpoint, check_writable
from ..sources.recordings import RecordingFile, find_recordings, id_of_class
from ..spotting.rows import (
    SUFFIX,
    check_prediction_names,
    write_csv,
    write_json,
    write_predictions,
)
from ..wording import count, some
from .calling import Parser
from .places import find_config

if TYPE_CHECKING:
    from ..apis.spotting import Spotter
    from ..spotting.segments import Thresholds

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
            f'--{given[0]}: {"--fit-on" if args.fit_on else "--thresholds"} says it. Leave one of them out.'
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
    args = parse_args(argv)
    streams = []
    for config, checkpoint in ((args.config, args.checkpoint), *args.stream):
        streams.append((find_config(config), checkpoint))
        check_checkpoint(checkpoint)
    args.config = streams[0][0]
    size = tuple(args.img_shape) if args.img_shape else None
    files = find_recordings(args.recordings, args.joints, size, args.split)
    check_prediction_names([file.name for file in files])
    # Not before: --help and wrong options answer at once.
    from ..apis.spot_files import finished, judge, scored
    from ..apis.spotting import load_spotter

    spotter = load_spotter(streams, args.weights, _windows(args), args.device, args.background)
    _change_windows(spotter, args)
    if args.fps is not None and spotter.windows.fps is None:
        raise ConfigError(
            f'--fps {args.fps:g}: the config does not say the rate of its data. Add fps to its '
            'RecordingDataset, or leave --fps out.'
        )
    names, out_dir = spotter.names(args.labels), _out_dir(args, spotter)
    check_writable(out_dir / SAVED, *([args.report] if args.report else []))
    how, made = _thresholds(args, spotter, files)
    truth, found, frames, kept = {}, {}, {}, {}
    for file, recording, scores in scored(spotter, files, args.fps, 'spotting'):
        found[file.name] = finished(spotter, recording, scores, how)
        frames[file.name] = (recording.first, recording.num_frames)
        if recording.segments is not None:
            truth[file.name] = recording.segments
        if args.report is not None:
            kept[file.name] = recording
    figures = judge(truth, found, frames, spotter.num_classes)
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
            from ..spotting.fit import save_thresholds

            save_thresholds(out_dir / SAVED, how, made)
            print(f'wrote {out_dir / SAVED}')
        if figures:
            _write_json(out_dir / 'metrics.json', figures)
    total = sum(map(len, found.values()))
    print(
        f'wrote {out_dir / "segments.csv"} ({count(total, "segment")} of {count(len(files), "recording")})'
    )
    print(f'wrote {out_dir / "segments.json"}')
    print(f'wrote {count(len(written), "file")} {out_dir}/*{SUFFIX}')
    if figures:
        print(f'wrote {out_dir / "metrics.json"}')
    _name_old_files(out_dir, [*written, *([out_dir / 'metrics.json'] if figures else [])])
    if args.report is not None:
        from ..report.timeline import write_timeline

        layout = (
            next(iter(spotter.models[0].layouts)) if len(spotter.models[0].layouts) == 1 else None
        )
        fps = args.fps or spotter.windows.fps
        size = write_timeline(args.report, kept, truth, found, names, layout, figures, fps)
        print(f'wrote {args.report} ({size / 1e6:.1f} MB)')
    return 0


def _windows(args: argparse.Namespace) -> Any:
    """The windows of the command line; None: the config says them."""
    from ..spotting.windows import Windows

    if not args.lengths:
        return None
    stride = args.stride or max(1, min(args.lengths) // 6)  # 0 is refused before
    return Windows(tuple(args.lengths), stride, stride).in_blocks(args.every)


def _change_windows(spotter: Spotter, args: argparse.Namespace) -> None:
    """Stride and block where the config says the lengths."""
    windows = spotter.windows
    if args.stride and not args.lengths:
        windows = replace(windows, stride=args.stride, every=args.stride).in_blocks()
    if args.every:
        windows = windows.in_blocks(args.every)
    spotter.windows = windows


def _out_dir(args: argparse.Namespace, spotter: Spotter) -> Path:
    return args.out_dir or Path(spotter.models[0].cfg.work_dir) / 'spotting'


def _thresholds(
    args: argparse.Namespace, spotter: Spotter, files: Sequence[RecordingFile]
) -> tuple[Thresholds, dict[str, Any] | None]:
    """The settings, and with --fit-on how they came about."""
    from ..apis.spot_files import choose_thresholds
    from ..spotting.fit import load_thresholds
    from ..spotting.segments import Thresholds

    if args.thresholds:
        how = load_thresholds(args.thresholds)
        if how.background != spotter.background:
            raise ConfigError(
                f'{args.thresholds}: background = {how.background}, but that of the config is '
                f'{spotter.background}. Choose thresholds for this config: --fit-on val.'
            )
        return how, None
    given = {name: getattr(args, name) for name in THRESHOLDS if getattr(args, name) is not None}
    how = Thresholds(**given, background=spotter.background)
    return choose_thresholds(args.config, spotter, files, how) if args.fit_on else (how, None)


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
