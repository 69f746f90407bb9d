"""Blend the scores of several streams, and write Submission.csv and Submission.zip.

    python ensemble/ensemble.py                         the published pair: joint 0.4, limb 0.6
    python ensemble/ensemble.py A/scores.npz B/result.pkl --weights 0.4 0.6 --ids test_id.txt
    python ensemble/ensemble.py A/scores.npz B/scores.npz --labels data/imigue_val.pkl
    python ensemble/ensemble.py A/scores.npz B/scores.npz --fit-on val --ann-file val.pkl
    python ensemble/ensemble.py A/scores.npz B/rgbpose.pkl:pose --format kaggle

Scores may be pickles, .npz, .npy, .json, .csv or torch files of other toolboxes, too: see
ensemble/README.md. --fit-on fits weights (and a temperature for each stream) to the streams' scores
on validation clips: val_scores.npz beside each file, as `tools/test.py CONFIG --split val` writes
them, or --fit-scores. Files are searched for in the current folder, then beside this script
(`pyskl ensemble`: in ensemble/).
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations import open_annotations
from ..errors import ConfigError, DataError
from ..evaluation import ONE_LABEL_METRICS, evaluate
from ..files.atomic import atomic_write
from ..files.locks import RESULTS_LOCK, in_turn
from ..scores import OBJECTIVES, SavedFit, fit_on_clips, labels_by_name, load_fit, save_fit, soften
from ..scores.agreement import doubts, mixed_kinds
from ..scores.align import Aligned, align
from ..scores.blend import blend, check_weights
from ..scores.id_list import read_ids, split_part
from ..scores.score_file import Scores, load_scores, save_scores
from ..scores.submission import (
    COARSE_HELP,
    FORMATS,
    FORMATS_HELP,
    answers_of,
    check_format,
    write_submission,
)
from ..seeds import seed_number
from ..wording import some
from .calling import Parser, as_called, flag, shell_command
from .places import home

HERE = home() / 'ensemble'
STREAMS = ('joint', 'limb')
PUBLISHED_FOLDER = 'posec3d_emb20_{}'
WORK_DIR = '../work_dirs/posec3d/slowonly_r50_imigue_2dkp_emb20/{}'
ID_LIST = 'test_id.txt'
MAX_WARNINGS = 3
FIT_OPTIONS = ('fit_scores', 'ann_file', 'objective', 'folds', 'seed', 'no_temperature')
WEIGHTS_NAME = 'weights.json'
UNFIT_SPLITS = {
    'test': 'the test clips are what is reported; weights that were chosen by them say nothing',
    'train': 'the streams have learned from these clips; weights would favour the one that knows '
    'them by heart',
}


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add(
        'scores',
        nargs='*',
        metavar='SCORES',
        help='scores.npz or result.pkl of each stream; FILE.pkl:pose for one of several scores in '
        'a file (default: the published pair)',
    )
    add(
        '--weights',
        nargs='+',
        type=float,
        metavar='W',
        help='weight of each stream (default: 0.4 0.6 for two)',
    )
    add(
        '--ids',
        metavar='FILE',
        help='clip ids: text (lines, commas, blanks), JSON or annotations (FILE.pkl:SPLIT); the '
        'order of the answers, and of the rows of bare lists',
    )
    add(
        '--by-position',
        action='store_true',
        help='match rows by position, even if the files have ids',
    )
    add(
        '--out-dir',
        metavar='DIR',
        help="folder of Submission.csv and Submission.zip (default: this script's, ensemble/)",
    )
    add(
        '--format',
        choices=FORMATS,
        default='codalab',
        help='format of the submission: ' + FORMATS_HELP,
    )
    add('--coarse', metavar='FILE', help=COARSE_HELP)
    add('--save-scores', metavar='FILE.npz', help='write the blended scores with their ids')
    add(
        '--labels',
        metavar='ANNOTATION.pkl',
        help='print top-1, top-5 and mean-class accuracy of each stream and the blend',
    )
    add(
        '--temperatures',
        nargs='+',
        type=float,
        metavar='T',
        help='temperature of each stream: softmax(log p / T) is blended',
    )
    add(
        '--weights-from',
        metavar='WEIGHTS.json',
        help='weights and temperatures that --fit-on saved',
    )
    fit = parser.add_argument_group(
        'fitting the weights (writes weights.json beside the submission, too)'
    )
    fit.add_argument(
        '--fit-on',
        metavar='SPLIT',
        help='fit to the scores of this split, e.g. val; never the one that is reported',
    )
    fit.add_argument(
        '--ann-file',
        metavar='ANNOTATION.pkl',
        help="annotation file with that split's labels",
    )
    fit.add_argument(
        '--fit-scores',
        nargs='+',
        metavar='SCORES',
        help='scores on that split, a file for each stream, in the same order (default: '
        'SPLIT_scores.npz beside each of SCORES)',
    )
    fit.add_argument('--objective', choices=OBJECTIVES, help='figure to maximise (default: top1)')
    fit.add_argument(
        '--folds', type=int, metavar='N', help='folds of the cross-validated estimate (default: 5)'
    )
    fit.add_argument('--seed', type=seed_number, metavar='N', help='seed of the folds (default: 0)')
    fit.add_argument('--no-temperature', action='store_true', default=None, help='fit weights only')
    return check_together(parser.parse_args(argv))


def check_together(args: argparse.Namespace) -> argparse.Namespace:
    """Return the options, or raise a ConfigError if they do not go together."""
    alone = [
        name for name in ('weights', 'weights_from', 'fit_on') if getattr(args, name) is not None
    ]
    if len(alone) > 1:
        raise ConfigError(
            f'{" and ".join(map(flag, alone))}: each sets the weights. Give one of them.'
        )
    if args.temperatures and (args.fit_on or args.weights_from):
        raise ConfigError(f'--temperatures: {flag(alone[0])} gives them. Leave one of the two out.')
    idle = [name for name in FIT_OPTIONS if getattr(args, name) is not None]
    if idle and args.fit_on is None:
        raise ConfigError(
            f'{flag(idle[0])}: only --fit-on uses it. Add --fit-on val, or leave it out.'
        )
    if args.fit_on and not args.ann_file:
        raise ConfigError(
            f'--fit-on {args.fit_on}: the labels of these clips are missing. Give --ann-file '
            'data/imigue_val.pkl.'
        )
    if args.fit_on in UNFIT_SPLITS:
        raise ConfigError(f'--fit-on {args.fit_on}: {UNFIT_SPLITS[args.fit_on]}. Use val.')
    return args


def published_scores(here: Path) -> list[Path]:
    """Return the published script's two inputs, or else those in the configs' work dirs."""
    folders = [here / PUBLISHED_FOLDER.format(stream) for stream in STREAMS]
    names = ('result.pkl', 'scores.npz')
    if not any(folder.is_dir() for folder in folders):
        folders, names = [here / WORK_DIR.format(stream) for stream in STREAMS], names[::-1]
    return [_first_file(folder.resolve(), names) for folder in folders]


def _first_file(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f'{folder}: holds neither {" nor ".join(names)}. Test both streams first (tools/test.py '
        'CONFIG), or name the score files: ensemble.py A/scores.npz B/scores.npz'
    )


def find(name: str, here: Path) -> Path:
    """Return a named file, perhaps with a part (FILE.pkl:pose): here, or else beside the script."""
    return next(
        (path for path in (Path(name), here / name) if split_part(path)[0].exists()), Path(name)
    )


def scores_beside(path: str, split: str) -> str:
    """Return the same scores of another split: val_scores.npz:rgb beside scores.npz:rgb."""
    file, part = split_part(path)
    other = str(file.with_name(f'{split}_scores.npz'))
    return other if part is None else f'{other}:{part}'


def known_labels(path: Path, ids: Sequence[str], num_classes: int) -> np.ndarray:
    """Return (N,) labels of the ids in an annotation file, -1 where unknown."""
    clips = open_annotations(path)
    known = dict(zip(clips.ids, clips.labels.tolist()))
    return labels_by_name(
        ids, known, num_classes, str(path), 'So there is no accuracy: leave --labels out.'
    )


def accuracy_table(named_scores: dict[str, np.ndarray], labels: np.ndarray) -> str:
    """Return a line for each stream: top-1, top-5, mean-class accuracy, macro-F1."""
    width = max(map(len, named_scores))
    lines = [f'{"":<{width}}  top-1   top-5   mean-class  macro-F1']
    for name, scores in named_scores.items():
        top1, top5, mean_class, f1 = evaluate(scores, labels, ONE_LABEL_METRICS).values()
        lines.append(f'{name:<{width}}  {top1:.4f}  {top5:.4f}  {mean_class:<10.4f}  {f1:.4f}')
    unknown = int((labels < 0).sum())
    if unknown:
        lines.append(f'({unknown} of {len(labels)} clips have no label and do not count)')
    return '\n'.join(lines)


def summary(path: Path, aligned: Aligned) -> str:
    """Return a line about the submission, with the first warnings about its ids."""
    notes = aligned.warnings[:MAX_WARNINGS]
    if len(aligned.warnings) > MAX_WARNINGS:
        notes.append(f'and {len(aligned.warnings) - MAX_WARNINGS} more such ids')
    warning = f'; warning: {"; ".join(notes)}' if notes else ''
    return f'wrote {path} ({len(aligned.ids)} rows{warning})'


def read(args: argparse.Namespace, here: Path) -> tuple[list[Scores], Aligned]:
    """Read the streams' scores, and align them by clip."""
    paths = [find(name, here) for name in args.scores] or published_scores(here)
    id_file = find(args.ids, here) if args.ids else here / ID_LIST
    use_ids = bool(args.ids) or (not args.scores and id_file.is_file())
    streams = [load_scores(path) for path in paths]
    ids = read_ids(id_file) if use_ids else None
    return streams, align(streams, ids, str(id_file), args.by_position)


