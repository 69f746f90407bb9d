"""Spot what happens when in long recordings: python tools/spot.py CONFIG -C CHECKPOINT SKELETONS [...]

    python tools/spot.py configs/spotting/demo.py -C latest.pth data/spotting --split test --fit-on val
    python tools/spot.py JOINT.py -C joint.pth --stream BONE.py bone.pth --weights 0.4 0.6 recordings/

SKELETONS are folders or files of iMiGUE's csv release or SMG's, or annotation files whose clips are recordings. Written are
segments.csv and segments.json, the challenge's SEQID_prediction.csv of each recording, and, where the recordings have labels,
metrics.json. --fit-on val chooses the thresholds by the recordings of the config's data.val, never by those that are reported.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyskl.annotations.segments import Segment
from pyskl.errors import ConfigError, DataError, run_script
from pyskl.evaluation.spotting import (
    CHALLENGE_IOU,
    add_up,
    commonest,
    count_right,
    evaluate_spotting,
    sliding_baseline,
)
from pyskl.files.atomic import atomic_write
from pyskl.files.given import check_checkpoint, check_config
from pyskl.files.locks import RESULTS_LOCK, in_turn
from pyskl.sources.recordings import Recording, RecordingFile, find_recordings, id_of_class
from pyskl.wording import count, some

if TYPE_CHECKING:
    from pyskl.apis.spotting import Spotter
    from pyskl.spotting.segments import Scores, Thresholds

THRESHOLDS = ('threshold', 'smooth', 'merge', 'shortest', 'overlap')
SAVED = 'thresholds.json'
MOST_NOTES = 5


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
    add('--fps', type=float, help='of these recordings; they are brought to the rate of the config')
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
    if args.fps is not None and not 0 < args.fps < 1000:
        raise ConfigError(f'--fps {args.fps:g}: expected frames a second, above 0 and below 1,000.')
    if args.report is not None and args.report.suffix not in ('.html', '.htm'):
        raise ConfigError(f'--report {args.report}: expected a name that ends in .html.')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    streams = [(args.config, args.checkpoint), *map(tuple, args.stream)]
    for config, checkpoint in streams:
        check_config(config)
        check_checkpoint(checkpoint)
    size = tuple(args.img_shape) if args.img_shape else None
    files = find_recordings(args.recordings, args.joints, size, args.split)
    # Not before: --help and wrong options answer at once.
    from pyskl.apis.spotting import load_spotter
    from pyskl.spotting.rows import SUFFIX, write_csv, write_json, write_predictions

    spotter = load_spotter(streams, args.weights, _windows(args), args.device, args.background)
    _change_windows(spotter, args)
    if args.fps is not None and spotter.windows.fps is None:
        raise ConfigError(
            f'--fps {args.fps:g}: the config does not say the rate of its data. Add fps to its '
            'RecordingDataset, or leave --fps out.'
        )
    names, out_dir = spotter.names(args.labels), _out_dir(args, spotter)
    how, made = _thresholds(args, spotter, files)
    truth, found, frames, kept = {}, {}, {}, {}
    for file, recording, scores in _scored(spotter, files, args.fps, 'spotting'):
        found[file.name] = _finished(spotter, recording, scores, how, args.fps)
        frames[file.name] = (recording.first, recording.num_frames)
        if recording.segments is not None:
            truth[file.name] = recording.segments
        if args.report is not None:
            kept[file.name] = recording
    figures = _judge(truth, found, frames, spotter.num_classes)
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
            from pyskl.spotting.fit import save_thresholds

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
    if args.report is not None:
        from pyskl.report.timeline import write_timeline

        layouts = sorted(spotter.models[0].layouts)
        size = write_timeline(args.report, kept, truth, found, names, layouts, figures)
        print(f'wrote {args.report} ({size / 1e6:.1f} MB)')
    return 0


def _windows(args: argparse.Namespace) -> Any:
    """The windows of the command line; None: the config says them."""
    from pyskl.spotting.windows import Windows

    if not args.lengths:
        return None
    stride = args.stride or max(1, min(args.lengths) // 6)
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
    from pyskl.spotting.fit import fit_thresholds, load_thresholds
    from pyskl.spotting.segments import Thresholds

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
    if not args.fit_on:
        return how, None
    chosen = _val_files(args, spotter)
    _check_apart(chosen, files)
    scores, truth, finish = {}, {}, {}
    for file, recording, one in _scored(spotter, chosen, args.fps, 'choosing thresholds'):
        if recording.segments is None:
            raise DataError(f'{file.path}: has no labels, so thresholds cannot be chosen by it.')
        scores[file.name], truth[file.name] = one, recording.segments
        finish[file.name] = (recording.first, recording.num_frames)
    how, value = fit_thresholds(scores, truth, how, _finisher(spotter, finish, args.fps))
    print(
        f'thresholds chosen by {count(len(chosen), "recording")} of data.val (F1 {value:.4f} there, which '
        f'is too good: they were chosen by it): {_said(how)}'
    )
    made = {
        'chosen_on': [str(file.path) for file in chosen],
        'f1_there': value,
        'iou': CHALLENGE_IOU,
    }
    return how, made


def _val_files(args: argparse.Namespace, spotter: Spotter) -> list[RecordingFile]:
    """The recordings of the config's data.val."""
    from pyskl.apis.setup import read_run

    val = read_run(args.config, splits=('val',)).recipe.data.val
    if not val or val.get('type') != 'RecordingDataset':
        raise ConfigError(f'{args.config}: --fit-on val needs data.val, a RecordingDataset.')
    paths = val['recordings']
    paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
    size = tuple(val['img_shape']) if val.get('img_shape') else None
    files = find_recordings(
        [Path(path) for path in paths], val.get('joints', 'imigue22'), size, val.get('split')
    )
    only, without = val.get('only'), val.get('without') or ()
    return [f for f in files if (only is None or f.name in only) and f.name not in without]


