"""speed_up swaps faster layers into a model from outside: where, and that nobody else notices."""

from __future__ import annotations

import copy
import pickle
import sys
from collections import Counter
from functools import partial
from types import SimpleNamespace

import published_model
import pytest
import torch
from mmcv.cnn import ConvModule
from published_model import published, small
from recipe_weights import fill
from tiny import problem
from torch import nn

from pyskl.apis import TestOptions, TrainOptions, init_recognizer, test, train, train_model
from pyskl.datasets import build_dataset
from pyskl.models import build_model, fuse_conv_bn, speed_up
from pyskl.models.backbones import ResNet3dSlowOnly
from pyskl.models.cpu.conv1x1_bn import Conv1x1BatchNorm
from pyskl.models.cpu.conv3d_as_2d import Conv3dAs2d, TemporalConv
from pyskl.models.cpu.exact_batch_norm import ExactBatchNorm3d
from pyskl.models.cpu.frame_sharing import RepeatedFrames, SharedFrames
from pyskl.models.cpu.frame_sharing_recognizer import FrameSharingRecognizer3D
from pyskl.models.cpu.joined_conv import FastBottleneck3d, JoinedConv
from pyskl.models.cpu.pool3d_as_2d import MaxPool3dAs2d
from pyskl.models.cpu.sparse_conv import SparseConv3d, StripConv
from pyskl.models.cpu.speed_up import undo_speed_up
from pyskl.models.layers.conv_layers import LAYERS3D
from pyskl.models.layers.residual import Bottleneck3d
from pyskl.models.recognizers import Recognizer3D
from pyskl.recipe import load_config

FAST = (
    Conv3dAs2d,
    ExactBatchNorm3d,
    MaxPool3dAs2d,
    JoinedConv,
    FastBottleneck3d,
    SparseConv3d,
    FrameSharingRecognizer3D,
)


def plain_model():
    return fill(build_model(small(head={'dropout': 0.0})))


clips_of = partial(published_model.clips_of, num_clips=1, clip_len=12, num_frames=7)


def step(model, clips):
    """One training step; -> its losses."""
    losses = model.train()(
        imgs=clips,
        label=torch.arange(len(clips)),
        emb=torch.ones(len(clips), model.cls_head.emb_dim),
    )
    (losses['loss_cls'] + losses['loss_emb']).backward()
    return losses


def kinds(model):
    return [type(module) for module in model.modules()]


# -- what is swapped -------------------------------------------------------------------------------


def test_every_layer_of_the_published_network_is_swapped():
    found = Counter(kinds(speed_up(build_model(published()))))
    assert {kind: found[kind] for kind in FAST} == {
        SparseConv3d: 1,
        Conv3dAs2d: 42,
        ExactBatchNorm3d: 43,
        MaxPool3dAs2d: 1,
        JoinedConv: 42,
        FastBottleneck3d: 13,
        FrameSharingRecognizer3D: 1,
    }
    assert found[ConvModule] == 1  # the stem's: nothing there can be joined
    assert not any(
        found[kind]
        for kind in (nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d, Bottleneck3d, Recognizer3D)
    )


def test_a_training_step_of_the_published_network_takes_every_fast_path(monkeypatch):
    calls = Counter()
    for function in (Conv1x1BatchNorm, TemporalConv, StripConv):
        apply = function.apply
        monkeypatch.setattr(
            function, 'apply', lambda *args, f=function, run=apply: calls.update([f]) or run(*args)
        )
    repeated = RepeatedFrames.features
    monkeypatch.setattr(
        RepeatedFrames,
        'features',
        lambda self, target: calls.update(['frames']) or repeated(self, target),
    )
    step(speed_up(build_model(published())), clips_of(joints=22, clip_len=8, num_frames=4, size=56))
    # 1x1x1: in layer1 the first conv1, the shortcut and 4 conv3; 6 conv3 in layer2, 3 in layer3.
    # 3x1x1: conv1 of layer2 and layer3.
    assert calls == {Conv1x1BatchNorm: 15, TemporalConv: 9, StripConv: 1, 'frames': 1}


def own(parent):
    """A user's own subclass."""
    return type('Own', (parent,), {})


def test_a_users_own_classes_stay_as_they_are():
    kinds = [own(kind) for kind in (nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d, Bottleneck3d)]
    conv, norm, pool, block = kinds
    block = block(8, 2, (1, 1, 1), None, LAYERS3D, inflate=True)
    model = speed_up(nn.Sequential(conv(1, 8, 1), norm(8), pool(1), block, nn.Conv3d(8, 8, 1)))
    assert [type(layer) for layer in model] == [*kinds, Conv3dAs2d]
    kind, cfg = own(Recognizer3D), small()
    model = speed_up(kind(cfg['backbone'], cfg['cls_head']))
    assert type(model) is kind and type(model.backbone.layer1[0]) is FastBottleneck3d