def choose(
    args: argparse.Namespace, here: Path, streams: list[Scores], aligned: Aligned
) -> tuple[SavedFit, dict[str, Any] | None]:
    """Return the streams' weights and temperatures.

    Returns:
        Weights and temperatures; without the latter, scores are blended as they are. With --fit-on,
        a record of the fit comes second.
    """
    paths = tuple(stream.path for stream in streams)
    if args.fit_on:
        beside = [scores_beside(path, args.fit_on) for path in paths]
        files = {str(split_part(path)[0]) for path in beside}
        missing = sorted(file for file in files if not find(file, here).exists())
        if missing and not args.fit_scores:
            raise DataError(
                f'{some(missing)}: no such file. Test each stream on these clips first: python '
                f'tools/test.py CONFIG --split {args.fit_on}; or name its scores: --fit-scores '
                'FILE ..., one a stream.'
            )
        fit_streams = [load_scores(find(name, here)) for name in args.fit_scores or beside]
        fit, made, lines = fit_on_clips(
            fit_streams,
            streams,
            aligned,
            find(args.ann_file, here),
            args.fit_on,
            args.objective or 'top1',
            not args.no_temperature,
            5 if args.folds is None else args.folds,
            args.seed or 0,
            args.by_position,
        )
        print('\n'.join(lines))
        print(f'to repeat: {same_command(args, fit.weights, fit.temperatures)}')
        return SavedFit(paths, fit.weights, fit.temperatures), made
    if args.weights_from:
        return load_fit(find(args.weights_from, here)).for_streams(paths, args.weights_from), None
    weights = check_weights(args.weights, len(streams))
    return SavedFit(paths, weights, check_temperatures(args.temperatures, len(streams))), None