def _check_apart(chosen: Sequence[RecordingFile], files: Sequence[RecordingFile]) -> None:
    """Refuse thresholds chosen by recordings that are reported."""
    ours = {(file.path.resolve(), file.name) for file in files}
    shared = [file.name for file in chosen if (file.path.resolve(), file.name) in ours]
    if shared:
        raise DataError(
            f'--fit-on val: {count(len(shared), "recording")} of data.val ({some(shared, 3)}) are among those that are '
            'spotted here; figures on them would say little. Name other recordings, or --split test.'
        )


def _scored(spotter: Spotter, files: Sequence[RecordingFile], fps: float | None, title: str):
    """Read and score one recording after the other, under a bar that counts frames."""
    from tqdm import tqdm

    from pyskl.apis.spotting import check_fits

    notes = []
    with tqdm(files, title, unit='recording', leave=False, disable=None) as bar:
        for file in bar:
            recording = file.read()
            check_fits(spotter, recording)
            notes += recording.notes
            if not recording.shown().any():
                notes.append(f'{file.path}: nobody is seen in any frame, so nothing is spotted')
            rate = spotter.rate(fps)
            total = max(1, round(recording.num_frames / rate))
            yield (
                file,
                recording,
                spotter.scores(
                    recording,
                    fps,
                    lambda done, name=file.name, n=total: bar.set_postfix_str(
                        f'{name} {done / n:.0%}'
                    ),
                ),
            )
    for note in notes[:MOST_NOTES]:
        print(f'warning: {note}')
    if len(notes) > MOST_NOTES:
        print(f'warning: and {len(notes) - MOST_NOTES} more such lines')


def _finished(
    spotter: Spotter, recording: Recording, scores: Scores, how: Thresholds, fps: float | None
) -> list[Segment]:
    from pyskl.spotting.segments import find_segments

    found = find_segments(scores, how)
    return _finisher(spotter, {'': (recording.first, recording.num_frames)}, fps)('', found)


def _finisher(spotter: Spotter, frames: Mapping[str, tuple[int, int]], fps: float | None):
    from pyskl.apis.spotting import in_file_frames

    return lambda name, segments: in_file_frames(segments, *frames[name], spotter.rate(fps))


def _said(how: Thresholds) -> str:
    return ', '.join(f'{name} {getattr(how, name):g}' for name in THRESHOLDS)


def _judge(
    truth: Mapping[str, Sequence[Segment]],
    found: Mapping[str, Sequence[Segment]],
    frames: Mapping[str, tuple[int, int]],
    num_classes: int,
) -> dict[str, Any]:
    """Figures of the recordings with labels, printed; {} where there are none."""
    if not any(truth.values()):
        return {}
    beyond = [s.label for segments in truth.values() for s in segments if s.label >= num_classes]
    if beyond:
        print(
            f'warning: labels hold class {max(beyond)}, and the network has {num_classes}: never found'
        )
    if len(truth) < len(found):
        print(
            f'warning: {len(found) - len(truth)} of {len(found)} recordings have no labels and do not count'
        )
    found = {name: segments for name, segments in found.items() if name in truth}
    frames = {name: frames[name] for name in truth}
    figures = evaluate_spotting(truth, found, frames)
    label, length = commonest(truth)
    baseline = add_up(count_right(truth, sliding_baseline(frames, label, length)))
    print(
        f'F1 {figures["f1"]:.4f}  precision {figures["precision"]:.4f}  recall {figures["recall"]:.4f}  (IoU > {CHALLENGE_IOU:g})'
    )
    print('IoU   ' + '  '.join(f'{key[3:]:>6}' for key in figures if key.startswith('f1@')))
    print(
        'F1    '
        + '  '.join(f'{value:.4f}' for key, value in figures.items() if key.startswith('f1@'))
    )
    print(
        'mAP   '
        + '  '.join(f'{value:.4f}' for key, value in figures.items() if key.startswith('map@'))
    )
    print(
        f'frames right {figures["frame_accuracy"]:.4f} (answering nothing: {figures["frame_accuracy_of_nothing"]:.4f}); macro-F1 '
        f'{figures["macro_f1"]:.4f}'
    )
    print(
        f'to beat: class {label}, the commonest, in windows of {length} frames one after the other: F1 {baseline.f1:.4f}'
    )
    per_class = {
        k: {
            'true': c.true,
            'predicted': c.predicted,
            'precision': c.precision,
            'recall': c.recall,
            'f1': c.f1,
        }
        for k, c in count_right(truth, found).items()
    }
    return {**figures, 'f1_of_commonest_class': baseline.f1, 'per_class': per_class}


def _write_json(path: Path, value: Any) -> None:
    with atomic_write(path, 'w', encoding='utf-8') as file:
        json.dump(value, file, indent=1)
        file.write('\n')


if __name__ == '__main__':
    run_script(main)
