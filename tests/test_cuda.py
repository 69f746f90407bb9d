"""What only a GPU shows: those tests skip without one. Before them, what can be told of CUDA without."""
from types import SimpleNamespace

import pytest
import torch

from pyskl.engine import distributed
from pyskl.engine.machine import set_determinism
from pyskl.engine.tester import collect_scores
from pyskl.errors import ConfigError
from pyskl.heatmaps import HeatmapSpec, PoseClips
from pyskl.recipe.settings import TopLevel


@pytest.fixture
def two_gpus(monkeypatch):
    """Two GPUs that can be named and made the current one; -> those that were."""
    current = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.cuda, 'set_device', current.append)
    return current


def test_a_single_process_makes_its_gpu_the_current_one(two_gpus):
    assert distributed.start('none', 'cuda:1').device == torch.device('cuda', 1) and two_gpus == [torch.device('cuda', 1)]
    distributed.start('none', 'cpu')
    assert len(two_gpus) == 1


def test_a_gpu_that_is_not_there_is_named(two_gpus):
    with pytest.raises(ConfigError, match='cuda:2 is asked for, but this machine has 2 GPUs(.|\n)*--device cpu'):
        distributed.choose_device('cuda:2')


def test_a_test_that_names_no_device_computes_on_the_cpu(two_gpus):
    assert distributed.choose_device(None) == torch.device('cpu')


class OneBatch(list):
    """As the loader's Batches: two clips, and nothing of their labels."""

    dataset, label_embeddings = [0, 1], None
    sampler = SimpleNamespace(indices=[0, 1], most=1)


def test_testing_hands_over_clips_from_the_host():
    """There shared frames are found; on a GPU every look at them would wait for it."""
    seen = []
    clips = PoseClips(torch.rand(2, 3, 1, 4, 5, 2), torch.rand(2, 3, 1, 4, 5), (16, 16), HeatmapSpec())
    model = SimpleNamespace(training=False, eval=lambda: None, train=lambda mode: None,
                            predict=lambda imgs: seen.append(imgs) or torch.zeros(2, 3))
    ranks = distributed.Ranks(0, 1, 0, torch.device('meta'))
    scores = collect_scores(model, OneBatch([{'imgs': clips, 'index': torch.arange(2)}]), ranks, distributed.Council(ranks))
    assert seen[0] is clips and scores.shape == (2, 3)


@pytest.mark.parametrize(('settings', 'deterministic', 'tries'), [
    ({}, False, True), ({'cudnn_benchmark': False}, False, False), ({}, True, False), ({'deterministic': True}, False, False)])
def test_cudnn_tries_its_algorithms_unless_told_otherwise(monkeypatch, settings, deterministic, tries):
    monkeypatch.setattr(torch, 'use_deterministic_algorithms', lambda *args, **kwargs: None)
    recipe = TopLevel(**settings)
    with torch.backends.cudnn.flags():          # as before when it ends
        set_determinism(deterministic or recipe.deterministic, recipe.cudnn_benchmark)
        assert torch.backends.cudnn.benchmark is tries
