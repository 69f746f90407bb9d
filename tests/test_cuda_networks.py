"""Each family of networks on a GPU: the answers, losses and gradients of the CPU."""

import numpy as np
import pytest
import torch
from export_networks import FRAMES, GRAPHS, HEATMAPS, config_of, filled

from pyskl.apis.export_check import made_up_clips
from pyskl.apis.inference import test_sample
from pyskl.datasets.loader import collate
from pyskl.engine.batch import compute_losses, predict
from pyskl.models import fuse_conv_bn, speed_up

CPU, GPU = torch.device('cpu'), torch.device('cuda')
NAMES = [*GRAPHS, *HEATMAPS, *FRAMES]

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')


@pytest.fixture
def full_float32():
    """No TF32."""
    with torch.backends.cudnn.flags(allow_tf32=False):
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        yield
        torch.backends.cuda.matmul.allow_tf32 = before


def model_and_batch(folder, name, **options):
    """A small network of a family, plain and on the CPU, and a batch of clips of its kind."""
    model = filled(config_of(folder, name), **options)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.dropout._DropoutNd):
            module.p = 0.0
    clips = made_up_clips(model)
    size = len(clips) if name not in FRAMES else 1  # frames can differ in size
    return model, collate([test_sample(model, clip) for clip in clips[:size]])


def largest_difference(found, expected):
    assert found.keys() == expected.keys()
    return max(
        float((found[key].cpu().float() - expected[key].float()).abs().max()) for key in expected
    )


@pytest.mark.parametrize('name', NAMES)
def test_answers_are_those_of_the_cpu(tmp_path, full_float32, name):
    model, batch = model_and_batch(tmp_path, name)
    expected = predict(model.eval(), batch, CPU)
    model.to(GPU)
    assert largest_difference(predict(model, batch, GPU), expected) < 1e-3
    fuse_conv_bn(model)
    speed_up(model)
    assert largest_difference(predict(model, batch, GPU), expected) < 1e-3


@pytest.mark.parametrize('amp', ['bf16', 'fp16'])
@pytest.mark.parametrize('name', NAMES)
def test_answers_in_half_precision_are_near(tmp_path, name, amp):
    model, batch = model_and_batch(tmp_path, name, most=10)
    expected = predict(model.eval(), batch, CPU)
    speed_up(model.to(GPU))
    assert largest_difference(predict(model, batch, GPU, amp), expected) < 0.1


@pytest.mark.parametrize('name', NAMES)
def test_losses_and_gradients_are_those_of_the_cpu(tmp_path, full_float32, name):
    model, batch = model_and_batch(tmp_path, name)
    inputs = {
        key: value[:, :1]
        for key, value in batch.items()
        if key in ('imgs', 'keypoint', 'heatmap_imgs')
    }
    batch = {**inputs, 'label': torch.arange(len(next(iter(inputs.values())))) % 3}
    if getattr(model.cls_head, 'has_embedding', False):
        model.cls_head.learn_labels(None, np.random.randn(3, model.cls_head.emb_dim))

    def losses_and_gradients(device):
        model.zero_grad()
        losses = compute_losses(model.train(), batch, device)
        losses['loss'].backward()
        return losses, {
            key: parameter.grad.detach().cpu()
            for key, parameter in model.named_parameters()
            if parameter.grad is not None
        }

    losses, expected = losses_and_gradients(CPU)
    model.to(GPU)
    speed_up(model)
    found_losses, found = losses_and_gradients(GPU)
    assert found_losses['loss'].item() == pytest.approx(losses['loss'].item(), rel=1e-3)
    assert found.keys() == expected.keys()
    whole = torch.cat([value.flatten() for value in expected.values()]).norm()
    for key, value in expected.items():  # float32 itself is 2 % off where C3D is steep
        assert (found[key] - value).norm() <= 5e-2 * max(value.norm(), 1e-3 * whole), key
