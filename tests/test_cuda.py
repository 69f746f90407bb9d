"""What only a GPU shows: those tests skip without one. Before them, what can be told of CUDA
without.
"""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from kill_training import same
from published_model import small
from recipe_weights import fill, sparse_volume
from run_files import rows
from tiny import problem, write_config, write_data

from pyskl.apis import TestOptions, TrainOptions, test, train
from pyskl.engine import distributed
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.engine.collectives import Collectives
from pyskl.engine.machine import set_determinism
from pyskl.engine.tester import collect_scores
from pyskl.errors import ConfigError
from pyskl.inputs.heatmaps import Heatmaps, HeatmapSpec
from pyskl.models import build_model, speed_up
from pyskl.models.input_stage import BYTES_PER_INPUT_BYTE, CUDA_SHARE, Target, volumes_at_once
from pyskl.recipe.settings import TopLevel

GPU = 'cuda'
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
ADAMW = "optimizer = dict(type='AdamW', lr=0.001)\n"
KEEP = 'checkpoint_config = dict(by_epoch=False, interval=3)\n'


@pytest.fixture
def two_gpus(monkeypatch):
    """Two GPUs that can be named and made the current one; -> those that were."""
    current = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.cuda, 'set_device', current.append)
    return current


def test_a_single_process_makes_its_gpu_the_current_one(two_gpus):
    gpu = distributed.start('none', 'cuda:1').device
    distributed.start('none', 'cpu')
    assert gpu == torch.device('cuda', 1) and two_gpus == [gpu]


def test_a_gpu_that_is_not_there_is_named(two_gpus):
    with pytest.raises(ConfigError, match='cuda:2 .* this machine has 2 GPUs.*--device cpu'):
        distributed.choose_device('cuda:2')


def test_a_test_that_names_no_device_computes_on_the_cpu(two_gpus):
    assert distributed.choose_device(None) == torch.device('cpu')


class OneBatch(list):
    """As the loader's Batches: two clips, and nothing of their labels."""

    dataset = [0, 1]
    sampler = SimpleNamespace(indices=[0, 1], most=1)


def test_testing_keeps_the_clips_on_the_host_too():
    """There shared frames are found; on a GPU every look at them would wait for it."""
    seen = []
    clips = Heatmaps(
        torch.rand(2, 3, 1, 4, 5, 2), torch.rand(2, 3, 1, 4, 5), (16, 16), HeatmapSpec()
    )
    model = SimpleNamespace(
        training=False,
        eval=lambda: None,
        train=lambda mode: None,
        predict=lambda batch: seen.append(batch['imgs']) or {'score': torch.zeros(2, 3)},
    )
    ranks = distributed.Ranks(0, 1, 0, torch.device('meta'))
    answers = collect_scores(
        model,
        OneBatch([{'imgs': clips, 'index': torch.arange(2)}]),
        Collectives(ranks),
    )
    assert seen[0].host is clips and seen[0].device.type == 'meta'
    assert answers['score'].shape == (2, 3)


@pytest.mark.parametrize(
    ('settings', 'deterministic', 'tries'),
    [
        ({}, False, True),
        ({'cudnn_benchmark': False}, False, False),
        ({}, True, False),
        ({'deterministic': True}, False, False),
    ],
)
def test_cudnn_tries_its_algorithms_unless_told_otherwise(
    monkeypatch, settings, deterministic, tries
):
    monkeypatch.setattr(torch, 'use_deterministic_algorithms', lambda *args, **kwargs: None)
    recipe = TopLevel(**settings)
    with torch.backends.cudnn.flags():  # as before when it ends
        set_determinism(deterministic or recipe.deterministic, recipe.cudnn_benchmark)
        assert torch.backends.cudnn.benchmark is tries


@pytest.mark.parametrize(('free', 'views'), [(0, 1), (10 * 2**30, 12), (2**40, 20)])
def test_a_gpu_takes_the_views_that_fit_and_none_beyond_32_bits(monkeypatch, free, views):
    monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda device: (free, 2**40))
    monkeypatch.setattr(torch.cuda, 'memory_reserved', lambda device: 0)
    monkeypatch.setattr(torch.cuda, 'memory_allocated', lambda device: 0)
    imgs = Heatmaps(
        torch.zeros(1, 50, 1, 48, 23, 2), torch.zeros(1, 50, 1, 48, 23), (90, 90), HeatmapSpec()
    )
    elements = 23 * 48 * 90 * 90 * BYTES_PER_INPUT_BYTE
    found = volumes_at_once(imgs, Target(torch.device('cuda'), torch.float32, True), None)
    assert found == views
    assert found == 1 or found * elements < 2**31 and found * elements * 4 <= free * CUDA_SHARE


# -- on a GPU --------------------------------------------------------------------------------------


@pytest.fixture
def exact():
    """Training on both devices in full float32 and without chance: no TF32, no dropout. -> options,
    settings of the config
    """
    yield {'deterministic': True}, ['model.cls_head.dropout=0.0']
    torch.use_deterministic_algorithms(False)


