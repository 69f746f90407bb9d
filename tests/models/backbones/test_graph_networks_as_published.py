"""Graph networks against PYSKL's numbers, and what is said of a setting that they do not have."""

from __future__ import annotations

import pytest
from graph_goldens import assert_keys, assert_passes

from pyskl.errors import ConfigError
from pyskl.models import BACKBONES

PLUS_PLUS = dict(type='STGCN', gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn')
OFFSET = dict(type='STGCN', gcn_adaptive='offset', gcn_conv_pos='post', data_bn_type='MVC')
RANDOM = dict(mode='random', num_filter=8, init_off=0.04, init_std=0.02)


def graph(layout: str = 'nturgb+d', mode: str = 'spatial', **settings) -> dict:
    return {'graph_cfg': dict(layout=layout, mode=mode, **settings)}


GOLDEN = {
    'stgcn_vanilla_ntu': dict(type='STGCN', **graph(mode='stgcn_spatial')),
    'stgcn_vanilla_coco': dict(type='STGCN', **graph('coco', 'stgcn_spatial')),
    'stgcnpp_ntu': dict(PLUS_PLUS, **graph()),
    'stgcn_offset_post_mvc': dict(OFFSET, **graph('openpose')),
    'aagcn_ntu': dict(type='AAGCN', **graph()),
    'ctrgcn_ntu': dict(type='CTRGCN', **graph()),
    'msg3d_ntu': dict(type='MSG3D', **graph(mode='binary_adj')),
    'sgn_ntu': dict(type='SGN'),
}
WITH_RANDOM_GRAPHS = {
    'dgstgcn_ntu': dict(type='DGSTGCN', gcn_ratio=0.125, **graph(**RANDOM)),
    'protogcn_ntu_j': dict(type='ProtoGCN', num_prototype=400, **graph(**RANDOM)),
}


@pytest.mark.parametrize(('name', 'cfg'), {**GOLDEN, **WITH_RANDOM_GRAPHS}.items())
def test_keys_shapes_and_kinds_are_upstreams_in_its_order(name, cfg):
    assert_keys(name, BACKBONES.build(cfg))


# A gradient of ST-GCN++ in float32, as the golden ones are, is off by up to 0.8 % from float64's.
@pytest.mark.parametrize(('name', 'cfg'), GOLDEN.items())
def test_features_loss_and_gradients_are_upstreams(name, cfg):
    gradients = 1e-2 if name == 'stgcnpp_ntu' else 1e-3
    assert_passes(name, BACKBONES.build(cfg), gradients=gradients)


@pytest.mark.parametrize(
    ('cfg', 'parameters', 'num_features'),
    [
        (dict(type='STGCN', **graph('coco')), 3_073_284, 256),
        (dict(PLUS_PLUS, **graph('coco')), 1_377_596, 256),
        (dict(type='AAGCN', **graph('coco')), 3_744_808, 256),
        (dict(type='CTRGCN', **graph('coco')), 1_421_076, 256),
        (dict(type='MSG3D', **graph('coco', 'binary_adj')), 2_952_663, 384),
    ],
)
def test_parameter_counts_are_upstreams(cfg, parameters, num_features):
    network = BACKBONES.build(cfg)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert (network.in_channels, network.num_features) == (3, num_features)


SMALL = dict(base_channels=16, num_stages=4, inflate_stages=[3], down_stages=[3])
MSTCN = dict(tcn_type='mstcn')


@pytest.mark.parametrize(
    ('kind', 'settings', 'words'),
    [
        ('STGCN', dict(gcn_adaptiv='init'), ['gcn_adaptiv', 'Did you mean gcn_adaptive?']),
        ('STGCN', dict(gcn_adaptive='importnace'), ['gcn_adaptive', 'importnace', 'importance?']),
        ('STGCN', dict(tcn_ms_cfg=['1x1']), ['tcn_ms_cfg', 'tcn_kernel_size']),  # by default
        ('STGCN', dict(MSTCN, tcn_kernel_size=3), ['tcn_kernel_size', 'tcn_ms_cfg']),
        ('STGCN', dict(tcn_type='mtcn'), ['tcn_type', 'mtcn', 'mstcn?']),
        ('STGCN', dict(tcn_type=['mstcn']), ['tcn_type', 'mstcn']),
        ('STGCN', dict(tcn_dropout=(0.1, 0.2)), ['tcn_dropout', '(0.1, 0.2)', 'a number']),
        ('STGCN', dict(gcn_A=3), ['gcn_A']),
        ('STGCN', dict(gcn=3), ["'gcn'"]),
        ('STGCN', dict(num_stage=4), ['num_stage', 'Did you mean num_stages?']),
        ('STGCN', dict(act='ReLU'), ["'act'", 'gcn_*']),
        ('STGCN', dict(gcn_norm='XN'), ['XN', 'BN']),
        ('STGCN', dict(gcn_act='relu'), ['relu', 'ReLU']),
        ('STGCN', dict(tcn_kernel_size=4), ['kernel size 4', 'odd']),
        ('STGCN', dict(MSTCN, tcn_ms_cfg=['2x2']), ['2x2', '1x1']),
        ('STGCN', dict(MSTCN, base_channels=4), ['4 channels', '6 branches']),
        ('STGCN', dict(num_stages=0), ['num_stages = 0']),
        ('STGCN', dict(data_bn_type='CV'), ['data_bn_type', 'MVC']),
        ('STGCN', graph('coco', modus=3), ['graph_cfg', 'modus', 'mode?']),
        ('AAGCN', dict(gcn_with_res=True), ['gcn_with_res', 'gcn_attention']),
        ('AAGCN', dict(gcn_type='unit_gcn'), ['gcn_type', 'unit_gcn', 'unit_aagcn']),
        ('AAGCN', dict(gcn_attention=1), ['gcn_attention', 'True or False']),
        ('AAGCN', dict(ch_ratio=2), ['ch_ratio', 'base_channels']),
        ('CTRGCN', dict(gcn_adaptive='init'), ['gcn_adaptive', 'dilations']),
        ('CTRGCN', dict(data_bn_type='VC'), ['data_bn_type']),
        ('CTRGCN', dict(base_channels=3, in_channels=2), ['3 channels', '4 branches']),
        ('MSG3D', graph(), ['spatial', 'binary_adj']),
        ('MSG3D', dict(num_gcn_scales=0), ['num_gcn_scales = 0', 'at least 1']),
        ('MSG3D', dict(gcn_scales=3), ['gcn_scales', 'num_gcn_scales']),
        ('DGSTGCN', dict(gcn_rato=0.5), ["'gcn_rato'", 'gcn_ratio']),
        ('DGSTGCN', dict(gcn_ctr='NA'), ['gcn_ctr', "'NA'"]),
        ('DGSTGCN', dict(gcn_ratio=0.01), ['gcn_ratio = 0.01', '16 channels']),
        ('DGSTGCN', dict(tcn_num_joints=10), ['tcn_num_joints = 10', '25 joints']),
        ('ProtoGCN', dict(gcn_ctr=None), ['gcn_ctr']),
        ('ProtoGCN', dict(num_prototypes=400), ["'num_prototypes'", 'num_prototype']),
        ('ProtoGCN', dict(num_prototype=0), ['num_prototype = 0']),
        ('ProtoGCN', dict(num_stages=1, in_channels=16), ['0 blocks']),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected(kind, settings, words):
    mode = {'MSG3D': 'binary_adj', 'DGSTGCN': 'random', 'ProtoGCN': 'random'}.get(kind, 'spatial')
    cfg = {'type': kind, **({} if kind == 'MSG3D' else SMALL), **graph(mode=mode), **settings}
    with pytest.raises(ConfigError) as error:
        BACKBONES.build(cfg, 'model.backbone')
    assert all(word in str(error.value) for word in ['model.backbone', *words])


def test_a_wrong_setting_is_found_before_anything_is_built():
    cfg = dict(type='STGCN', gcn_adaptiv=3, **graph())
    with pytest.raises(ConfigError, match=r'joint.py: model.backbone \(STGCN\).*gcn_adaptiv'):
        BACKBONES.check(cfg, 'joint.py: model.backbone')
    cfg.pop('type')
    with pytest.raises(ConfigError, match='gcn_adaptiv'):
        BACKBONES.get('STGCN')(**cfg)
