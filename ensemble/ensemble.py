"""Blends the scores of several streams and writes Submission.csv and Submission.zip.

    python ensemble/ensemble.py                                            the published pair: joint 0.4, limb 0.6
    python ensemble/ensemble.py A/scores.npz B/result.pkl --weights 0.4 0.6 --ids test_id.txt
    python ensemble/ensemble.py A/scores.npz B/scores.npz --labels data/imigue_val.pkl

Files that are named are looked for in the current folder, then beside this script; without names everything lies beside it.
"""
from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pyskl.annotations import read_annotations
from pyskl.errors import DataError, run_script
from pyskl.evaluation import check_labels, evaluate
from pyskl.submission import (
    Aligned,
    Scores,
    align,
    blend,
    check_weights,
    load_scores,
    read_ids,
    save_scores,
    write_submission,
)

HERE = Path(__file__).resolve().parent
STREAMS = ('joint', 'limb')
PUBLISHED_FOLDER = 'posec3d_emb20_{}'
WORK_DIR = '../work_dirs/posec3d/slowonly_r50_imigue_2dkp_emb20/{}'
ID_LIST = 'test_id.txt'
MOST_WARNINGS = 3


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add('scores', nargs='*', metavar='SCORES', help='scores.npz or result.pkl of each stream; none: the published pair')
    add('--weights', nargs='+', type=float, metavar='W', help='one a stream; default 0.4 0.6 for two')
    add('--ids', metavar='FILE', help='clip ids, one a line: the order of the answers, and of the rows of bare lists')
    add('--by-position', action='store_true', help='match rows by position, also where the files have ids')
    add('--out-dir', metavar='DIR', help="where Submission.csv and Submission.zip go; default: this script's folder")
    add('--save-scores', metavar='FILE.npz', help='write the blended scores with their ids')
    add('--labels', metavar='ANNOTATION.pkl', help='print top-1, top-5 and mean-class accuracy of each stream and the blend')
    return parser.parse_args(argv)


def published_scores(here: Path) -> list[Path]:
    """The published script's two inputs; where neither folder is there, the two published configs' work dirs."""
    folders = [here / PUBLISHED_FOLDER.format(stream) for stream in STREAMS]
    names = ('result.pkl', 'scores.npz')
    if not any(folder.is_dir() for folder in folders):
        folders, names = [here / WORK_DIR.format(stream) for stream in STREAMS], ('scores.npz', 'result.pkl')
    return [_first_file(folder.resolve(), names) for folder in folders]


def _first_file(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f'{folder}: holds neither {" nor ".join(names)}. Test both streams first (tools/test.py CONFIG), or name the '
                    'score files: ensemble.py A/scores.npz B/scores.npz')


def find(name: str, here: Path) -> Path:
    """A file the user named: in the current folder, else beside the script."""
    return here / name if not os.path.exists(name) and os.path.exists(here / name) else Path(name)


def known_labels(path: Path, ids: Sequence[str], num_classes: int) -> np.ndarray:
    """(N,) each id's label by the annotation pickle, -1 where unknown. DataError when ids, or all labels, are missing."""
    labels = {sample['frame_dir']: sample['label'] for sample in read_annotations(path)['annotations']}
    missing = [name for name in ids if name not in labels]
    if missing:
        raise DataError(f'{path}: holds no clip {missing[0]} ({len(missing)} of {len(ids)} ids are missing). '
                        'Give the annotation file that the scores were made from.')
    found = check_labels([labels[name] for name in ids], num_classes, f'{path}: labels')
    if (found < 0).all():
        raise DataError(f'{path}: none of the {len(ids)} clips has a label, so there is no accuracy. Leave --labels out.')
    return found


def accuracy_table(named_scores: dict[str, np.ndarray], labels: np.ndarray) -> str:
    """One line a stream: top-1, top-5 and mean-class accuracy."""
    width = max(map(len, named_scores))
    lines = [f'{"":<{width}}  top-1   top-5   mean-class']
    for name, scores in named_scores.items():
        figures = evaluate(scores, labels, ('top_k_accuracy', 'mean_class_accuracy')).values()
        lines.append(f'{name:<{width}}  ' + '  '.join(f'{figure:.4f}' for figure in figures))
    unknown = int((labels < 0).sum())
    return '\n'.join(lines + ([f'({unknown} of {len(labels)} clips have no label and do not count)'] if unknown else []))


def summary(path: Path, aligned: Aligned) -> str:
    """'wrote Submission.zip (4562 rows; warning: id 0453_3 appears twice, rows 4533 and 4561)'"""
    notes = aligned.warnings[:MOST_WARNINGS]
    if len(aligned.warnings) > MOST_WARNINGS:
        notes.append(f'and {len(aligned.warnings) - MOST_WARNINGS} more such ids')
    warning = f'; warning: {"; ".join(notes)}' if notes else ''
    return f'wrote {path} ({len(aligned.ids)} rows{warning})'


def read(args: argparse.Namespace, here: Path) -> tuple[list[Scores], Aligned]:
    paths = [find(name, here) for name in args.scores] or published_scores(here)
    id_file = find(args.ids, here) if args.ids else here / ID_LIST
    use_ids = bool(args.ids) or (not args.scores and id_file.is_file())
    streams = [load_scores(path) for path in paths]
    ids = read_ids(id_file) if use_ids else None
    return streams, align(streams, ids, str(id_file), args.by_position)


def main(argv: Sequence[str] | None = None, here: Path = HERE) -> None:
    args = parse_args(argv)
    streams, aligned = read(args, here)
    weights = check_weights(args.weights, len(streams))
    blended = blend(aligned.scores, weights)
    for weight, stream in zip(weights, streams):
        print(f'weight {weight:g}  {stream.path} (matched by {"position" if args.by_position or stream.ids is None else "id"})')
    if args.labels:
        named = {stream.path: scores for stream, scores in zip(streams, aligned.scores)} | {'blend': blended}
        print(accuracy_table(named, known_labels(find(args.labels, here), aligned.ids, blended.shape[1])))
    if args.save_scores:
        save_scores(args.save_scores, aligned.ids, blended)
        print(f'wrote {args.save_scores}')
    _, path = write_submission(args.out_dir or here, aligned.ids, blended.argmax(axis=1))
    print(summary(path, aligned))


if __name__ == '__main__':
    run_script(main)
