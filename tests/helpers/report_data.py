"""Work dirs as after training and testing: synthetic clips and scores, a config, a log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pyskl.annotations import About, make_annotation, write_annotations
from pyskl.labels import IMIGUE_LABELS
from pyskl.recipe.dump import dump_config
from pyskl.scores.score_file import save_scores
from pyskl.sources.synthetic.writing import make_split

NUM_CLASSES = 32


def write_clips(path: Path, num_clips: int, names: Sequence[str] | None = None) -> np.ndarray:
    """An annotation pickle of made-up micro-gestures; returns their labels."""
    split = make_split(num_clips, 0)
    raw = np.concatenate(list(split.chunks()))  # (N, 3, T, V, M)
    names = split.names if names is None else names
    clips = [
        make_annotation(
            name,
            clip[:2].transpose(3, 1, 2, 0),
            clip[2].transpose(2, 0, 1),
            int(label),
            img_shape=(1080, 1920),
        )
        for name, clip, label in zip(names, raw, split.labels)
    ]
    write_annotations(path, {'test': list(names)}, clips, about=About(IMIGUE_LABELS, 'imigue22'))
    return split.labels


def made_up_scores(
    labels: np.ndarray, num_classes: int = NUM_CLASSES, skill: float = 2.5, seed: int = 0
) -> np.ndarray:
    """Return (N, K) probabilities that confuse a class with the next one, sometimes with any."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(labels), num_classes))
    for shift, boost in ((0, skill), (1, skill / 2)):
        logits[np.arange(len(labels)), (labels + shift) % num_classes] += boost
    odds = np.exp(logits)
    return (odds / odds.sum(1, keepdims=True)).astype(np.float32)


def log_rows() -> list[dict]:
    """A log of 3 epochs of 40 steps."""
    rows: list[dict] = [{'config_name': 'joint.py', 'seed': 0}]
    for epoch in (1, 2, 3):
        for step in (10, 20, 30, 40):
            at = epoch - 1 + step / 40
            rows.append(
                {
                    'mode': 'train',
                    'epoch': epoch,
                    'iter': step,
                    'lr': 0.1 / (1 + at),
                    'data_time': 0.02,
                    'top1_acc': at / 4,
                    'top5_acc': at / 3,
                    'loss_cls': 3 / (1 + at),
                    'loss_emb': 1 / (1 + at),
                    'loss': 4 / (1 + at),
                    'time': 0.3,
                }
            )
        rows.append(
            {
                'mode': 'val',
                'epoch': epoch,
                'iter': 5,
                'lr': 0.1,
                'top1_acc': epoch / 5,
                'mean_class_accuracy': epoch / 6,
            }
        )
    return rows


def write_work_dir(
    folder: Path, name: str, ann_file: Path, ids: Sequence[str], scores: np.ndarray, **test: object
) -> Path:
    """Write a work dir with scores.npz, a config dump and a log; `test` becomes data.test."""
    work_dir = folder / name
    work_dir.mkdir(parents=True, exist_ok=True)
    save_scores(work_dir / 'scores.npz', ids, scores)
    config = {
        'data': {
            'train': {'type': 'PoseDataset', 'ann_file': str(folder / 'nowhere.pkl')},
            'test': {'type': 'PoseDataset', 'ann_file': str(ann_file), **test},
        },
        'work_dir': str(work_dir),
    }
    (work_dir / f'{name}.py').write_text(dump_config(config))
    (work_dir / '20260101_000000.log.json').write_text(
        ''.join(json.dumps(row) + '\n' for row in log_rows())
    )
    return work_dir


def small_clips(names: Sequence[str]) -> list[dict]:
    """Clips of two classes and three joints."""
    rng = np.random.default_rng(0)
    size = (100, 100)
    return [
        make_annotation(name, rng.uniform(1, 99, (4, 3, 2)), label=i % 2, img_shape=size)
        for i, name in enumerate(names)
    ]


def small_work_dir(folder: Path, skeletons: Sequence) -> Path:
    """Work dir `own` over eight small clips, whose pipeline draws limbs."""
    names = [f'c{i}' for i in range(8)]
    write_annotations(folder / 'own.pkl', {}, small_clips(names))
    pipeline = [{'type': 'GeneratePoseTarget', 'skeletons': skeletons}]
    scores = made_up_scores(np.arange(8) % 2, num_classes=2)
    return write_work_dir(folder, 'own', folder / 'own.pkl', names, scores, pipeline=pipeline)


def two_streams(
    folder: Path, num_clips: int = 160, names: Sequence[str] | None = None
) -> list[Path]:
    """Work dirs joint and limb over the same made-up clips."""
    ann_file = folder / 'test.pkl'
    labels = write_clips(ann_file, num_clips, names=names)
    ids = make_split(num_clips, 0).names if names is None else names
    return [
        write_work_dir(folder, name, ann_file, ids, made_up_scores(labels, seed=seed))
        for seed, name in enumerate(('joint', 'limb'))
    ]


def data_of(page: Path) -> dict:
    """The JSON that a page carries."""
    text = (
        page.read_text(encoding='utf-8')
        .split('<script type="application/json" id="data">')[1]
        .split('</script>')[0]
    )
    return json.loads(text)
