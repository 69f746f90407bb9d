"""Checkpoints of MMAction2 and of users' scripts: read as data, with weights under our names."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub

from pyskl.engine.checkpoint import load_weights, read_checkpoint
from pyskl.errors import CheckpointError
from pyskl.models import build_model
from pyskl.models.foreign_weights import to_our_names
from pyskl.models.pretrained import read_state_dict

GRAPH = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN', graph_cfg=dict(layout='coco'), num_stages=3, base_channels=4,
        inflate_stages=[3], down_stages=[3],
    ),
    cls_head=dict(type='GCNHead', num_classes=5, in_channels=8, loss_emb=None),
)  # fmt: skip


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build_model(GRAPH).eval()


def saved(folder: Path, content: object, zipped: bool = True) -> Path:
    torch.save(content, folder / 'a.pth', _use_new_zipfile_serialization=zipped)
    return folder / 'a.pth'


def fits(network: torch.nn.Module, path: Path) -> list[str]:
    """Load the file into a new network, which must answer as `network` does; return the notes."""
    torch.manual_seed(1)
    other = build_model(GRAPH).eval()
    checkpoint = read_checkpoint(path)
    assert load_weights(other, checkpoint['state_dict'], str(path)) == []
    keypoint = torch.randn(1, 1, 2, 6, 17, 3)
    answers = (model(keypoint=keypoint, return_loss=False) for model in (other, network))
    np.testing.assert_array_equal(*map(np.asarray, answers))
    return checkpoint['notes']


@pytest.mark.parametrize('zipped', [True, False])
def test_a_checkpoint_of_mmaction_1x_is_read(tmp_path, network, zipped):
    """As its runner saves it: logs, another name of the classifier, picture statistics."""
    hub = MessageHub('training')
    for step in range(3):
        hub.update_scalar('train/loss', 1.0 - step)
    hub.update_info('epoch', 2)
    weights = {
        key.replace('cls_head.fc_cls.', 'cls_head.fc.'): value
        for key, value in network.state_dict().items()
    }
    weights['data_preprocessor.mean'] = torch.zeros(3, 1, 1)
    meta = dict(epoch=2, seed=np.int64(7), score=np.float32(0.5), cfg='model = ...')
    path = saved(
        tmp_path, dict(state_dict=weights, meta=meta, message_hub=hub.state_dict()), zipped
    )
    notes = fits(network, path)
    assert 'data_preprocessor.mean dropped' in notes[0] and 'cls_head.fc is read' in notes[1]
    assert read_checkpoint(path)['meta']['seed'] == 7
    assert not any(key.startswith('data_pre') for key in read_state_dict(path))


def test_options_and_paths_in_the_meta_are_data(tmp_path, network):
    options = argparse.Namespace(lr=0.1, work_dir=Path('runs/a'))
    meta = dict(args=options, config=Path('runs/a/b.py'), history=np.arange(3.0))
    path = saved(tmp_path, dict(state_dict=network.state_dict(), meta=meta))
    assert fits(network, path) == []
    found = read_checkpoint(path)['meta']
    assert found['args'] == {'lr': 0.1, 'work_dir': 'runs/a'} and found['config'] == 'runs/a/b.py'


@pytest.mark.parametrize('key', ['model', 'model_state_dict', 'net', None])
def test_weights_are_found_below_other_keys(tmp_path, network, key):
    weights = {f'module.{name}': value for name, value in network.state_dict().items()}
    notes = fits(network, saved(tmp_path, weights if key is None else {key: weights, 'epoch': 3}))
    assert notes == ([] if key is None else [f'the weights were found under {key!r}.'])


# What MMAction2 0.x calls the parts of a block, beside ours.
BLOCK_0 = {
    'gcn.conv.': 'gcn.conv.',
    'tcn.0.': 'gcn.bn.',
    'tcn.2.': 'tcn.conv.',
    'tcn.3.': 'tcn.bn.',
    'residual.0.': 'residual.conv.',
    'residual.1.': 'residual.bn.',
}


def as_0x(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    theirs = {}
    for key, value in state.items():
        if key.startswith('backbone.gcn.'):
            block, part = key.removeprefix('backbone.gcn.').split('.', 1)
            if part in ('gcn.A', 'gcn.PA'):
                key = 'backbone.A' if part == 'gcn.A' else f'backbone.edge_importance.{block}'
            else:
                old, new = next(pair for pair in BLOCK_0.items() if part.startswith(pair[1]))
                key = f'backbone.st_gcn_networks.{block}.{old}{part.removeprefix(new)}'
        elif key == 'cls_head.fc_cls.weight':
            key, value = 'cls_head.fc.weight', value[..., None, None]
        theirs[key.replace('cls_head.fc_cls.', 'cls_head.fc.')] = value
    return theirs


def test_an_st_gcn_of_mmaction_0x_computes_the_same(tmp_path, network):
    theirs = as_0x(network.state_dict())
    assert theirs['cls_head.fc.weight'].shape == (5, 8, 1, 1) and 'backbone.A' in theirs
    notes = fits(network, saved(tmp_path, dict(state_dict=theirs, meta={})))
    assert any('0.x' in note for note in notes)


def test_an_agcn_of_mmaction_0x_is_refused_by_name():
    with pytest.raises(CheckpointError, match=r'a\.pth: .*AGCN of MMAction2 0\.x'):
        to_our_names({'backbone.agcn_networks.0.gcn.PA': torch.zeros(1)}, 'a.pth')


@pytest.mark.parametrize('read', [read_checkpoint, read_state_dict])
@pytest.mark.parametrize(
    ('address', 'line'),
    [
        ('a/k400.pth', 'wget https://download.example.org/a/k400.pth -P work_dirs'),
        ('k400.pth?a=1', "wget 'https://download.example.org/k400.pth?a=1' -O work_dirs/k400.pth"),
    ],
)
def test_an_address_is_answered_with_the_line_that_fetches_it(read, address, line):
    with pytest.raises(CheckpointError) as caught:
        read(f'https://download.example.org/{address}')
    _, fetch, setting = str(caught.value).splitlines()
    assert fetch.strip() == line and "'work_dirs/k400.pth'" in setting


def test_what_was_changed_is_logged_at_the_start_of_a_training(tmp_path, network, caplog):
    from pyskl.apis.setup import load_start
    from pyskl.recipe import read_recipe

    path = saved(tmp_path, {'model': network.state_dict()})
    recipe = read_recipe(dict(load_from=str(path)))
    with caplog.at_level(logging.INFO, 'pyskl'):
        load_start(network, recipe, logging.getLogger('pyskl'))
    assert "found under 'model'" in caplog.text


SLOWFAST = {
    'backbone.slow_path.conv1.bn.weight': torch.ones(2),
    'backbone.slow_path.layer1.0.conv3.bn.weight': torch.ones(3),
    'backbone.fast_path.layer1.0.conv3.bn.weight': torch.ones(2),
    'cls_head.fc_cls.weight': torch.tensor([[1.0, 2, 3, 4, 5], [6, 7, 8, 9, 10]]),
}
SLOW_FIRST = torch.tensor([[3.0, 4, 5, 1, 2], [8, 9, 10, 6, 7]])


@pytest.mark.parametrize(
    'beside',
    [
        dict(meta=dict(mmengine_version='0.7.2')),
        dict(meta=dict(mmaction_version='0.24.0')),
        dict(meta={}, message_hub={}),
    ],
)
def test_slowfasts_classifier_of_mmaction_is_put_slow_first(tmp_path, beside):
    path = saved(tmp_path, dict(state_dict=SLOWFAST, **beside))
    checkpoint = read_checkpoint(path)
    assert torch.equal(checkpoint['state_dict']['cls_head.fc_cls.weight'], SLOW_FIRST)
    assert len(checkpoint['notes']) == 1 and 'slow first' in checkpoint['notes'][0]


@pytest.mark.parametrize('meta', [{}, dict(pyskl_version='0.1.0', mmcv_version='1.7.2')])
def test_slowfasts_classifier_of_ours_stays_as_it_is(tmp_path, meta):
    checkpoint = read_checkpoint(saved(tmp_path, dict(state_dict=SLOWFAST, meta=meta)))
    own = checkpoint['state_dict']['cls_head.fc_cls.weight']
    assert torch.equal(own, SLOWFAST['cls_head.fc_cls.weight']) and checkpoint['notes'] == []
