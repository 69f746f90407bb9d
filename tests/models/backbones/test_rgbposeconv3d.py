"""RGBPoseConv3D: its laterals, its drop paths, and settings that do not fit."""

from __future__ import annotations

import copy

import pytest
import torch
from graph_goldens import fill
from two_pathways import POSE, RGB, RGBPOSE, build, clips

from pyskl.errors import ConfigError
from pyskl.models import BACKBONES, build_model, speed_up
from pyskl.models.cpu.speed_up import undo_speed_up

DROPPED = dict(rgb_drop_path=1.0, pose_drop_path=1.0)


def build_with(**settings):
    return fill(BACKBONES.build(dict(RGBPOSE, **settings)))


def without_laterals(network):
    """Silence what the pathways tell each other, in place."""
    for path in (network.rgb_path, network.pose_path):
        for name, parameter in path.named_parameters():
            if 'lateral' in name:
                parameter.data.zero_()
    return network


def test_a_drop_path_silences_the_laterals_into_it_in_training_only():
    inputs = clips('RGBPoseConv3D')
    plain, silent = build('RGBPoseConv3D'), without_laterals(build('RGBPoseConv3D'))
    for drop, differs in ((dict(rgb_drop_path=1.0), 1), (dict(pose_drop_path=1.0), 0)):
        network = build_with(**drop)
        torch.testing.assert_close(network.eval()(*inputs), plain.eval()(*inputs))
        assert network.train() is network and network.training
        outs, expected = network(*inputs), silent.train()(*inputs)
        torch.testing.assert_close(outs[1 - differs], expected[1 - differs])
        assert not torch.allclose(outs[differs], expected[differs])
    network = build_with(**DROPPED).train()
    network.pool(network(*inputs))['rgb'].sum().backward()
    lateral = network.rgb_path.layer2_lateral.conv.weight.grad
    assert not lateral.any()  # zeros, not None: every process has a gradient of everything


def test_torchs_generator_decides_what_is_dropped():
    network = build_with(rgb_drop_path=0.5, pose_drop_path=0.5).train()
    inputs, runs = clips('RGBPoseConv3D'), []
    for _ in range(2):
        torch.manual_seed(1)
        outs = [network(*inputs) for _ in range(8)]
        runs.append([(float(rgb.sum()), float(pose.sum())) for rgb, pose in outs])
    assert runs[0] == runs[1] and len(set(runs[0])) > 2


@pytest.mark.parametrize('detached', ['rgb', 'pose'])
def test_a_detached_lateral_learns_but_passes_no_gradient_on(detached):
    other = 'pose' if detached == 'rgb' else 'rgb'
    network = build_with(**{f'{detached}_detach': True}).train()
    network.pool(network(*clips('RGBPoseConv3D')))[detached].square().sum().backward()
    paths = {'rgb': network.rgb_path, 'pose': network.pose_path}
    learnt = {name: parameter.grad for name, parameter in paths[detached].named_parameters()}
    assert all(grad.any() for name, grad in learnt.items() if 'lateral' in name)
    others = dict(paths[other].named_parameters())
    first = [p.grad for name, p in others.items() if name.startswith('conv1.')]
    assert all(grad is None or not grad.any() for grad in first)


@torch.no_grad()
def test_each_pathway_gets_the_features_before_the_exchange():
    network, (imgs, heatmaps) = build('RGBPoseConv3D').eval(), clips('RGBPoseConv3D')
    rgb_path, pose_path = network.rgb_path, network.pose_path
    rgb = rgb_path.layer2(rgb_path.layer1(rgb_path.maxpool(rgb_path.conv1(imgs))))
    pose = pose_path.layer1(pose_path.maxpool(pose_path.conv1(heatmaps)))
    to_rgb, to_pose = rgb_path.layer2_lateral(pose), pose_path.layer1_lateral(rgb)
    rgb = rgb_path.layer3(torch.cat([rgb, to_rgb], 1))
    pose = pose_path.layer2(torch.cat([pose, to_pose], 1))
    to_rgb, to_pose = rgb_path.layer3_lateral(pose), pose_path.layer2_lateral(rgb)
    expected = (
        rgb_path.layer4(torch.cat([rgb, to_rgb], 1)),
        pose_path.layer3(torch.cat([pose, to_pose], 1)),
    )
    outs = network(imgs, heatmaps)
    torch.testing.assert_close(outs, expected)
    assert list(network.pool(outs)) == ['rgb', 'pose']


@pytest.mark.parametrize(
    'change, named',
    [
        (dict(rgb_drop_path=1.5), 'rgb_drop_path = 1.5'),
        (dict(pose_pathway=dict(POSE, lateral_inv=False, lateral_infl=1)), 'lateral_inv'),
        (dict(pose_pathway=dict(POSE, num_stages=2, stage_blocks=(1, 1))), '4 stages'),
        (dict(rgb_pathway=dict(RGB, lateral_activate=(1, 0, 1, 1))), 'lateral_activate'),
        (dict(pose_pathway=dict(POSE, base_channels=8)), 'layer2_lateral takes 16'),
        (dict(pose_pathway=dict(POSE, with_pool=1)), 'pose_pathway.*with_pool'),
    ],
)
def test_settings_that_do_not_fit_are_named_with_their_place(change, named):
    with pytest.raises(ConfigError, match=named):
        BACKBONES.build({**RGBPOSE, **change}, 'model.backbone')


def test_clips_of_unlike_length_are_named_with_both_sizes():
    imgs, heatmaps = clips('RGBPoseConv3D')
    with pytest.raises(ConfigError, match='pathways do not fit together'):
        build('RGBPoseConv3D')(imgs, heatmaps[:, :, :6])


def test_pathways_without_laterals_are_two_networks():
    paths = {'rgb_pathway': dict(RGB, lateral=False), 'pose_pathway': dict(POSE, lateral=False)}
    network, inputs = build_with(**paths).eval(), clips('RGBPoseConv3D')
    assert not any('lateral' in key for key in network.state_dict())
    alone = network.rgb_path(inputs[0]), network.pose_path(inputs[1])
    torch.testing.assert_close(network(*inputs), alone)


def test_a_recognizer_with_faster_layers_answers_and_learns_the_same():
    head = dict(
        type='RGBPoseHead', num_classes=4, in_channels=[256, 64], dropout=0.0, loss_emb=None
    )
    torch.manual_seed(0)
    plain = build_model(dict(type='MMRecognizer3D', backbone=RGBPOSE, cls_head=head))
    faster = speed_up(copy.deepcopy(plain))
    imgs, heatmaps = clips('RGBPoseConv3D')
    batch = {'imgs': imgs[:, None], 'heatmap_imgs': heatmaps[:, None]}
    assert faster.channels_last and not undo_speed_up(copy.deepcopy(faster)).channels_last
    labels = {'label': torch.tensor([1, 3])}
    losses = [model.train().losses({**batch, **labels}) for model in (plain, faster)]
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-4, atol=1e-5)
    answers = [model.eval().predict(batch) for model in (plain, faster)]
    torch.testing.assert_close(answers[1], answers[0], rtol=0, atol=1e-5)
