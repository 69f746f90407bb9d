"""speed_up makes graph networks faster from outside: each is held against its plain self."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from pyskl.models import fuse_conv_bn, speed_up
from pyskl.models.backbones import AAGCN, CTRGCN, DGSTGCN, MSG3D, STGCN, ProtoGCN
from pyskl.models.cpu.channels_last import WIDE, conv_norm
from pyskl.models.cpu.exact_batch_norm import ExactBatchNorm2d
from pyskl.models.cpu.fast_temporal import max_pool
from pyskl.models.cpu.people_sharing import DistinctPeople, PeopleSharing
from pyskl.models.cpu.speed_up import undo_speed_up

SIZES = {'base_channels': 12, 'num_stages': 3, 'inflate_stages': (2,), 'down_stages': (3,)}
PLUS_PLUS = {'gcn_adaptive': 'init', 'gcn_with_res': True, 'tcn_type': 'mstcn'}
MS3D = {'base_channels': 12, 'num_gcn_scales': 3, 'num_g3d_scales': 2}

# Each network: its class, the graph's mode, its settings.
NETWORKS = {
    'STGCN': (STGCN, 'stgcn_spatial', SIZES),
    'STGCN post': (STGCN, 'spatial', SIZES | {'gcn_conv_pos': 'post', 'gcn_adaptive': 'offset'}),
    'ST-GCN++': (STGCN, 'spatial', SIZES | PLUS_PLUS),
    'AAGCN': (AAGCN, 'spatial', SIZES),
    '2s-AGCN': (AAGCN, 'spatial', SIZES | {'gcn_attention': False, 'tcn_type': 'mstcn'}),
    'CTRGCN': (CTRGCN, 'spatial', SIZES),
    'MSG3D': (MSG3D, 'binary_adj', MS3D),
    'DGSTGCN': (DGSTGCN, 'random', SIZES | {'gcn_subset_wise': True}),
    'ProtoGCN': (ProtoGCN, 'random', SIZES | {'num_prototype': 5}),
}
every_network = pytest.mark.parametrize('name', NETWORKS)


def made(name: str, layout: str = 'nturgb+d', people: int = 2, **settings) -> nn.Module:
    """Return a plain network in float64, no weight of it zero or one."""
    network, mode, own = NETWORKS[name]
    graph = {'layout': layout, 'mode': mode} | ({'num_filter': 3} if mode == 'random' else {})
    torch.manual_seed(0)
    model = network(graph, num_person=people, **own | settings).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for key, buffer in model.named_buffers():
            if key.endswith(('running_mean', 'running_var')):
                buffer.add_(0.3 * torch.rand_like(buffer))
    for layer in model.modules():
        if isinstance(layer, nn.Dropout) and 'tcn_dropout' not in settings:
            layer.p = 0.0
    return model


def clips(present: int, number: int = 3, people: int = 2, joints: int = 25) -> torch.Tensor:
    """Return key points (N, M, T, V, 3), of each clip only the first `present` people not zero."""
    torch.manual_seed(1)
    x = torch.randn(number, people, 12, joints, 3, dtype=torch.float64)
    x[:, present:] = 0
    return x


def outputs(out):
    return out if isinstance(out, tuple) else (out,)


def answer(model, x):
    with torch.no_grad():
        return outputs(model.eval()(x))


def step(model, x):
    """Return loss, gradients and statistics of one training step of a copy."""
    model = copy.deepcopy(model).train()
    features, *graph = outputs(model(x))
    loss = sum(part.square().sum() for part in (features.mean((2, 3, 4)), *graph))
    loss.backward()
    grads = {key: p.grad for key, p in model.named_parameters() if p.grad is not None}
    return loss.detach(), grads, dict(model.named_buffers())


def assert_same(ours, plain, tolerance=1e-9):
    torch.testing.assert_close(ours, plain, rtol=tolerance, atol=tolerance)


@pytest.fixture
def passed(monkeypatch):
    """How many people each pass through an ST-GCN saw."""
    seen, plain = [], STGCN.person_features
    monkeypatch.setattr(
        STGCN, 'person_features', lambda self, x: seen.append(len(x)) or plain(self, x)
    )
    return seen


# -- the numbers -----------------------------------------------------------------------------------


@every_network
@pytest.mark.parametrize('present', [1, 2])
@pytest.mark.parametrize('fused', [False, True])
def test_answers_are_the_plain_networks(name, present, fused):
    plain, x = made(name), clips(present)
    fast = speed_up(copy.deepcopy(plain))
    if fused:
        fuse_conv_bn(fast)
    expected = answer(plain, x)
    assert_same(answer(fast, x), expected)
    assert_same(answer(fast, x), expected)  # now absent people are remembered


@every_network
@pytest.mark.parametrize('present', [1, 2])
def test_a_training_step_is_the_plain_networks(name, present):
    plain, x = made(name), clips(present)
    assert_same(step(speed_up(copy.deepcopy(plain)), x), step(plain, x))


@every_network
def test_gradients_in_testing_are_the_plain_networks(name):
    plain, x, grads = made(name).eval(), clips(1).requires_grad_(), []
    for model in (plain, speed_up(copy.deepcopy(plain))):
        loss = outputs(model(x))[0].square().sum()
        grads.append(torch.autograd.grad(loss, [x, *model.parameters()], allow_unused=True))
    assert_same(grads[1], grads[0])


@pytest.mark.parametrize('name', ['ST-GCN++', 'AAGCN', 'CTRGCN', 'DGSTGCN'])
def test_another_layout_and_number_of_people(name):
    plain, x = made(name, 'handmp', people=3), clips(1, number=2, people=3, joints=21)
    fast = speed_up(copy.deepcopy(plain))
    assert_same(answer(fast, x), answer(plain, x))
    assert_same(step(fast, x), step(plain, x))


@every_network
def test_in_float32_the_answers_differ_by_rounding_only(name):
    plain, x = made(name).eval(), clips(1)
    expected = answer(plain, x)
    fast = plain.float()
    fuse_conv_bn(fast)
    ours = answer(speed_up(fast), x.float())
    for a, b in zip(ours, expected):
        assert (a - b).abs().max() <= 2e-5 * b.abs().max()


@pytest.mark.parametrize('stride', [1, 2])
def test_a_wide_convolution_over_time_is_torchs(stride):
    conv = nn.Conv2d(WIDE, WIDE, (5, 1), (stride, 1), (4, 0), (2, 1)).double()
    x = torch.randn(2, WIDE, 9, 3, dtype=torch.float64)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    ours, expected = conv_norm(x, conv), conv(x)
    weight = torch.randn_like(expected)
    assert type(ours.grad_fn).__name__ == 'WideConvolutionBackward'
    assert_same(ours, expected)
    inputs = [x, *conv.parameters()]
    assert_same(
        torch.autograd.grad(ours, inputs, weight), torch.autograd.grad(expected, inputs, weight)
    )


@pytest.mark.parametrize('frames', [1, 2, 7, 8])
@pytest.mark.parametrize('stride', [1, 2, 3])
def test_pooling_by_neighbouring_frames_is_max_pooling(frames, stride):
    pool, x = nn.MaxPool2d((3, 1), (stride, 1), (1, 0)), torch.randn(2, 3, frames, 5)
    with torch.no_grad():
        assert torch.equal(max_pool(x, pool), pool(x))


# -- who passes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(('present', 'expected'), [(1, 4), (2, 6)])
def test_absent_people_pass_once_in_training(passed, present, expected):
    speed_up(made('ST-GCN++')).train()(clips(present))
    assert passed == [expected]


def test_absent_people_pass_once_in_testing_and_not_again(passed):
    model, x = speed_up(made('ST-GCN++')), clips(1)
    answer(model, x), answer(model, x)
    assert passed == [4, 3]


def test_people_of_each_place_are_apart_where_they_are_normalised_apart(passed):
    model, x = speed_up(made('STGCN', data_bn_type='MVC')), clips(1)
    x[0] = 0
    answer(model, x)
    assert passed == [4]  # two present, and one absent of each place


def test_distinct_people_are_sorted_by_how_often_they_occur():
    people = torch.arange(5.0)[:, None, None, None].expand(5, 3, 4, 2).clone()
    people[3] = people[1] = people[0]
    people[4, 0, 2, 1] = 9
    distinct = DistinctPeople.of(people)
    assert (distinct.chosen, distinct.index) == ([2, 4, 0], [2, 2, 0, 2, 1])
    assert distinct.times == [1, 1, 3]
    assert distinct.poses[1] is None
    assert DistinctPeople.of(torch.rand(3, 3, 4, 2)) is None


@pytest.mark.parametrize('way', ['version', 'data', 'buffer', 'layer', 'length'])
def test_kept_features_are_dropped_when_the_network_changes(way):
    plain, x = made('ST-GCN++').eval(), clips(1)
    fast = speed_up(copy.deepcopy(plain))
    answer(fast, x)
    for model in (plain, fast):
        with torch.no_grad():
            if way == 'version':
                model.gcn[1].gcn.A.mul_(2)
            elif way == 'data':
                model.gcn[1].gcn.A.data.mul_(2)
            elif way == 'buffer':
                model.gcn[1].gcn.bn.running_mean.add_(1)
            elif way == 'layer':
                model.gcn[1].relu = nn.Tanh()
    x = x[:, :, :7] if way == 'length' else x
    assert_same(answer(fast, x), answer(plain, x))


def test_with_dropout_everybody_passes_in_training(passed):
    plain, x = made('ST-GCN++', tcn_dropout=0.5), clips(1)
    steps = []
    for model in (plain, speed_up(copy.deepcopy(plain))):
        torch.manual_seed(3)
        steps.append(step(model, x))
    assert passed == [6, 6]
    assert steps[1][0].isfinite() and steps[1][0] != 0
    answer(model, x)
    assert passed[2:] == [4]


class Mixing(nn.Module):
    def forward(self, x):
        return x + x.mean(0)


def test_a_users_layer_may_look_at_all_people(passed):
    plain, x = made('ST-GCN++'), clips(1)
    plain.gcn[1].relu = Mixing()
    assert_same(answer(speed_up(copy.deepcopy(plain)), x), answer(plain, x))
    assert passed == [6, 6]


# -- what nobody notices ---------------------------------------------------------------------------


@every_network
def test_undoing_it_brings_back_every_class_and_key(name):
    model = made(name)
    kinds, state = [type(m) for m in model.modules()], model.state_dict(keep_vars=True)
    fast = speed_up(model)
    assert fast is model and isinstance(model, PeopleSharing)
    assert not {nn.BatchNorm2d, nn.Conv2d} & {type(m) for m in model.modules()}
    after = model.state_dict(keep_vars=True)
    assert list(after) == list(state) and all(after[key] is state[key] for key in state)
    assert [type(m) for m in undo_speed_up(model).modules()] == kinds


class OwnSTGCN(STGCN):
    pass


class OwnNorm(nn.BatchNorm2d):
    pass


def test_a_users_own_classes_stay():
    model = OwnSTGCN({'layout': 'coco', 'mode': 'spatial'}, **SIZES)
    model.gcn[0].gcn.bn = OwnNorm(12)
    speed_up(model)
    assert type(model) is OwnSTGCN and type(model.gcn[0].gcn.bn) is OwnNorm
    assert type(model.gcn[0].tcn.bn) is ExactBatchNorm2d


@every_network
@pytest.mark.parametrize('training', [False, True])
def test_hooks_see_what_they_see_in_the_plain_network(name, training):
    plain, x = made(name), clips(1)
    seen = []
    for model in (plain, speed_up(copy.deepcopy(plain))):
        outs = {}
        for key, layer in model.named_modules():

            def keep(layer, args, out, key=key, outs=outs):
                outs.setdefault(key, []).append(outputs(out)[0].detach().clone())

            layer.register_forward_hook(keep)
        model.train(training)(x)
        seen.append(outs)
    assert seen[0].keys() == seen[1].keys()
    assert_same(seen[1], seen[0])


def test_torch_export_sees_plain_layers():
    model = speed_up(made('ST-GCN++')).eval()
    x = clips(1, 1)
    program = torch.export.export(model, (x,))
    names = {str(node.target) for node in program.graph.nodes if node.op == 'call_function'}
    assert {'aten.conv2d.default', 'aten.einsum.default', 'aten.max_pool2d.default'} <= names
    assert not any('linear' in target or 'mkldnn' in target for target in names)
    assert_same(program.module()(x), answer(model, x)[0])


@every_network
@pytest.mark.parametrize('training', [False, True])
def test_bf16_autocast_gives_the_same_but_for_its_rounding(name, training):
    plain, x = made(name).float().train(training), clips(1).float()
    fast = speed_up(copy.deepcopy(plain))
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        ours = outputs(fast(x))[0].float()
    with torch.no_grad():
        expected = outputs(plain(x))[0]
    assert (ours - expected).norm() <= 0.05 * expected.norm()


@pytest.mark.slow
@every_network
def test_torch_compile_sees_plain_layers(name):
    model, x, graphs = speed_up(made(name)).eval(), clips(1), []
    expected = answer(model, x)
    torch._dynamo.reset()
    backend = lambda graph, _: graphs.append(graph) or graph.forward  # noqa: E731
    model.compile(backend=backend, fullgraph=True)
    assert_same(answer(model, x), expected)
    called = ' '.join(str(node.target) for node in graphs[0].graph.nodes)
    assert len(graphs) == 1 and 'conv2d' in called and 'bmm' not in called


@pytest.mark.slow
@pytest.mark.parametrize('training', [False, True])
def test_a_compiled_network_gives_the_same(training):
    plain, x = made('ST-GCN++', num_stages=2).float().train(training), clips(1).float()
    expected = copy.deepcopy(plain)(x)
    torch._dynamo.reset()
    plain.compile()
    assert (plain(x) - expected).abs().max() <= 1e-4 * expected.abs().max()
