"""A backbone is compiled for each batch size; if the compiler fails, the run continues."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import nn

from pyskl.models.compiled import compile_backbone


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.second(self.first(x).relu())


class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()


@pytest.fixture
def model():
    torch._dynamo.reset()
    torch.manual_seed(0)
    return Recognizer()


def test_each_batch_size_is_compiled_once(model):
    sizes = []

    def backend(graph, inputs):
        sizes.extend(tuple(x.shape) for x in inputs if not isinstance(x, nn.Parameter))
        return graph.forward

    batches = [torch.randn(n, 3) for n in (8, 8, 5, 8, 5, 2)]
    expected = [model.backbone(x) for x in batches]
    compile_backbone(model, backend=backend)
    for x, answer in zip(batches, expected):
        assert torch.equal(model.backbone(x), answer)
    assert sizes == [(8, 3), (5, 3), (2, 3)]


def test_if_the_compiler_fails_a_warning_says_so_and_the_run_continues(model, caplog):
    def backend(graph, inputs):
        raise ValueError('Invalid ranges [0:-1]')

    x = torch.randn(8, 3)
    expected = torch.autograd.grad(model.backbone(x).sum(), model.backbone.first.weight)[0]
    compile_backbone(model, backend=backend)
    with caplog.at_level(logging.WARNING, 'pyskl'):
        for _ in range(3):
            loss = model.backbone(x).sum()
            assert torch.equal(torch.autograd.grad(loss, model.backbone.first.weight)[0], expected)
    assert len(caplog.records) == 1 and 'Invalid ranges' in caplog.text


def test_an_error_of_the_network_is_not_taken_for_one_of_the_compiler(model):
    compile_backbone(model, backend='eager')
    with pytest.raises(Exception, match='8x7|shapes'):
        model.backbone(torch.randn(8, 7))


def test_weights_keep_their_names(model):
    names = list(model.state_dict())
    compile_backbone(model, backend='eager')
    assert list(model.state_dict()) == names
