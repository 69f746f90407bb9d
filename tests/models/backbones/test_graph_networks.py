"""What holds for every graph network: any layout, people, frames and dtype."""

from __future__ import annotations

import copy

import pytest
import torch
from graph_goldens import fill
from torch import nn

from pyskl.errors import CheckpointError, ConfigError
from pyskl.models import BACKBONES, Backbone, fuse_conv_bn

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
}
NINE_JOINTS = dict(
    name='arm',
    joints=['shoulder', 'elbow', 'wrist', 'thumb', 'index', 'middle', 'ring', 'little', 'ball'],
    bones=[(1, 0), (2, 1), (3, 2), (4, 2), (5, 2), (6, 2), (7, 2)],
    mirror=[],
    centre=2,
)
BUILT = {}
every_network = pytest.mark.parametrize('name', NETWORKS)


def build(name, layout='coco', **settings):
    """A small network in testing, weights fixed by their keys, statistics of a clip."""
    key = repr((name, layout, settings))
    if key not in BUILT:
        BUILT[key] = build_new(name, layout, settings)
    return copy.deepcopy(BUILT[key])


def build_new(name, layout, settings):
    model = fill(BACKBONES.build(dict(NETWORKS[name], graph_cfg=graph(name, layout), **settings)))
    shape = (2, model.num_person, 8, model.graph.num_joints, model.in_channels)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.momentum = 1.0
        model.train()(clip(*shape, seed=2))
    return model.eval()


def graph(name, layout='coco'):
    return dict(layout=layout, mode='binary_adj' if name == 'MS-G3D' else 'spatial')


def clip(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@every_network
@pytest.mark.parametrize(
    ('layout', 'joints'), [(NINE_JOINTS, 9), ('imigue22', 22), ('natops8', 8), ('handmp', 21)]
)
def test_any_layout(name, layout, joints):
    model = build(name, layout)
    features = model(clip(2, 2, 5, joints, 3))
    assert features.shape == (2, 2, model.num_features, 2, joints)
    assert features.isfinite().all() and features.std() > 0


@every_network
@pytest.mark.parametrize('people', [1, 2, 3])
def test_any_number_of_people(name, people):
    model = build(name, num_person=people)
    assert isinstance(model, Backbone)
    features = model(clip(2, people, 4, 17, 3))
    assert features.shape == (2, people, model.num_features, 1, 17)
    assert model.pool(features).shape == (2, model.num_features)


@every_network
def test_any_number_of_frames_halved_twice_and_rounded_up(name):
    model = build(name)
    for frames in (1, 2, 3, 4, 5, 8, 13):
        assert model(clip(1, 2, frames, 17, 3)).shape[3] == -(-frames // 4)


@every_network
@pytest.mark.parametrize('channels', [2, 6])
def test_any_number_of_channels(name, channels):
    model = build(name, in_channels=channels)
    assert model.in_channels == channels
    assert model(clip(1, 2, 4, 17, channels)).isfinite().all()


@pytest.mark.parametrize('name', [name for name in NETWORKS if name != 'MS-G3D'])
def test_the_first_block_is_left_out_where_the_input_is_as_wide_already(name):
    model = build(name, in_channels=16)
    blocks = model.net if name == 'CTR-GCN' else model.gcn
    assert len(blocks) == 2
    assert model(clip(1, 2, 4, 17, 16)).shape == (1, 2, 32, 1, 17)


@every_network
def test_each_person_passes_alone(name):
    model = build(name).double()
    x = clip(5, 3, 6, 17).double()
    together = model.person_features(x)
    alone = torch.cat([model.person_features(person[None]) for person in x])
    torch.testing.assert_close(together, alone, atol=1e-10, rtol=1e-10)


@every_network
def test_every_parameter_is_trained(name):
    model = build(name).train()
    for seed in (0, 1):
        model.pool(model(clip(3, 2, 8, 17, 3, seed=seed))).square().sum().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), key


@every_network
def test_folding_batch_norm_keeps_the_features(name):
    plain, folded = build(name).double(), build(name).double()
    x = clip(2, 2, 6, 17, 3).double()
    assert fuse_conv_bn(folded) > 0
    torch.testing.assert_close(folded(x), plain(x), atol=1e-12, rtol=1e-12)


@every_network
def test_float64_and_bfloat16_give_the_same_but_for_rounding(name):
    model, x = build(name), clip(2, 2, 6, 17, 3)
    expected = model(x)
    with torch.autocast('cpu', torch.bfloat16):
        halves = model(x)
    assert (halves - expected).abs().max() < 0.1 * expected.abs().max()
    doubles = model.double()(x.double())
    assert (doubles - expected).abs().max() < 1e-5 * expected.abs().max()


@every_network
def test_bfloat16_trains(name):
    model = build(name).train()
    with torch.autocast('cpu', torch.bfloat16):
        loss = model.pool(model(clip(2, 2, 4, 17, 3))).float().square().mean()
    loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@every_network
@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
def test_a_trace_gives_the_same_for_another_clip(name):
    model = build(name)
    traced = torch.jit.trace(model, clip(1, 2, 5, 17, 3), check_trace=False)
    other = clip(2, 2, 5, 17, 3, seed=1)[:1]
    torch.testing.assert_close(traced(other), model(other))


@pytest.mark.parametrize('name', ['ST-GCN', 'MS-G3D'])
def test_pretrained_weights_are_loaded(name, tmp_path):
    path = tmp_path / 'start.pth'
    model = build(name)
    torch.save({'state_dict': {f'backbone.{k}': v for k, v in model.state_dict().items()}}, path)
    cfg = dict(NETWORKS[name], graph_cfg=graph(name), pretrained=str(path))
    again = BACKBONES.build(cfg).eval()
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in model.state_dict().items())
    with pytest.raises(CheckpointError, match='does not fit'):
        BACKBONES.build({**cfg, 'base_channels': 24})


@every_network
def test_key_points_that_do_not_fit_are_refused(name):
    model = build(name)
    for shape, words in {
        (1, 2, 4, 18, 3): '18 joints',
        (1, 2, 4, 17, 2): '2 channels',
        (2, 4, 17, 3): 'expected \\(N, M, T, V, C\\)',
    }.items():
        with pytest.raises(ConfigError, match=words):
            model(torch.zeros(shape))
    if isinstance(model.data_bn, nn.BatchNorm1d) and model.data_bn_type == 'MVC':
        with pytest.raises(ConfigError, match='num_person=3'):
            model(torch.zeros(1, 3, 4, 17, 3))
