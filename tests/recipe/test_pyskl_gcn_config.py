"""Graph configs as PYSKL's and ProtoGCN's users write them, and PYSKL's checkpoints, unchanged."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from config_files import CONFIGS, composed, splits_of
from tiny import script

from pyskl.datasets import build_dataset
from pyskl.datasets.loader import collate
from pyskl.models import build_model
from pyskl.recipe import differences, load_config, read_recipe
from pyskl.scores import load_scores

INPUTS = Path(__file__).parents[1] / 'inputs'
PICKLE = 'data/nturgbd/ntu60_3danno.pkl'
NUM_CLASSES = 60

# So small that it trains in seconds; everything else is as the user wrote it.
SMALL = [
    'model.backbone.base_channels=8',
    'model.cls_head.in_channels=32',
    'data.workers_per_gpu=0',
    'data.train.times=2',
    'total_epochs=1',
]


def clip_in_space(rng: np.random.Generator, label: int, num_people: int) -> np.ndarray:
    """Return (M, T, 25, 3) float16 metres, a person that lifts a hand, as far as its label says."""
    frames = int(rng.integers(40, 130))
    standing = np.linspace(-0.8, 0.8, 25)[:, None] * [0.3, 1, 0.05] + [0, 0, 3]
    joints = np.tile(standing, (num_people, frames, 1, 1)) + rng.normal(
        0, 0.01, (num_people, frames, 25, 3)
    )
    joints[0, :, 9:12, 1] += np.linspace(0, 0.1 * label, frames)[:, None]
    return joints.astype(np.float16)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A user's folder: NTU RGB+D's pickle in the published form (float16, no scores, no picture),
    and the configs.
    """
    folder = tmp_path_factory.mktemp('user')
    rng = np.random.default_rng(0)
    names = [f'S001C001P{n:03}R001A{n % 6 + 1:03}' for n in range(18)]
    clips = []
    for n, name in enumerate(names):
        keypoint, label = clip_in_space(rng, n % 6, 1 + n % 2), n % 6
        frames = keypoint.shape[1]
        clips.append(dict(frame_dir=name, label=label, keypoint=keypoint, total_frames=frames))
    split = dict(xsub_train=names[:12], xsub_val=names[12:])
    (folder / PICKLE).parent.mkdir(parents=True)
    with open(folder / PICKLE, 'wb') as file:
        pickle.dump(dict(split=split, annotations=clips), file)
    for file in INPUTS.glob('user_*gcn.py'):
        (folder / file.name).write_text(file.read_text())
    return folder


def test_pyskls_flat_config_is_the_shipped_one():
    shipped = CONFIGS / 'stgcn++' / 'stgcn++_ntu60_xsub_3dkp.py'
    ours = read_recipe(load_config(shipped, ['stream=b']))
    theirs = read_recipe(load_config(INPUTS / 'user_stgcn.py'))
    assert theirs.notes == () and differences(ours.results(), theirs.results()) == []
    for split, part in splits_of(theirs).items():
        assert composed(part['pipeline']) == composed(splits_of(ours)[split]['pipeline'])


def test_pyskls_flat_config_trains_and_is_tested(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert script('train').main(['user_stgcn.py', '--cfg-options', *SMALL]) == 0
    assert script('test').main(['user_stgcn.py', '--cfg-options', *SMALL]) == 0
    run_dir = folder / 'work_dirs' / 'stgcn++' / 'user' / 'b'
    found = load_scores(run_dir / 'scores.npz')
    assert found.scores.shape == (6, NUM_CLASSES)
    np.testing.assert_allclose(found.scores.sum(1), 1, atol=1e-5)
    assert (run_dir / 'result.pkl').exists() and 'top1_acc' in capsys.readouterr().out


def test_a_checkpoint_of_pyskls_form_is_tested_as_it_is(folder, monkeypatch):
    """Beside the weights mmcv's files hold what belongs to its own runner; there is no embedding in
    them.
    """
    monkeypatch.chdir(folder)
    recipe = read_recipe(load_config('user_stgcn.py', SMALL))
    torch.manual_seed(0)
    weights = build_model(recipe.model_config()[0]).state_dict()
    assert not any('emb' in key for key in weights)
    meta = dict(mmcv_version='1.5.0', epoch=16, iter=5008, seed=None, hook_msgs={})
    group = dict(lr=0.0, momentum=0.9, dampening=0, weight_decay=5e-4, nesterov=True, params=[0])
    optimizer = dict(state={0: dict(momentum_buffer=torch.zeros(2))}, param_groups=[group])
    torch.save(dict(meta=meta, state_dict=weights, optimizer=optimizer), 'j.pth')
    words = ['-C', 'j.pth', '--out', 'out.pkl', '--cfg-options', *SMALL]
    assert script('test').main(['user_stgcn.py', *words]) == 0
    with open('out.pkl', 'rb') as file:
        assert np.shape(pickle.load(file)) == (6, NUM_CLASSES)


def test_protogcns_flat_config_is_the_shipped_one():
    ours = read_recipe(load_config(CONFIGS / 'protogcn' / 'ntu120_xsub' / 'k.py'))
    theirs = read_recipe(load_config(INPUTS / 'user_protogcn.py'))
    assert theirs.notes == () and theirs.model == ours.model
    for split, part in splits_of(theirs).items():
        assert composed(part['pipeline']) == composed(splits_of(ours)[split]['pipeline'])


def test_protogcns_flat_config_builds_what_trains(folder):
    ann_file = {'data.train.ann_file': str(folder / PICKLE)}
    recipe = read_recipe(load_config(folder / 'user_protogcn.py', ann_file))
    dataset = build_dataset(recipe.data.train)
    samples = [dataset[index] for index in (0, 1)]
    assert samples[0]['keypoint'].shape == (1, 2, 100, 25, 3)
    model = build_model(recipe.model_config()[0])
    assert sum(p.numel() for p in model.backbone.parameters()) == 4_161_504 - 2 * 300 * 384
    losses = model(collate(samples))
    (losses['loss_cls'] + losses['loss_contrast']).backward()
    assert model.cls_head.csc_loss.cl_fc.weight.grad.abs().max() > 0