def test_layers_that_are_not_on_the_cpu_stay_plain():
    model = build_model(small()).to('meta')
    before = kinds(model)
    assert kinds(speed_up(model)) == [FrameSharingRecognizer3D, *before[1:]]


@pytest.mark.parametrize('deterministic', [True, False])
def test_on_cuda_only_pooling_is_swapped_and_only_to_be_deterministic(monkeypatch, deterministic):
    model = build_model(small()).backbone
    before = kinds(model)
    monkeypatch.setattr(
        model, 'parameters', lambda: iter([SimpleNamespace(device=torch.device('cuda'))])
    )
    monkeypatch.setattr(torch, 'are_deterministic_algorithms_enabled', lambda: deterministic)
    assert kinds(speed_up(model)) == [
        MaxPool3dAs2d if deterministic and kind is nn.MaxPool3d else kind for kind in before
    ]


# -- what stays the same ---------------------------------------------------------------------------


def test_weights_stay_the_same_tensors_under_the_same_keys():
    model = plain_model()
    before = model.state_dict(keep_vars=True)
    after = speed_up(model).state_dict(keep_vars=True)
    assert list(after) == list(before) and all(after[key] is before[key] for key in before)


def test_speeding_up_twice_and_undoing_it():
    model = plain_model()
    before = kinds(model)
    fast = kinds(speed_up(model))
    assert kinds(speed_up(model)) == fast != before
    assert kinds(undo_speed_up(model)) == before


@pytest.mark.parametrize(
    'copied',
    [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))],
    ids=['deepcopy', 'pickle'],
)
def test_copies_are_as_fast_and_give_the_same(copied):
    model = speed_up(plain_model())
    again = copied(model)
    assert kinds(again) == kinds(model)
    clips = clips_of(num_clips=4)
    assert torch.equal(
        again.eval().predict({'imgs': clips})['score'],
        model.eval().predict({'imgs': clips})['score'],
    )
    assert step(again, clips_of()) == step(model, clips_of())


@pytest.mark.parametrize(
    'order',
    [(speed_up, fuse_conv_bn), (fuse_conv_bn, speed_up)],
    ids=['before fusing', 'after fusing'],
)
def test_before_and_after_fusing_the_answer_is_the_plain_models(order):
    model, clips = plain_model().eval(), clips_of(num_clips=4)
    expected = model.predict({'imgs': clips})['score']
    for change in order:
        change(model)
    assert not any(isinstance(layer, nn.BatchNorm3d) for layer in model.modules())
    assert (
        type(model.backbone.layer1[0].conv2.conv) is Conv3dAs2d
        and type(model) is FrameSharingRecognizer3D
    )
    torch.testing.assert_close(model.predict({'imgs': clips})['score'], expected, atol=1e-5, rtol=0)


# -- where it is called ----------------------------------------------------------------------------


class Caught(Exception):
    """Holds the model that was about to be trained or tested."""


def catch(model, *args, **kwargs):
    raise Caught(model)


def network_of(call):
    with pytest.raises(Caught) as caught:
        call()
    return caught.value.args[0]


@pytest.mark.parametrize('compile', [False, True])
def test_training_and_testing_are_fast_unless_compiled(tmp_path, monkeypatch, compile):
    config = problem(tmp_path, num_train=4, num_test=4)
    monkeypatch.setattr(sys.modules['pyskl.apis.train'], 'Trainer', catch)
    monkeypatch.setattr(sys.modules['pyskl.apis.test'], 'collect_scores', catch)
    trained = network_of(lambda: train(config, TrainOptions(compile=compile)))
    checkpoint = tmp_path / 'start.pth'
    torch.save({'meta': {}, 'state_dict': trained.state_dict()}, checkpoint)
    tested = network_of(
        lambda: test(config, TestOptions(checkpoint=str(checkpoint), compile=compile))
    )
    for model in (trained, tested):
        assert any(kind in FAST for kind in kinds(model)) is not compile
        assert (type(model) is FrameSharingRecognizer3D) is not compile
        assert (model.backbone._compiled_call_impl is not None) is compile


def test_inference_and_pyskls_train_model_are_fast(tmp_path, monkeypatch):
    config = problem(tmp_path, num_train=4, num_test=4)
    monkeypatch.setattr(sys.modules['pyskl.apis.train'], 'Trainer', catch)
    cfg = load_config(config)
    model = build_model(cfg.model)
    assert network_of(lambda: train_model(model, build_dataset(cfg.data.train), cfg)) is model
    for found in (init_recognizer(config, device='cpu'), model):
        assert type(found.backbone.layer1[0]) is FastBottleneck3d


