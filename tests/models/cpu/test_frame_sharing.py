"""Repeated frames of a training batch pass once, and BatchNorm counts them: the same step."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from published_model import small
from recipe_weights import fill
from torch import nn

from pyskl.inputs.heatmaps import Heatmaps, HeatmapSpec
from pyskl.models import build_model, speed_up
from pyskl.models.cpu.conv3d_as_2d import Conv3dAs2d
from pyskl.models.cpu.exact_batch_norm import (
    ExactBatchNorm2d,
    ExactBatchNorm3d,
    counting_frames,
    frame_counts,
)
from pyskl.models.cpu.frame_sharing import RepeatedFrames
from pyskl.models.cpu.joined_conv import JoinedConv
from pyskl.models.cpu.sparse_conv import SparseConv3d
from pyskl.models.input_stage import Target

CPU = Target(torch.device('cpu'), torch.float32, channels_last=True)
PARTS = {'conv_cfg': {'type': Conv3dAs2d}, 'norm_cfg': {'type': ExactBatchNorm3d}}
RELU = {'type': 'ReLU', 'inplace': True}


@pytest.fixture
def model():
    return speed_up(fill(build_model(small(head={'dropout': 0.0})))).train()


def short_clips(
    lengths=(6, 4, 9), clip_len=12, people=1, double=False, motion=False, limbs=False, seed=0
):
    """Clips with this many frames of people, padded with missing joints at varying places."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 16, (len(lengths), 1, people, clip_len, 3, 2)).astype(np.float32)
    score = rng.uniform(0.2, 1, (len(lengths), 1, people, clip_len, 3)).astype(np.float32)
    for i, length in enumerate(lengths):
        xy[i, ..., length:, :, :], score[i, ..., length:, :] = i, 0
    what = {'with_kp': not limbs, 'with_limb': limbs, 'skeletons': ((0, 1), (1, 2), (0, 2))}
    spec = HeatmapSpec(double=double, left_kp=(1,), right_kp=(2,), motion=motion, **what)
    return Heatmaps(torch.from_numpy(xy), torch.from_numpy(score), (16, 16), spec)


def looped_clips(seed=0):
    """Two clips whose 7 frames come once or twice each, as sampling 12 of 7 gives them."""
    clips = short_clips(lengths=(7, 7), clip_len=7, seed=seed)
    frames = torch.arange(3, 15) % 7
    return replace(
        clips,
        keypoint=clips.keypoint[:, :, :, frames],
        keypoint_score=clips.keypoint_score[:, :, :, frames],
    )


def layers(kind: str) -> nn.Module:
    torch.manual_seed(0)
    if kind == 'joined':
        made = JoinedConv(2, 8, 1, (1, 2, 2), bias=False, act_cfg=RELU, **PARTS)
    else:
        made = ExactBatchNorm3d(8) if kind == 'frames' else ExactBatchNorm2d(8)
    norm = made.bn if kind == 'joined' else made
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.normal_(norm.bias)
    return made


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(['frames', 'people', 'joined']),
    times=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    seed=st.integers(0, 99),
)
def test_batch_norm_counts_frames_as_if_each_were_there_for_itself(kind, times, seed):
    made, times = layers(kind), sorted(times)
    repeats = torch.tensor(times)
    torch.manual_seed(seed)
    if kind == 'people':
        axis, layout, shape = 0, torch.channels_last, (len(times), 8, 5, 4)
    else:
        channels = 2 if kind == 'joined' else 8
        axis, layout, shape = 2, torch.channels_last_3d, (1, channels, len(times), 5, 4)
    x = (torch.randn(shape) + 1).contiguous(memory_format=layout).requires_grad_()
    x_twin, twin = x.detach().double().requires_grad_(), copy.deepcopy(made).double()
    if kind == 'people':  # the others are exact in float32 alone, and torch's own otherwise
        twin.__class__ = nn.BatchNorm2d
    expected = twin(x_twin.repeat_interleave(repeats, axis))
    with counting_frames(made, frame_counts(times)):
        out = made(x).repeat_interleave(repeats, axis)
    grad = torch.randn_like(expected)
    ours = torch.autograd.grad(out, [x, *made.parameters()], grad.float())
    theirs = torch.autograd.grad(expected, [x_twin, *twin.parameters()], grad)
    found, wanted = [out, *made.buffers(), *ours], [expected, *twin.buffers(), *theirs]
    for a, b in zip(found, wanted, strict=True):
        bound = 1e-4 * (1 + float(b.detach().abs().max()))
        torch.testing.assert_close(a.double(), b.double(), rtol=1e-4, atol=bound)


def test_layers_count_once_again_after_an_error():
    made = layers('joined')
    with pytest.raises(KeyError), counting_frames(made, ((slice(0, 1), 3),)):
        assert made.bn.frame_counts == ((slice(0, 1), 3),)
        raise KeyError
    assert made.bn.frame_counts is None


