"""What only a GPU shows: those tests skip without one. Before them, what can be told of CUDA without."""
import pytest
import torch

from pyskl.engine import distributed
from pyskl.errors import ConfigError


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
