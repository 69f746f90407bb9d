"""ProtoGCN's contrastive loss against golden steps, a slow twin, and itself on two ranks."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from graph_goldens import draw, fill, golden
from torch import nn

from pyskl.models.losses import ClassContrast, class_contrast


class Head(nn.Module):
    """The published head's contrast under its key, for the weights that the key gives."""

    def __init__(self, joints=20, classes=6):
        super().__init__()
        self.csc_loss = ClassContrast(joints, classes)


def golden_loss():
    loss = fill(Head()).double().csc_loss
    loss.memory.copy_(torch.from_numpy(draw('avg_f', (256, 6))))
    return loss


def golden_graph(step):
    numbers = np.random.RandomState(70 + step).standard_normal((5, 400)).astype(np.float32)
    return torch.from_numpy(np.abs(np.float32(0.5) * numbers)).double()


def batch(clips=6, joints=3, classes=4):
    """Return a graph, scores that are right for all clips but the last two, and labels."""
    generator = torch.Generator().manual_seed(5)
    graph = torch.rand(clips, joints**2, generator=generator, dtype=torch.float64)
    label = torch.tensor([0, 1, 1, 3, 2, 0, 3, 3])[:clips]
    scores = 5.0 * nn.functional.one_hot(label, classes)
    scores[-2:] = scores[-2:].roll(1, 1)
    return graph, scores.double(), label


def small(seed=0):
    torch.manual_seed(seed)
    return ClassContrast(3, 4, dim=5).double()


def test_three_steps_are_golden():
    arrays, loss = golden('protogcn_training'), golden_loss()
    np.testing.assert_array_equal(loss.memory[:8], arrays['head/memory_start'])
    for step in range(3):
        field = f'head/step{step}'
        graph = golden_graph(step).requires_grad_()
        scores = torch.from_numpy(arrays[f'{field}/scores'])
        label = torch.from_numpy(arrays[f'{field}/label'])
        loss.zero_grad()
        value = loss(graph, scores, label)
        assert float(value) == pytest.approx(float(arrays[f'{field}/contrastive']), rel=1e-10)
        np.testing.assert_allclose(loss.memory[:8], arrays[f'{field}/memory'], rtol=1e-10)
        np.testing.assert_allclose(
            loss.memory.norm(dim=0), arrays[f'{field}/memory_norm'], rtol=1e-10
        )

        (0.2 * value).backward()  # the published weight
        for name, gradient in (
            ('graph', graph.grad),
            ('cl_fc_weight', loss.cl_fc.weight.grad),
            ('cl_fc_bias', loss.cl_fc.bias.grad),
        ):
            assert float(gradient.norm()) == pytest.approx(
                float(arrays[f'{field}/grad_{name}']), rel=1e-9
            )


def test_scores_get_no_gradient():
    loss, (graph, scores, label) = small(), batch()
    scores.requires_grad_()
    loss(graph, scores, label).backward()
    assert scores.grad is None


def test_the_memory_stays_in_testing():
    loss, (graph, scores, label) = small().eval(), batch()
    before = loss.memory.clone()
    value = loss(graph, scores, label)
    assert torch.equal(loss.memory, before) and math.isfinite(value)


def test_the_memory_is_drawn_from_torchs_seed():
    assert torch.equal(small(3).memory, small(3).memory)
    assert not torch.equal(small(3).memory, small(4).memory)


def test_autocast_changes_nothing():
    loss, (graph, scores, label) = small().float(), batch()
    graph, scores = graph.float(), scores.float()
    state = loss.training_state()
    expected = loss(graph, scores, label)
    loss.load_training_state(state)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = loss(graph, scores.bfloat16(), label)
    assert value.dtype == torch.float32 and torch.equal(value, expected)


def test_a_resumed_run_goes_on_with_the_same_memory():
    loss, (graph, scores, label) = small(), batch()
    loss(graph, scores, label)
    state = loss.training_state()
    resumed = small(9)
    resumed.load_state_dict(loss.state_dict())
    resumed.load_training_state(state)
    assert torch.equal(resumed(graph, scores, label), loss(graph, scores, label))
    assert torch.equal(resumed.memory, loss.memory)
    assert not torch.equal(state['memory'], loss.memory)  # a copy: the run went on


@pytest.mark.parametrize('state', [{}, {'memory': torch.zeros(5, 3)}])
def test_a_memory_of_another_run_is_refused(state):
    with pytest.raises(ValueError, match='expected .5, 4.'):
        small().load_training_state(state)


def two_steps(loss, rank, all_reduce):
    """Return the memory, summed gradients and own gradients of a rank after two steps."""
    graph, scores, label = batch(8)
    mine = slice(0, 5) if rank == 0 else slice(5, 8)  # unequal shares; class 3 has hits on both
    for _ in range(2):
        clips = graph[mine].clone().requires_grad_()
        (loss(clips, scores[mine], label[mine]) * len(clips) / 8).backward()
    gradients = [p.grad for p in loss.parameters()]
    for gradient in gradients:
        all_reduce(gradient)
    return [loss.memory, *gradients, clips.grad]


def assert_as_one_process(ranks):
    loss, (graph, scores, label) = small(), batch(8)
    for _ in range(2):
        clips = graph.clone().requires_grad_()
        loss(clips, scores, label).backward()
    *first, first_clips = ranks[0]
    *second, second_clips = ranks[1]
    for one, other, expected in zip(
        first, second, [loss.memory, *(p.grad for p in loss.parameters())], strict=True
    ):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, expected)
    torch.testing.assert_close(torch.cat([first_clips, second_clips]), clips.grad)


class TwoThreads:
    """torch.distributed's part that the loss uses, for two threads of this process."""

    def __init__(self):
        self.barrier, self.given = threading.Barrier(2, timeout=30), []
        self.is_available = self.is_initialized = lambda: True
        self.get_world_size = lambda: 2

    def all_reduce(self, tensor):
        self.given.append(tensor)
        self.barrier.wait()
        total = sum(self.given)
        self.barrier.wait()
        tensor.copy_(total)
        self.given = []
        self.barrier.wait()


def test_two_ranks_move_the_memory_as_one_process_with_all_clips(monkeypatch):
    ranks, losses = TwoThreads(), [small(), small()]
    monkeypatch.setattr(class_contrast, 'dist', ranks)
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(two_steps, losses[rank], rank, ranks.all_reduce) for rank in range(2)]
        shares = [future.result() for future in done]
    monkeypatch.undo()
    assert_as_one_process(shares)