def step(model, clips):
    """Losses, gradients and buffers of one training step of a copy."""
    model = copy.deepcopy(model)
    label = torch.arange(len(clips)) % 5
    losses = model(imgs=clips, label=label, emb=torch.ones(len(clips), 6))
    (losses['loss_cls'] + losses['loss_emb']).backward()
    return losses, {n: p.grad for n, p in model.named_parameters()}, dict(model.named_buffers())


@pytest.mark.parametrize(
    'clips',
    [
        short_clips(),
        short_clips(limbs=True),
        short_clips(people=2),
        looped_clips(),
        short_clips((0, 0, 12)),
    ],
)
def test_a_training_step_is_the_same_as_with_each_frame_for_itself(model, clips, monkeypatch):
    frames, passed = [], SparseConv3d.forward  # of the stem
    monkeypatch.setattr(
        SparseConv3d,
        'forward',
        lambda self, x: frames.append(x.shape[0] * x.shape[2]) or passed(self, x),
    )
    losses, grads, buffers = step(model, clips)
    monkeypatch.setattr(RepeatedFrames, 'of', lambda *args: None)
    plain_losses, plain_grads, plain_buffers = step(model, clips)
    assert frames[0] < 0.95 * frames[1] and frames[1] == len(clips) * 12
    torch.testing.assert_close(losses, plain_losses, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(buffers, plain_buffers, rtol=1e-4, atol=1e-5)
    # Rounding decides whether ReLU passes values close to zero: a few numbers may differ.
    errors = [
        float((grads[name] - grad).norm() / (grad.norm() + 1e-6))
        for name, grad in plain_grads.items()
    ]
    assert max(errors) < 0.01 and np.median(errors) < 1e-4


def test_frames_are_sorted_by_how_often_they_occur_and_empty_ones_are_one(model):
    once_or_twice = RepeatedFrames.of(looped_clips(), model.backbone, CPU)
    assert once_or_twice.frame_counts == ((slice(0, 4), 1), (slice(4, 14), 2))
    padded = RepeatedFrames.of(short_clips(), model.backbone, CPU)
    assert padded.frame_counts == ((slice(0, 19), 1), (slice(19, 20), 6 + 8 + 3))
    assert padded.network.num_stages == 1


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    people=st.integers(1, 2),
    limbs=st.booleans(),
    seed=st.integers(0, 99),
)
def test_the_distinct_frames_put_together_are_the_clips(lengths, people, limbs, seed):
    clips = short_clips(tuple(lengths), people=people, limbs=limbs, seed=seed)
    repeated = RepeatedFrames.of(clips, speed_up(build_model(small())).train().backbone, CPU)
    if repeated is None:
        assert sum(lengths) + 1 > 0.95 * 12 * len(lengths)
        return
    drawn = repeated.frames.heatmaps.draw()[0, 0].transpose(0, 1)  # (F, C, H, W)
    assert torch.equal(drawn[repeated.frames.index].transpose(1, 2), clips.draw()[:, 0])


@pytest.mark.parametrize(
    'change',
    [
        {'clips': short_clips((12, 11, 12))},
        {'clips': short_clips(double=True)},
        {'clips': short_clips(motion=True)},
        {'backbone': {'with_cp': True}},
        {'backbone': {'conv1_kernel': (3, 7, 7)}},
        {'backbone': {'norm_cfg': {'type': 'GN', 'num_groups': 2}}},
        {'target': replace(CPU, dtype=torch.bfloat16)},
        {'target': replace(CPU, device=torch.device('cuda'))},
        {'target': replace(CPU, channels_last=False)},
        {'hook': True},
        {'compiled': True},
    ],
    ids=str,
)
def test_what_has_few_repeats_or_cannot_count_takes_the_plain_way(change):
    backbone = speed_up(build_model(small(backbone=change.get('backbone')))).train().backbone
    if 'hook' in change:
        backbone.layer1.register_forward_hook(lambda layer, args, out: None)
    if 'compiled' in change:
        backbone.compile(backend='eager')
    assert (
        RepeatedFrames.of(change.get('clips', short_clips()), backbone, change.get('target', CPU))
        is None
    )


def test_without_gradients_and_when_clips_are_mixed_the_plain_way_is_taken(model, monkeypatch):
    with torch.no_grad():
        assert RepeatedFrames.of(short_clips(), model.backbone, CPU) is None
    mixed = speed_up(build_model(small() | {'train_cfg': {'mixup': 0.2}})).train()
    monkeypatch.setattr(
        RepeatedFrames, 'of', lambda *args: pytest.fail('mixed clips share no frames')
    )
    step(mixed, short_clips())
