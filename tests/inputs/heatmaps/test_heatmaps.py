"""The fast renderers against the slow, obvious one, and properties of pictures of people."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pyskl.errors import ConfigError, DataError
from pyskl.inputs.heatmaps import Heatmaps, HeatmapSpec, render_cpu, render_gpu
from pyskl.inputs.heatmaps.geometry import make_segments
from pyskl.inputs.heatmaps.reference import render_slowly
from pyskl.inputs.heatmaps.render import blank

V = 5
LIMBS = ((0, 1), (1, 2), (3, 2), (0, 4))
JOINT = HeatmapSpec(left_kp=(1, 3), right_kp=(2, 4))
LIMB = dataclasses.replace(
    JOINT, with_kp=False, with_limb=True, skeletons=LIMBS, left_limb=(0,), right_limb=(2,)
)
BOTH = dataclasses.replace(LIMB, with_kp=True)


@st.composite
def pictures(draw, spec=None):
    """Draw keypoint (M, T, V, 2), score (M, T, V), (H, W), spec: people inside and outside."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    people, frames = draw(st.integers(0, 4)), draw(st.integers(1, 3))
    size = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    spec = spec or draw(st.sampled_from([JOINT, LIMB, BOTH]))
    spec = dataclasses.replace(
        spec,
        sigma=draw(st.sampled_from([0.3, 0.6, 1.0, 2.5])),
        use_score=draw(st.booleans()),
        motion=draw(st.booleans()),
        scaling=draw(st.sampled_from([1.0, 1.0, 0.5, 1.7])),
        double=draw(st.booleans()),
    )
    reach = draw(
        st.sampled_from([0.5, 1.0, 2.0])
    )  # 0.5: all in the middle; 2: half of the joints outside
    keypoint = ((rng.random((people, frames, V, 2)) - 0.5) * reach + 0.5) * np.array(
        [size[1], size[0]]
    )
    score = rng.random((people, frames, V))
    keypoint[rng.random(score.shape) < 0.1] = 0
    score[rng.random(score.shape) < 0.2] = 0
    score[rng.random(score.shape) < 0.05] = 1e-3
    if draw(st.booleans()):  # limbs of less than a pixel
        keypoint[:, :, 1] = keypoint[:, :, 0] + draw(st.sampled_from([0, 0.4, 0.75]))
    if draw(st.booleans()):
        keypoint = keypoint.round()  # box edges that fall on pixels, limbs along the axes
    keypoint[rng.random(keypoint.shape) < 0.05] = draw(st.sampled_from([0, math.nan, 3e30]))
    score[rng.random(score.shape) < 0.05] = draw(st.sampled_from([0, math.nan, math.inf]))
    return keypoint.astype(np.float32), score.astype(np.float32), size, spec


def one_clip(keypoint, score, size, spec) -> Heatmaps:
    numbers = (torch.from_numpy(values)[None, None] for values in (keypoint, score))
    return Heatmaps(*numbers, size, spec)


def random_clips(spec, batch=1, views=2, people=1, size=20) -> Heatmaps:
    shape = (batch, views, people, 3, V)
    return Heatmaps(torch.rand(*shape, 2) * size, torch.rand(shape), (size, size), spec)


