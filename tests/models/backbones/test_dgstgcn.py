"""DG-STGCN against golden numbers and slow twins."""

import numpy as np
import pytest
import torch
from graph_checks import chain, keypoints
from graph_goldens import assert_close, fill, golden, run_training_pass

from pyskl.models.layers.dggcn import DGGCN
from pyskl.registry import BACKBONES

MS_CFG = [(3, 1), (3, 2), (3, 3), (3, 4), ('max', 3), '1x1']


GRAPH = dict(mode='random', num_filter=8, init_off=0.04, init_std=0.02)
SMALL = dict(base_channels=16, num_stages=3, down_stages=(2,))


def published(layout='nturgb+d', **settings):
    cfg = dict(type='DGSTGCN', graph_cfg=dict(layout=layout, **GRAPH), gcn_ratio=0.125)
    return BACKBONES.build({**cfg, **settings})


def small(layout='coco', **settings):
    return published(layout, **SMALL, **settings)


def test_features_loss_and_gradients_are_golden():
    arrays = golden('dgstgcn_ntu')
    network = fill(published(), random_graph=True).double()
    keypoint = arrays['input'].astype(np.float64)
    out, loss = run_training_pass(network, keypoint)
    assert_close(out.mean((3, 4)), arrays['train_pooled'])
    assert loss == pytest.approx(float(arrays['loss']), abs=1e-6)

    # Golden norms are float32; those of alpha and beta, sums that nearly cancel, are off by more.
    parameters = dict(network.named_parameters())
    assert list(arrays['grad_names']) == list(parameters)
    norms = np.array([float(p.grad.norm()) for p in parameters.values()])
    expected = arrays['grad_norms']
    cancels = np.array([key.endswith(('alpha', 'beta')) for key in parameters])
    np.testing.assert_allclose(norms[cancels], expected[cancels], rtol=0.1)
    np.testing.assert_allclose(norms[~cancels], expected[~cancels], rtol=1e-2, atol=1e-6)
    assert np.median(np.abs(norms / expected - 1)[expected > 1e-4]) < 1e-3

    with torch.no_grad():
        out = network.eval()(torch.from_numpy(keypoint))
    assert tuple(out.shape) == tuple(arrays['shape'])
    assert_close(out.mean((3, 4)), arrays['eval_pooled'])
    assert_close(out[:, :, :8], arrays['eval_first8'], 5e-5)


def test_training_starts_from_the_graph_alone():
    network = published()
    for block in network.gcn:
        torch.testing.assert_close(block.gcn.A, network.A0, rtol=0, atol=0)
        for weight in (block.gcn.alpha, block.gcn.beta, block.tcn.add_coeff):
            assert not weight.any()


def test_published_checkpoints_have_25_coefficients_and_only_larger_layouts_more():
    network = small('coco')
    assert network.gcn[0].tcn.add_coeff.shape == (25,)
    network(keypoints(1, 1, 4, 17, 3)).sum().backward()
    gradient = network.gcn[0].tcn.add_coeff.grad
    assert gradient[:17].any() and not gradient[17:].any()
    network = small(chain(30))
    assert network.gcn[0].tcn.add_coeff.shape == (30,)
    assert network(keypoints(1, 1, 4, 30, 3)).shape == (1, 1, 16, 2, 30)


@pytest.mark.parametrize('ctr, ada', [('T', 'T'), ('T', None), (None, 'T'), (None, None)])
@pytest.mark.parametrize('subset_wise', [False, True])
def test_graph_convolution_equals_one_joint_at_a_time(ctr, ada, subset_wise):
    K, V = 2, 4
    layer = DGGCN(3, 6, torch.rand(K, V, V), 0.5, ctr, ada, subset_wise).double()
    layer = fill(layer, random_graph=True).eval()
    with torch.no_grad():
        x = keypoints(1, 2, 3, 5, V)[0].double()  # (P, C, T, V)
        pre = layer.pre(x).unflatten(1, (K, 3))
        y = torch.zeros_like(pre)
        if ctr or ada:
            x1, x2 = (conv(x).mean(2).unflatten(1, (K, 3)) for conv in (layer.conv1, layer.conv2))
        for p, k, c, w in np.ndindex(2, K, 3, V):
            graph = layer.A[k, :, w].clone()
            if ctr:
                alpha = layer.alpha[k if subset_wise else 0]
                graph += alpha * torch.tanh(x1[p, k, c, :] - x2[p, k, c, w])
            if ada:
                beta = layer.beta[k if subset_wise else 0]
                products = [x1[p, k, :, v] @ x2[p, k, :, w] for v in range(V)]
                graph += beta * torch.stack(products).softmax(0)
            y[p, k, c, :, w] = sum(pre[p, k, c, :, v] * graph[v] for v in range(V))
        expected = (layer.bn(layer.post(y.flatten(1, 2))) + layer.down(x)).relu()
        torch.testing.assert_close(layer(x), expected)
