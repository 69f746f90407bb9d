"""What holds for every graph network: any layout, people, frames and dtype."""

from __future__ import annotations

import pytest
import torch
from graph_checks import assert_runs_everywhere, keypoints, nine_joints
from graph_goldens import features_in, fill
from torch import nn

from pyskl.errors import CheckpointError, ConfigError
from pyskl.models import BACKBONES, Backbone

STAGES = dict(base_channels=16, num_stages=3, inflate_stages=[2], down_stages=[2, 3])
NETWORKS = {
    'ST-GCN': dict(type='STGCN', **STAGES),
    'ST-GCN post': dict(type='STGCN', gcn_conv_pos='post', data_bn_type=None, **STAGES),
    'ST-GCN++': dict(
        type='STGCN', gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn', **STAGES
    ),
    'AAGCN': dict(type='AAGCN', **STAGES),
    '2s-AGCN': dict(type='AAGCN', gcn_attention=False, **STAGES),
    'CTR-GCN': dict(type='CTRGCN', **STAGES),
    'MS-G3D': dict(type='MSG3D', base_channels=12, num_gcn_scales=4, num_g3d_scales=3),
    'DG-STGCN': dict(type='DGSTGCN', data_bn_type='MVC', **STAGES),
    'ProtoGCN': dict(type='ProtoGCN', num_prototype=7, **STAGES),
}
MODES = {'MS-G3D': 'binary_adj', 'DG-STGCN': 'random', 'ProtoGCN': 'random'}
every_network = pytest.mark.parametrize('name', NETWORKS)


def config(name, layout='coco', **settings):
    graph = dict(layout=layout, mode=MODES.get(name, 'spatial'))
    return {**NETWORKS[name], 'graph_cfg': graph, **settings}


def build(name, layout='coco', **settings):
    """A small network in testing, weights fixed by their keys."""
    return fill(BACKBONES.build(config(name, layout, **settings))).eval()


@every_network
@pytest.mark.parametrize(
    ('layout', 'joints'), [(nine_joints(), 9), ('imigue22', 22), ('natops8', 8), ('handmp', 21)]
)
def test_any_layout(name, layout, joints):
    model = build(name, layout)
    out = model(keypoints(2, 2, 5, joints, 3))
    features = features_in(out)
    assert features.shape == (2, 2, model.num_features, 2, joints)
    assert features.isfinite().all() and features.std() > 0
    assert name != 'ProtoGCN' or out[1].shape == (2, joints**2)


@every_network
@pytest.mark.parametrize('people', [1, 3])
def test_any_number_of_people(name, people):
    model = build(name, num_person=people)
    assert isinstance(model, Backbone)
    out = model(keypoints(2, people, 4, 17, 3))
    assert features_in(out).shape == (2, people, model.num_features, 1, 17)
    assert model.pool(out).shape == (2, model.num_features)


@every_network
def test_any_number_of_frames_halved_twice_and_rounded_up(name):
    model = build(name)
    for frames in (1, 2, 3, 4, 5, 8, 13):
        assert features_in(model(keypoints(1, 2, frames, 17, 3))).shape[3] == -(-frames // 4)


@every_network
@pytest.mark.parametrize('channels', [2, 16])
def test_any_number_of_channels(name, channels):
    model = build(name, in_channels=channels)
    assert features_in(model(keypoints(1, 2, 4, 17, channels))).isfinite().all()
    if channels == 16 and name != 'MS-G3D':  # the first block would change nothing
        assert len(model.net if name == 'CTR-GCN' else model.gcn) == 2


@every_network
def test_the_network_is_the_same_in_all_its_forms(name):
    assert_runs_everywhere(build(name), keypoints(2, 2, 6, 17, 3))


@every_network
@pytest.mark.parametrize('halved', [False, True])
def test_every_parameter_is_trained(name, halved):
    model = build(name).train()
    with torch.autocast('cpu', torch.bfloat16, enabled=halved):
        out = model(keypoints(3, 2, 8, 17, 3))
        loss = model.pool(out).float().square().mean()
    loss = loss + out[1].mean() if name == 'ProtoGCN' else loss
    loss.backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), key


@pytest.mark.parametrize('name', ['ST-GCN', 'MS-G3D'])
def test_pretrained_weights_are_loaded(name, tmp_path):
    path = tmp_path / 'start.pth'
    model = build(name)
    torch.save({'state_dict': {f'backbone.{k}': v for k, v in model.state_dict().items()}}, path)
    cfg = config(name, pretrained=str(path))
    again = BACKBONES.build(cfg).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in model.state_dict().items())
    with pytest.raises(CheckpointError, match='does not fit'):
        BACKBONES.build({**cfg, 'base_channels': 24})


@every_network
def test_key_points_that_do_not_fit_are_refused(name):
    model = build(name)
    wrong = {(1, 2, 4, 18, 3): '18 joints', (1, 2, 4, 17, 2): '2 channels', (2, 4, 17, 3): 'N, M'}
    if isinstance(model.data_bn, nn.BatchNorm1d) and model.data_bn_type == 'MVC':
        wrong[1, 3, 4, 17, 3] = 'num_person=3'
    for shape, words in wrong.items():
        with pytest.raises(ConfigError, match=words):
            model(torch.zeros(shape))
