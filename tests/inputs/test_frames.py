"""Frames travel as bytes and become, on any device, what numpy makes of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from pyskl.datasets.loader import collate
from pyskl.datasets.pipelines import Compose
from pyskl.errors import ConfigError, DataError
from pyskl.inputs import Frames, PixelScale, Target, input_tensor, lazy_inputs

SCALE = PixelScale((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
CPU = torch.device('cpu')


def frames(samples=2, views=4, clip_len=3, height=6, width=5, scale=SCALE, seed=0) -> Frames:
    shape = (samples, views, *([clip_len] if clip_len else []), height, width, 3)
    pixels = np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)
    return Frames(torch.from_numpy(pixels), scale)


def twin(given: Frames) -> np.ndarray:
    """Normalise everything in numpy, channel by channel."""
    pixels = given.pixels.numpy()[..., ::-1] if given.scale.to_bgr else given.pixels.numpy()
    channels = [
        (pixels[..., c].astype(np.float32) - np.float32(mean)) / np.float32(std)
        for c, (mean, std) in enumerate(zip(given.scale.mean, given.scale.std))
    ]
    return np.stack(channels, axis=2)


@pytest.mark.parametrize('channels_last', [False, True])
@pytest.mark.parametrize('clip_len', [3, None])
@pytest.mark.parametrize('to_bgr', [False, True])
def test_all_views_become_what_numpy_makes_of_them(channels_last, clip_len, to_bgr):
    given = frames(clip_len=clip_len, scale=PixelScale(SCALE.mean, SCALE.std, to_bgr))
    target = Target(CPU, torch.float32, channels_last)
    found = given.tensor(None, target)
    assert found.shape == given.shape
    np.testing.assert_array_equal(found, twin(given))
    # The layout that the network wants costs no further copy.
    volumes = found.flatten(0, 1)
    assert target.laid_out(volumes).data_ptr() == volumes.data_ptr()


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize('channels_last', [False, True])
def test_some_views_are_rounded_once_and_at_the_end(dtype, channels_last):
    given = frames()
    found = given.tensor(slice(1, 3), Target(CPU, dtype, channels_last))
    assert found.dtype == dtype
    expected = torch.from_numpy(twin(given)[:, 1:3]).to(dtype)
    assert torch.equal(found, expected)
    assert torch.equal(input_tensor(given, Target(CPU, dtype), slice(1, 3)), expected)


def test_samples_and_one_view_are_frames_again():
    given = frames(samples=3, views=5)
    assert torch.equal(given[1:].pixels, given.pixels[1:]) and len(given[1:]) == 2
    view = given.view(2)
    assert view.shape == (3, 1, 3, 3, 6, 5)
    assert torch.equal(view.pixels[:, 0], given.pixels[:, 2])


def test_frames_have_no_joints_to_hide():
    with pytest.raises(ConfigError, match='Frames has no joints'):
        frames().without_joints([0])


def test_batches_are_joined_in_order():
    parts = [frames(1, seed=1), frames(2, seed=2)]
    joined = Frames.collate(parts)
    assert torch.equal(joined.pixels, torch.cat([part.pixels for part in parts]))
    assert joined.scale == SCALE


@pytest.mark.parametrize(
    'other, told',
    [
        (dict(width=7), '7 x 6 pixels'),
        (dict(views=2), '2 views'),
        (dict(clip_len=9), '9 frames'),
        (dict(scale=PixelScale((0.0,) * 3, (1.0,) * 3)), 'normalised'),
    ],
)
def test_samples_that_do_not_fit_together_are_refused(other, told):
    with pytest.raises(DataError) as error:
        Frames.collate([frames(1), frames(1), frames(1, **other)])
    assert 'sample 2' in str(error.value) and told in str(error.value)


def test_a_worker_hands_them_over():
    given = [frames(1, seed=seed) for seed in range(4)]
    loader = DataLoader(given, batch_size=2, num_workers=1, collate_fn=Frames.collate)
    found = list(loader)
    assert all(isinstance(batch, Frames) and batch.scale == SCALE for batch in found)
    pixels = torch.cat([batch.pixels for batch in found])
    assert torch.equal(pixels, Frames.collate(given).pixels)


def test_a_loader_batch_holds_bytes_of_what_the_pipeline_normalised():
    pipeline = Compose(
        [
            dict(type='Normalize', mean=SCALE.mean, std=SCALE.std),
            dict(type='FormatShape', input_format='NCTHW'),
            dict(type='Collect', keys=['imgs', 'label']),
            dict(type='ToTensor', keys=['imgs']),
        ],
        entries=None,
    )
    imgs = np.random.RandomState(0).randint(0, 256, (2, 6, 4, 5, 3)).astype(np.uint8)
    clips = [
        dict(frame_dir='a', imgs=list(some), img_shape=(4, 5), num_clips=2, clip_len=3, label=1)
        for some in imgs
    ]
    batch = collate([lazy_inputs(pipeline(dict(clip), lazy=True)) for clip in clips])
    assert isinstance(batch['imgs'], Frames) and batch['imgs'].shape == (2, 2, 3, 3, 4, 5)
    found = batch['imgs'].tensor(None, Target(CPU, torch.float32))
    expected = torch.stack([pipeline(dict(clip))['imgs'] for clip in clips])
    assert torch.equal(found, expected)


@pytest.mark.parametrize('channels_last', [False, True])
def test_all_is_computed_on_the_models_device(channels_last):
    """On torch's device without numbers, which takes no part of a computation from another."""
    meta = torch.device('meta')
    given = frames(views=5).to(meta)
    found = given.tensor(slice(0, 2), Target(meta, torch.bfloat16, channels_last))
    assert found.shape == (2, 2, 3, 3, 6, 5) and found.dtype == torch.bfloat16
    layout = torch.channels_last_3d if channels_last else torch.contiguous_format
    assert found.device == meta and found[0].is_contiguous(memory_format=layout)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_a_gpu_computes_the_same_numbers(dtype):
    given = frames()
    expected = given.tensor(None, Target(CPU, dtype))
    cuda = torch.device('cuda', 0)
    found = given.pin_memory().tensor(None, Target(cuda, dtype, channels_last=True))
    assert torch.equal(found.cpu(), expected)