def check_temperatures(temperatures: Sequence[float] | None, num_streams: int) -> tuple[float, ...]:
    """Return a temperature above 0 for each stream, or none."""
    if temperatures is None:
        return ()
    if len(temperatures) != num_streams or not all(0 < t < float('inf') for t in temperatures):
        raise ConfigError(
            f'--temperatures {" ".join(map(str, temperatures))}: expected {num_streams} numbers '
            'above 0, one a stream.'
        )
    return tuple(temperatures)


def same_command(
    args: argparse.Namespace, weights: Sequence[float], temperatures: Sequence[float]
) -> str:
    """Return the command that gives the same submission without fitting."""
    command = [*shell_command('ensemble').split(), *args.scores]
    command += ['--weights', *map(str, weights), '--temperatures', *map(str, temperatures)]
    for name in ('ids', 'out_dir', 'labels', 'save_scores', 'format', 'coarse'):
        value = getattr(args, name)
        command += [flag(name), value] if value else []
    return shlex.join(command + ['--by-position'] * args.by_position)


def main(argv: Sequence[str], here: Path = HERE) -> None:
    """Run the command."""
    args = parse_args(argv)
    coarse = check_format(args.format, find(args.coarse, here) if args.coarse else None)
    streams, aligned = read(args, here)
    chosen, made = choose(args, here, streams, aligned)
    softened = [soften(scores, t) for scores, t in zip(aligned.scores, chosen.temperatures)]
    blended = blend(softened or aligned.scores, chosen.weights)
    for n, (weight, stream) in enumerate(zip(chosen.weights, streams)):
        temperature = f'  temperature {chosen.temperatures[n]:g}' if chosen.temperatures else ''
        how = 'position' if args.by_position or stream.ids is None else 'id'
        print(f'weight {weight:g}{temperature}  {stream.path} (matched by {how})')
    paths = [stream.path for stream in streams]
    labels, answers = None, answers_of(blended, coarse)
    if args.labels:
        labels = known_labels(find(args.labels, here), aligned.ids, blended.shape[1])
        named = dict(zip(paths, aligned.scores))
        if args.fit_on or args.weights_from:
            named['equal weights'] = np.mean([soften(scores) for scores in aligned.scores], axis=0)
        named['blend'] = blended
        print(accuracy_table(named, labels))
    mixed = [] if chosen.temperatures else mixed_kinds(paths, aligned.scores)
    for line in mixed + doubts(paths, aligned.scores, aligned.ids, labels):
        print(as_called(f'warning: {line}'))
    if args.save_scores:
        save_scores(args.save_scores, aligned.ids, blended)
        print(f'wrote {args.save_scores}')
    out_dir = Path(args.out_dir or here)
    with in_turn(out_dir / RESULTS_LOCK):
        if made is None:
            written = write_submission(out_dir, aligned.ids, answers, args.format)
        else:  # write both the submission and the fitted weights, or neither
            with atomic_write(out_dir / WEIGHTS_NAME, 'w', encoding='utf-8') as file:
                save_fit(file, chosen, made)
                written = write_submission(out_dir, aligned.ids, answers, args.format)
            print(f'wrote {out_dir / WEIGHTS_NAME}')
    print(summary(written[1], aligned))