def is_fused(checkpoint):
    return checkpoint['optimizer']['param_groups'][0]['fused']


def trained(config, work_dir, device, cfg_options=(), **options):
    """The loss of each row that a training logs, and its last checkpoint."""
    options = TrainOptions(work_dir=str(work_dir), device=device, validate=False, **options)
    train(config, options, list(cfg_options))
    losses = [row['loss'] for row in rows(work_dir, 'train')]
    return losses, read_checkpoint(work_dir / 'latest.pth')


@needs_gpu
@pytest.mark.parametrize('limbs', [False, True])
def test_a_gpu_learns_and_answers_as_the_cpu(tmp_path, exact, limbs):
    write_data(tmp_path)
    config = write_config(tmp_path, limbs=limbs)
    options, settings = exact
    losses, checkpoint = trained(config, tmp_path / 'cpu', 'cpu', settings, **options)
    found, again = trained(config, tmp_path / 'gpu', GPU, settings, **options)
    assert found == pytest.approx(losses, rel=5e-3)
    assert is_fused(again) and not is_fused(checkpoint)
    scores = [
        test(config, TestOptions(work_dir=str(tmp_path / 'cpu'), device=device), settings).scores
        for device in ('cpu', GPU)
    ]
    assert np.abs(scores[0] - scores[1]).max() < 1e-3


@needs_gpu
@pytest.mark.parametrize('amp', ['bf16', 'fp16'])
@pytest.mark.parametrize('optimizer', ['', ADAMW])
def test_half_precision_learns_as_float32(tmp_path, exact, amp, optimizer):
    config, settings = problem(tmp_path, extra=optimizer), exact[1]
    losses, _ = trained(config, tmp_path / 'float32', GPU, settings)
    found, checkpoint = trained(config, tmp_path / amp, GPU, settings, amp=amp)
    assert found[0] == pytest.approx(losses[0], rel=0.05)
    assert all(value.isfinite().all() for value in checkpoint['state_dict'].values())
    options = TestOptions(work_dir=str(tmp_path / amp), device=GPU, amp=amp)
    assert np.isfinite(test(config, options, settings).scores).all()


@needs_gpu
@pytest.mark.parametrize('amp', [None, 'fp16'])
def test_a_deterministic_run_goes_on_with_the_same_bits(tmp_path, exact, amp):
    config = problem(tmp_path, extra=KEEP)
    options = {**exact[0], 'amp': amp}
    _, whole = trained(config, tmp_path / 'run', GPU, **options)
    (tmp_path / 'cut').mkdir()
    shutil.copy(tmp_path / 'run' / 'iter_6.pth', tmp_path / 'cut')
    _, again = trained(config, tmp_path / 'cut', GPU, **options)
    assert same(whole['state_dict'], again['state_dict'])


@needs_gpu
def test_a_run_of_the_cpu_goes_on_on_a_gpu(tmp_path, exact):
    """Not fused there, fused here: the steps that AdamW has counted come onto the GPU."""
    options, settings = exact
    config = problem(tmp_path, extra=ADAMW + KEEP)
    losses, _ = trained(config, tmp_path / 'run', 'cpu', settings, **options)
    options['resume'] = str(tmp_path / 'run' / 'iter_6.pth')
    found, checkpoint = trained(config, tmp_path / 'gpu', GPU, settings, **options)
    assert found == pytest.approx(losses[-len(found) :], rel=1e-2) and is_fused(checkpoint)


@needs_gpu
def test_workers_change_nothing_of_what_a_gpu_learns(tmp_path, exact):
    """Their batches come through pinned memory: nothing is read before it has arrived."""
    config = problem(tmp_path)
    losses, _ = trained(config, tmp_path / 'alone', GPU, **exact[0])
    found, _ = trained(config, tmp_path / 'workers', GPU, ['data.workers_per_gpu=2'], **exact[0])
    assert found == losses


@needs_gpu
@pytest.mark.slow
def test_a_compiled_network_learns_and_answers_alike(tmp_path, exact):
    config, (options, settings) = problem(tmp_path), exact
    losses, _ = trained(config, tmp_path / 'plain', GPU, settings, **options)
    found, _ = trained(config, tmp_path / 'compiled', GPU, settings, compile=True, **options)
    assert found == pytest.approx(losses, rel=1e-2)
    options = TestOptions(work_dir=str(tmp_path / 'plain'), device=GPU)
    scores = [
        test(config, replace(options, compile=compile), settings).scores
        for compile in (False, True)
    ]
    assert np.abs(scores[0] - scores[1]).max() < 1e-3


@needs_gpu
def test_both_memory_layouts_give_a_gpu_the_same_answer():
    model = speed_up(fill(build_model(small())).eval().to(GPU))
    imgs = sparse_volume(0, (2, 1, 3, 8, 20, 20))
    with torch.backends.cudnn.flags(allow_tf32=False):
        scores = model.predict({'imgs': imgs})['score']
        model.channels_last = False
        again = model.predict({'imgs': imgs})['score']
    torch.testing.assert_close(again, scores, atol=1e-4, rtol=1e-4)