# -- hooks and recorders see plain layers ----------------------------------------------------------


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize(
    'name',
    [None, '', 'conv1.conv', 'layer1', 'layer1.0.conv3', 'layer1.0.relu', 'layer2.0.conv3.bn'],
    ids=str,
)
def test_hooks_see_what_they_see_in_the_plain_model(name, training):
    """A hook on one layer, or on every layer."""
    seen = []
    for model in (plain_model(), speed_up(plain_model())):
        outs = {}
        for key, layer in model.backbone.named_modules():
            if name in (None, key):
                # A copy: layers behind it may work in place.
                def keep(layer, args, out, key=key, outs=outs):
                    outs.setdefault(key, []).append(out.detach().clone())

                layer.register_forward_hook(keep)
        if training:
            step(model, clips_of())
        else:
            model.test_cfg = type(model.test_cfg)(max_testing_views=100)
            model.eval().predict({'imgs': clips_of(num_samples=1, num_clips=4)})
        seen.append(outs)
    assert name in seen[0] or {'', 'layer1.0.conv3.conv', 'layer1.0.relu'} <= seen[0].keys()
    torch.testing.assert_close(seen[1], seen[0], atol=1e-4, rtol=1e-4)


def test_a_hook_on_a_late_layer_does_not_keep_clips_from_sharing_frames(monkeypatch):
    calls, shared = [], SharedFrames.features
    monkeypatch.setattr(SharedFrames, 'features', lambda *args: calls.append(1) or shared(*args))
    model, clips = speed_up(plain_model()).eval(), clips_of(num_samples=1, num_clips=4)
    seen = []
    model.backbone.layer3.register_forward_hook(lambda layer, args, out: seen.append(out.shape[0]))
    model.predict({'imgs': clips})['score']
    assert calls == [1] and sum(seen) == 4
    model.backbone.layer1.register_forward_hook(lambda layer, args, out: seen.append(out.shape[0]))
    model.predict({'imgs': clips})['score']
    assert calls == [1] and sum(seen) == 3 * 4


@pytest.fixture
def recorded():
    """A fast backbone, a volume with channels last, and what the plain one gives."""
    model = plain_model().eval()
    x = torch.rand(2, 3, 4, 16, 16).contiguous(memory_format=torch.channels_last_3d)
    with torch.no_grad():
        expected = model.backbone(x)
    return speed_up(model).backbone, x, expected


PLAIN = {'add', 'batch_norm', 'conv3d', 'max_pool3d', 'relu_'}


def test_torch_export_sees_plain_layers(recorded):
    backbone, x, expected = recorded
    program = torch.export.export(backbone, (x,))
    names = {str(node.target) for node in program.graph.nodes if node.op == 'call_function'}
    assert {name.split('.')[1] for name in names} == PLAIN
    torch.testing.assert_close(program.module()(x), expected)


def test_torch_jit_trace_sees_plain_layers(recorded):
    backbone, x, expected = recorded
    traced = torch.jit.trace(backbone, x)
    names = {node.kind() for node in traced.inlined_graph.nodes() if 'aten' in node.kind()}
    assert names == {f'aten::{name}' for name in PLAIN - {'conv3d'} | {'_convolution'}}
    torch.testing.assert_close(traced(x), expected)


@pytest.mark.parametrize('training', [True, False])
def test_torch_compile_sees_plain_layers(recorded, training):
    backbone, x, expected = recorded
    torch._dynamo.reset()
    graphs = []
    backbone.train(training).compile(
        backend=lambda graph, _: graphs.append(graph) or graph.forward, fullgraph=True
    )
    out = backbone(x)
    functions = [node.target for node in graphs[0].graph.nodes if node.op == 'call_function']
    names = {getattr(target, '__name__', target).strip('_') for target in functions}
    assert len(graphs) == 1 and names - {'iadd'} == {name.strip('_') for name in PLAIN}
    if not training:
        torch.testing.assert_close(out, expected)


# -- a user's own features are used ----------------------------------------------------------------


def noting(kind):
    """A fast model in which something of a user's own doubles features, and notes all frames."""
    seen = []

    def doubled(extract):
        def call(*args):
            seen.append(args[-1].shape[0] * args[-1].shape[2])
            return 2 * extract(*args)

        return call

    model = plain_model()
    if kind == 'recognizer class':
        extract = doubled(Recognizer3D.extract_feat)
        model.__class__ = type('Own', (Recognizer3D,), {'extract_feat': extract})
    elif kind == 'backbone class':
        forward = doubled(ResNet3dSlowOnly.forward)
        model.backbone.__class__ = type('Own', (ResNet3dSlowOnly,), {'forward': forward})
    elif kind == 'recognizer attribute':
        model.extract_feat = doubled(model.extract_feat)
    else:
        model.backbone.forward = doubled(model.backbone.forward)
    return speed_up(model), seen


@pytest.mark.parametrize(
    'kind', ['recognizer class', 'backbone class', 'recognizer attribute', 'backbone attribute']
)
def test_a_users_own_features_are_asked_for_in_training_and_testing(kind):
    model, seen = noting(kind)
    step(model, clips_of())
    assert sum(seen) == 2 * 12
    seen.clear()
    clips = clips_of(num_samples=1, num_clips=4)
    scores = model.eval().predict({'imgs': clips})['score']
    assert sum(seen) == 4 * 12
    drawn = model.predict({'imgs': clips.draw()})['score']
    torch.testing.assert_close(scores, drawn)