def near(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal except for the last bits: vectorised arithmetic rounds by the place in a batch."""
    return a.shape == b.shape and torch.allclose(a, b, rtol=0, atol=1e-6)


def assert_same(ours: torch.Tensor, slow: np.ndarray) -> None:
    """Equal but for float32 rounding, which grows with the coordinates."""
    assert ours.shape == slow.shape
    assert not ours.isnan().any()
    assert np.abs(ours.numpy() - slow).max(initial=0) < 2e-5


def unset(*args) -> torch.Tensor:
    """Memory as a GPU hands it out: whatever is not written is NaN."""
    return blank(*args).fill_(math.nan)


@pytest.mark.parametrize('as_on_gpu', [False, True])
@given(pictures())
@settings(max_examples=100, deadline=None)
def test_drawing_equals_the_slow_twin(as_on_gpu, picture):
    keypoint, score, size, spec = picture
    slow = render_slowly(keypoint, score, size, spec)
    clips = one_clip(keypoint, score, size, spec)
    views = slow.reshape(clips.num_views, -1, *slow.shape[1:]).swapaxes(1, 2)
    with pytest.MonkeyPatch.context() as patch:
        if as_on_gpu:
            patch.setattr(render_cpu, 'fits', lambda size, sigma: False)
            patch.setattr('pyskl.inputs.heatmaps.batch.blank', unset)
        assert_same(clips.draw()[0], views)


@given(pictures(), st.integers(1, 3), st.integers(1, 3), st.data())
@settings(max_examples=60, deadline=None)
def test_drawing_chunks_of_views_equals_drawing_all(picture, num_samples, num_clips, data):
    keypoint, score, size, spec = picture
    rng = np.random.default_rng(0)
    many = torch.from_numpy(
        np.stack([[keypoint * rng.random() for _ in range(num_clips)] for _ in range(num_samples)])
    )
    clips = Heatmaps(
        many.float(),
        torch.from_numpy(score).expand(num_samples, num_clips, *score.shape).contiguous(),
        size,
        spec,
    )
    whole = clips.draw()
    assert whole.shape == clips.shape and clips.num_views == num_clips * (1 + spec.double)
    first = data.draw(st.integers(0, clips.num_views))
    last = data.draw(st.integers(first, clips.num_views))
    assert near(clips.draw(slice(first, last)), whole[:, first:last])
    assert near(torch.cat([clips.draw(slice(v, v + 1)) for v in range(clips.num_views)], 1), whole)


@given(pictures())
@settings(max_examples=60, deadline=None)
def test_layout_and_dtype_change_where_values_lie_and_not_what_they_are(picture):
    clips = one_clip(*picture)
    plain, last = clips.draw(), clips.draw(channels_last=True)
    assert torch.equal(plain, last) and torch.equal(plain, clips.draw(frames_first=True))
    assert last.flatten(0, 1).is_contiguous(memory_format=torch.channels_last_3d)
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        assert torch.equal(clips.draw(dtype=dtype), plain.to(dtype))


def test_collating_pads_with_nobody():
    one, three = (random_clips(JOINT, people=people) for people in (1, 3))
    for use_score in (
        True,
        False,
    ):  # with use_score=False everybody has a peak of 1, nobody has not
        samples = [
            dataclasses.replace(c, spec=dataclasses.replace(JOINT, use_score=use_score))
            for c in (one, three)
        ]
        batch = Heatmaps.collate(samples)
        assert len(batch) == 2 and batch.shape == (2, 2, V, 3, 20, 20)
        assert near(batch.draw(), torch.cat([clips.draw() for clips in samples]))


def test_samples_that_do_not_go_together_are_refused():
    one = random_clips(JOINT)
    fewer = {'keypoint': one.keypoint[:, :1], 'keypoint_score': one.keypoint_score[:, :1]}
    for change, what in (
        ({'size': (20, 24)}, 'picture size'),
        ({'spec': LIMB}, 'settings'),
        (fewer, 'clips'),
    ):
        other = dataclasses.replace(one, **change)
        with pytest.raises(DataError, match=f'sample 1 has .*{what}'):
            Heatmaps.collate([one, other])


def test_clips_can_be_pickled_and_specs_compared():
    clips = random_clips(LIMB)
    again = pickle.loads(pickle.dumps(clips))
    assert (
        torch.equal(again.draw(), clips.draw())
        and again.spec == clips.spec
        and hash(again.spec) == hash(LIMB)
    )


@pytest.mark.parametrize(
    'spec, message',
    [
        (HeatmapSpec(left_kp=(1, 2), right_kp=(2, 3), double=True), 'two pairs'),
        (HeatmapSpec(double=True), 'outside 0..4'),
        (HeatmapSpec(left_kp=(1,), right_kp=(), double=True), 'as many of each'),
        (HeatmapSpec(with_limb=True, double=True), 'skeletons names joint 16'),
    ],
)
def test_pairs_that_do_not_fit_the_joints_are_named(spec, message):
    clips = random_clips(spec, size=20)
    with pytest.raises(ConfigError, match=message):
        clips.draw()


def test_blank_memory_is_zero_in_every_layout():
    for layout in ({}, {'channels_last': True}, {'frames_first': True}):
        for dtype in (
            torch.float32,
            torch.bfloat16,
            torch.float16,
            torch.float64,
            torch.float8_e4m3fn,
        ):
            out = blank((1, 2, 3, 4, 5, 6), dtype, torch.device('cpu'), **layout)
            assert out.shape == (1, 2, 3, 4, 5, 6) and out.dtype == dtype and not out.float().any()
            out.copy_(out)  # writable


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('channels_last', [False, True])
@pytest.mark.parametrize('spec', [JOINT, LIMB, BOTH, dataclasses.replace(BOTH, motion=True)])
def test_cuda_draws_what_the_cpu_draws(spec, channels_last, dtype):
    spec = dataclasses.replace(spec, double=True)
    for batch, people in ((1, 1), (3, 2), (4, 0)):
        clips = random_clips(spec, batch, people=people, size=32)
        there = clips.to('cuda').draw(dtype=dtype, channels_last=channels_last)
        assert there.dtype == dtype and there.flatten(0, 1).is_contiguous(
            memory_format=torch.channels_last_3d if channels_last else torch.contiguous_format
        )
        tolerance = 1e-5 if dtype == torch.float32 else 8e-3
        assert (there.cpu().float() - clips.draw()).abs().max() < tolerance


def as_on_a_gpu(monkeypatch, compile):
    """Everything is drawn by the renderer for accelerators, limbs through `compile`."""
    draw = render_gpu.draw
    monkeypatch.setattr(torch, 'compile', compile)
    monkeypatch.setattr(render_cpu, 'fits', lambda size, sigma: False)
    monkeypatch.setattr(render_gpu, 'draw', lambda *args, compiled: draw(*args, compiled=True))
    render_gpu._compiled_limbs.cache_clear()


def test_limbs_are_compiled_once_for_training_and_testing(monkeypatch):
    """Once for neighbouring clips, once with others between them, once for a single clip."""
    compile, programs = torch.compile, []
    as_on_a_gpu(
        monkeypatch,
        lambda function, **how: compile(
            function, backend=lambda graph, _: programs.append(1) or graph, **how
        ),
    )
    spec = dataclasses.replace(LIMB, double=True)
    for batch, views, size, mode in (
        (7, 1, 18, torch.no_grad),
        (2, 3, 20, torch.inference_mode),
        (9, 1, 18, torch.enable_grad),
        (1, 8, 20, torch.inference_mode),
        (1, 1, 20, torch.inference_mode),
        (1, 1, 18, torch.no_grad),
    ):
        clips = random_clips(spec, batch, views, size=size)
        with mode():
            drawn = [
                clips.draw(slice(0, views), channels_last=True),
                clips.draw(channels_last=True),
            ]
        assert near(drawn[0], drawn[1][:, :views]) and not drawn[0].is_inference()
    render_gpu._compiled_limbs.cache_clear()
    assert len(programs) == 3


def test_a_gpu_that_is_full_is_no_reason_to_stop_compiling(monkeypatch):
    answers = [torch.OutOfMemoryError('full'), None]

    def once_full(*args):
        if (error := answers.pop(0)) is not None:
            raise error

    as_on_a_gpu(monkeypatch, lambda function, **how: once_full)
    clips = random_clips(LIMB, size=16)
    with pytest.raises(torch.OutOfMemoryError):
        clips.draw()
    clips.draw()
    render_gpu._compiled_limbs.cache_clear()
    assert not answers


@pytest.mark.parametrize('channels_last', [False, True])
def test_the_renderer_for_accelerators_writes_with_channels_last(monkeypatch, channels_last):
    """What it computes lies in memory as what it writes."""
    seen, exp = [], torch.exp
    monkeypatch.setattr(torch, 'exp', lambda x: seen.append(exp(x)) or seen[-1])
    for spec in (JOINT, LIMB):
        (segments,) = make_segments(
            torch.rand(2, 1, 3, V, 2) * 16, torch.rand(2, 1, 3, V), (16, 16), spec, mirrored=False
        )
        out = blank(
            (2, 1, segments.num_channels, 3, 16, 16),
            torch.float32,
            torch.device('cpu'),
            channels_last,
        )
        render_gpu.draw(out, segments, 0, 0.6, False)
    assert len(seen) == 3 and all(x.stride(-1) == 1 for x in seen)


@pytest.mark.slow
def test_the_compiled_limbs_equal_the_plain_ones():
    """A GPU draws limbs by a compiled expression, which also compiles for the CPU."""
    for batch, size in ((3, (20, 24)), (5, (16, 16))):
        (segments,) = make_segments(
            torch.rand(batch, 2, 4, V, 2) * 20,
            torch.rand(batch, 2, 4, V),
            size,
            LIMB,
            mirrored=False,
        )
        plain, compiled = torch.empty(2, batch, 1, len(LIMBS), 4, *size)
        render_gpu.draw(plain, segments, 0, 0.6, mirrored=True)
        render_gpu.draw(compiled, segments, 0, 0.6, mirrored=True, compiled=True)
        assert near(plain, compiled)


def test_where_nothing_can_be_compiled_drawing_goes_on_with_a_warning(monkeypatch):
    def no_compiler(*args, **kwargs):
        raise RuntimeError('no compiler here')

    monkeypatch.setattr(torch, 'compile', no_compiler)
    render_gpu._compiled_limbs.cache_clear()
    (segments,) = make_segments(
        torch.rand(3, 1, 4, V, 2) * 20, torch.rand(3, 1, 4, V), (16, 16), LIMB, mirrored=False
    )
    plain, fallen_back = torch.empty(2, 3, 1, len(LIMBS), 4, 16, 16)
    with pytest.warns(UserWarning, match='no compiler here'):
        render_gpu.draw(fallen_back, segments, 0, 0.6, mirrored=False, compiled=True)
    render_gpu.draw(fallen_back, segments, 0, 0.6, mirrored=False, compiled=True)
    render_gpu.draw(plain, segments, 0, 0.6, mirrored=False)
    assert torch.equal(plain, fallen_back)
    render_gpu._compiled_limbs.cache_clear()
