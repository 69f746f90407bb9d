"""What makes training fast must not change what is learnt: a short run under each setting ends
within the noise of float32.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
from tiny import ROOT, script

from pyskl.annotations import read_annotations
from pyskl.apis import TestOptions, TrainOptions, test, train
from pyskl.datasets import ClipDataset, PoseDataset
from pyskl.evaluation import top_k_accuracy

pytestmark = pytest.mark.slow
CONFIG = ROOT / 'configs' / 'ablation' / 'joint.py'
SEEDS = (0, 1, 2)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """640 training and 200 test clips of made-up people."""
    folder = tmp_path_factory.mktemp('demo')
    sizes = '--num-train 640 --num-val 64 --num-test 200'
    script('make_demo_data').main([str(folder / 'raw'), *sizes.split()])
    script('readlabel').main(['--data-dir', str(folder / 'raw'), '--out-dir', str(folder)])
    return folder


def figures(data, work_dir, seed=0, cfg_options=(), **options):
    """(top-1, mean log-likelihood) on the test clips after two epochs."""
    files = [
        f'data.{split}.ann_file={data}/imigue_{split}.pkl' for split in ('train', 'val', 'test')
    ]
    short = ['total_epochs=2', 'optimizer.lr=0.006', 'evaluation.interval=2']
    cfg_options = [*files, *short, *cfg_options]
    train(CONFIG, TrainOptions(work_dir=str(work_dir), seed=seed, **options), cfg_options)
    scores = test(CONFIG, TestOptions(work_dir=str(work_dir)), cfg_options).scores
    clips = read_annotations(data / 'imigue_test.pkl')['annotations']
    labels = np.array([clip['label'] for clip in clips])
    likelihood = np.log(scores[np.arange(len(labels)), labels] + 1e-9).mean()
    return top_k_accuracy(scores, labels)[0], float(likelihood)


@pytest.fixture(scope='module')
def float32(data, tmp_path_factory):
    """The figures of plain float32 training, one row a seed."""
    return np.array([figures(data, tmp_path_factory.mktemp(f'seed{seed}'), seed) for seed in SEEDS])


def assert_within_noise(found, float32):
    """Within three standard deviations of the seeds, but at least 8 points of 100 and 0.25 of
    log-likelihood: three seeds tell little.
    """
    allowed = np.maximum(3 * float32.std(0, ddof=1), (0.08, 0.25))
    assert (np.abs(np.array(found) - float32.mean(0)) <= allowed).all(), (
        f'{found}, float32 has {float32.tolist()}'
    )


def test_float32_learns_something(float32):
    assert float32[:, 0].min() > 0.15  # chance is 0.03


def test_contiguous_volumes_and_3d_convolutions_learn_the_same(
    data, float32, tmp_path, monkeypatch
):
    for name in ('train', 'test'):
        monkeypatch.setattr(sys.modules[f'pyskl.apis.{name}'], 'speed_up', lambda model: model)
    assert_within_noise(figures(data, tmp_path), float32)


def test_drawing_in_the_loader_learns_the_same(data, float32, tmp_path, monkeypatch):
    monkeypatch.setattr(PoseDataset, 'sample', ClipDataset.sample)  # what dataset[i] gives: drawn
    assert_within_noise(figures(data, tmp_path, cfg_options=['data.workers_per_gpu=1']), float32)


@pytest.mark.parametrize('options', [dict(amp='bf16'), dict(compile=True)], ids=str)
def test_bf16_and_compiled_networks_learn_the_same(data, float32, tmp_path, options):
    assert_within_noise(figures(data, tmp_path, **options), float32)
