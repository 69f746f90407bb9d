"""Checkpoints as .safetensors and back."""

import json
import logging
import sys

import numpy as np
import pytest
import torch
from graph_goldens import fill
from tiny import script

from pyskl.apis.setup import load_start
from pyskl.engine.checkpoint import load_weights, read_checkpoint, write_checkpoint
from pyskl.errors import CheckpointError, UserError
from pyskl.files import safe_tensors
from pyskl.models import BACKBONES, build_model
from pyskl.recipe import read_recipe

pytest.importorskip('safetensors')
from safetensors.torch import load_file, save  # noqa: E402

GRAPH = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN',
        graph_cfg=dict(layout='coco', mode='stgcn_spatial'),
        num_stages=2,
        base_channels=4,
        inflate_stages=[2],
        down_stages=[2],
    ),
    cls_head=dict(type='GCNHead', num_classes=5, in_channels=8, loss_emb=None),
)


def pretrained_backbone(path):
    """The backbone of GRAPH, started from a checkpoint."""
    return {**GRAPH['backbone'], 'pretrained': str(path)}


META = {'label_names': ['a', 'é'], 'epoch': 3, 'layouts': [{'name': 'x', 'bones': [[1, 0]]}]}


@pytest.fixture
def network():
    return fill(build_model(GRAPH)).eval()


def convert(line):
    script('convert_checkpoint').main(line.split())


def assert_same_weights(found, network):
    assert list(found) == list(network.state_dict())
    for key, value in network.state_dict().items():
        assert found[key].dtype == value.dtype and torch.equal(found[key], value), key


def test_there_and_back_nothing_changes(tmp_path, network):
    content = {'meta': META, 'state_dict': network.state_dict(), 'optimizer': {}}
    write_checkpoint(tmp_path / 'a.pth', content)
    convert(f'{tmp_path}/a.pth -o {tmp_path}/b.safetensors')
    convert(f'{tmp_path}/b.safetensors -o {tmp_path}/c.pth')
    for name in ('b.safetensors', 'c.pth'):
        found = read_checkpoint(tmp_path / name)
        weights = {key: found['state_dict'][key] for key in network.state_dict()}
        assert len(weights) == len(found['state_dict'])
        assert_same_weights(weights, network)
        assert found['meta'] == META and 'optimizer' not in found
    assert set(load_file(tmp_path / 'b.safetensors')) == set(network.state_dict())


def test_training_starts_from_either_kind(tmp_path, network):
    write_checkpoint(tmp_path / 'a.pth', {'state_dict': network.state_dict()})
    convert(f'{tmp_path}/a.pth -o {tmp_path}/b.safetensors')
    started = build_model({**GRAPH, 'backbone': pretrained_backbone(tmp_path / 'b.safetensors')})
    assert_same_weights(started.backbone.state_dict(), network.backbone)
    recipe = read_recipe({'load_from': str(tmp_path / 'b.safetensors')})
    whole = build_model(GRAPH)
    load_start(whole, recipe, logging.getLogger('pyskl'))
    assert_same_weights(whole.state_dict(), network)


def test_other_names_are_translated(tmp_path, network, capsys):
    ours = network.state_dict()
    theirs = {f'module.{key}'.replace('fc_cls', 'fc'): value for key, value in ours.items()}
    torch.save({'state_dict': theirs}, tmp_path / 'mmaction.pth')
    convert(f'{tmp_path}/mmaction.pth -o {tmp_path}/ours.safetensors')
    assert 'cls_head.fc is read as cls_head.fc_cls' in capsys.readouterr().out
    other, read = build_model(GRAPH), read_checkpoint(tmp_path / 'ours.safetensors')['state_dict']
    assert load_weights(other, read, '') == []
    assert_same_weights(other.state_dict(), network)


def test_shared_and_transposed_tensors_are_written_out(tmp_path):
    row = torch.arange(6.0)
    weights = {'a': row, 'b': row.view(2, 3).T, 'c': row.half()}
    file = tmp_path / 'a.safetensors'
    left = safe_tensors.save_safe_tensors(file, weights, {'x': np.ones(2), 'y': 1})
    found = safe_tensors.load_safe_tensors(file)
    assert left == ['x'] and found['meta'] == {'y': 1}
    assert all(torch.equal(found['state_dict'][name], value) for name, value in weights.items())


@pytest.mark.parametrize('content', [
    b'', b'no tensors', (1 << 60).to_bytes(8, 'little') + b'{}',
    save({'a': torch.ones(3)})[:-4],
    save({'a': torch.ones(3)}, {'meta': '[' * 50_000}),
    save({'a': torch.ones(3)}, {'meta': json.dumps([1])}),
], ids=['empty', 'text', 'long header', 'torn', 'deep meta', 'meta no dict'])  # fmt: skip
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / 'bad.safetensors').write_bytes(content)
    with pytest.raises(CheckpointError, match='bad.safetensors: is not a complete checkpoint'):
        convert(f'{tmp_path}/bad.safetensors -o {tmp_path}/a.pth')
    assert not (tmp_path / 'a.pth').exists()
    with pytest.raises(CheckpointError, match='bad.safetensors: cannot be read as a checkpoint'):
        BACKBONES.build(pretrained_backbone(tmp_path / 'bad.safetensors'))


def test_names_that_cannot_be_written_are_refused(tmp_path, network):
    write_checkpoint(tmp_path / 'a.pth', {'state_dict': network.state_dict()})
    for out, facts in (('a.h5', '.safetensors'), ('a.pth', 'Choose another place')):
        with pytest.raises(UserError, match=facts):
            convert(f'{tmp_path}/a.pth -o {tmp_path}/{out}')


def test_without_the_package_one_line_says_what_to_install(tmp_path, network, monkeypatch):
    write_checkpoint(tmp_path / 'a.pth', {'state_dict': network.state_dict()})

    monkeypatch.setitem(sys.modules, 'safetensors.torch', None)
    with pytest.raises(UserError, match=r'\.\[safetensors\]'):
        convert(f'{tmp_path}/a.pth -o {tmp_path}/b.safetensors')
    assert not (tmp_path / 'b.safetensors').exists()
    (tmp_path / 'c.safetensors').write_bytes(b'')
    with pytest.raises(UserError, match=r'\.\[safetensors\]'):
        BACKBONES.build(pretrained_backbone(tmp_path / 'c.safetensors'))
