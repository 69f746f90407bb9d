"""ProtoGCN against golden numbers, in float64 where there are some, and against DG-STGCN."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from graph_checks import keypoints
from graph_goldens import (
    assert_close,
    draw,
    fill,
    golden,
    pooled_loss,
    run_training_pass,
)
from torch import nn

from pyskl.models.losses import ClassContrast
from pyskl.registry import BACKBONES

GRAPH = dict(mode='random', num_filter=8, init_off=0.04, init_std=0.02)


def published(layout='nturgb+d', num_prototype=400, **settings):
    cfg = dict(type='ProtoGCN', graph_cfg=dict(layout=layout, **GRAPH), num_prototype=num_prototype)
    return BACKBONES.build({**cfg, **settings})


class Model(nn.Module):
    """The published recognizer's parts under its keys."""

    def __init__(self, num_classes, joints, contrast_weight, **settings):
        super().__init__()
        self.backbone = published(**settings)
        self.cls_head = nn.Module()
        self.cls_head.csc_loss = ClassContrast(joints, num_classes)
        self.cls_head.fc_cls = nn.Linear(384, num_classes)
        self.contrast_weight = contrast_weight

    def forward(self, keypoint):
        features, graph = out = self.backbone(keypoint)
        return self.cls_head.fc_cls(self.backbone.pool(out)), graph

    def loss(self, out, label):
        scores, graph = out
        contrast = self.cls_head.csc_loss(graph, scores, label)
        return F.cross_entropy(scores, label) + self.contrast_weight * contrast


def test_weights_start_as_the_published_ones_with_the_same_seed():
    torch.manual_seed(0)
    np.random.seed(0)
    values = [v.double() for v in published().state_dict().values()]
    arrays = golden('protogcn_training')
    for value, mean, std in zip(values, arrays['init/mean'], arrays['init/std'], strict=True):
        assert float(value.mean()) == pytest.approx(mean, rel=1e-3, abs=1e-7)
        assert float(value.std(correction=0)) == pytest.approx(std, rel=1e-3, abs=1e-7)


def test_features_and_graphs_are_golden():
    arrays = golden('protogcn_ntu_j')
    network = fill(published(), random_graph=True).double()
    keypoint = arrays['input'].astype(np.float64)

    def loss_of(out):
        weight = torch.from_numpy(draw('loss2', tuple(out[1].shape)))
        return pooled_loss(out) + (out[1] * weight).mean()

    (features, _), loss = run_training_pass(network, keypoint, loss_of)
    assert_close(features.mean((3, 4)), arrays['train_pooled'])
    assert loss == pytest.approx(float(arrays['loss']), abs=1e-6)
    assert list(arrays['grad_names']) == list(dict(network.named_parameters()))

    with torch.no_grad():
        features, graph = network.eval()(torch.from_numpy(keypoint))
    assert tuple(features.shape) == tuple(arrays['shape'])
    assert_close(features.mean((3, 4)), arrays['eval_pooled'])
    assert_close(features[:, :, :8], arrays['eval_first8'])
    assert_close(graph, arrays['graph_eval'])


@pytest.mark.parametrize(
    'name, classes, joints, weight, settings',
    [
        ('ntu60_xsub_j', 60, 25, 0.2, dict(layout='nturgb+d', num_prototype=400)),
        ('k400_km', 400, 20, 0.1, dict(layout='coco_new', num_prototype=100)),
    ],
)
def test_a_training_step_is_golden_in_float64(name, classes, joints, weight, settings):
    arrays = golden('protogcn_training')
    field = f'recognizer/{name}'
    model = fill(Model(classes, joints, weight, **settings), random_graph=True).double()
    model.cls_head.csc_loss.memory = torch.from_numpy(draw('avg_f', (256, classes)))
    assert sum(p.numel() for p in model.parameters()) == arrays[f'{field}/parameters']
    assert len(model.state_dict()) == arrays[f'{field}/keys']

    keypoint = made_up(7, (3, 2, 12, joints, 3))
    keypoint[1, 1] = 0
    label = torch.tensor([2, 5, classes - 1])
    _, loss = run_training_pass(model, keypoint, lambda out: model.loss(out, label))
    assert loss == pytest.approx(float(arrays[f'{field}/loss']), rel=1e-9)
    parameters = dict(model.named_parameters())
    norms = [float(parameters[key].grad.norm()) for key in arrays[f'{field}/grad_names']]
    np.testing.assert_allclose(norms, arrays[f'{field}/grad_norms'], rtol=1e-6, atol=1e-9)
    memory = model.cls_head.csc_loss.memory.norm(dim=0)
    np.testing.assert_allclose(memory, arrays[f'{field}/memory_norm'], rtol=1e-9)

    with torch.no_grad():
        clips = torch.from_numpy(made_up(8, (2, 3, 2, 12, joints, 3)))
        scores = model.eval()(clips.flatten(0, 1))[0].softmax(1).unflatten(0, (2, 3)).mean(1)
    np.testing.assert_allclose(scores, arrays[f'{field}_eval/scores'], rtol=1e-8)


def made_up(seed, shape):
    numbers = np.random.RandomState(seed).standard_normal(shape).astype(np.float32)
    return (np.float32(0.5) * numbers).astype(np.float64)


def test_the_graph_is_the_mean_over_people():
    network = fill(published('coco', 7, base_channels=16, num_stages=3)).eval()
    keypoint = keypoints(1, 2, 6, 17, 3)
    twice = torch.cat([keypoint, keypoint.flip(1)], 1)  # the same two people, four of them
    torch.testing.assert_close(network(twice)[1], network(keypoint)[1])
