"""Everything around a network, for graph networks: training, continuing, averaging, mixing, losses,
other labels, files.
"""

from __future__ import annotations

import shutil
import signal

import numpy as np
import pytest
import tiny
import torch
from kill_training import same
from run_files import assert_same_checkpoint, rows
from tiny import run, script
from tiny_graph import EMBEDDING, PROTOGCN, problem

from pyskl.apis import TestOptions, TrainOptions, test, train
from pyskl.apis.setup import build_split, read_run, teach_labels
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.engine.signals import Stopped
from pyskl.engine.trainer import Trainer
from pyskl.models import build_model
from pyskl.models.mixing import Mix
from pyskl.scores.score_file import load_scores

NETWORKS = {'ST-GCN++': '', 'ProtoGCN': PROTOGCN}


@pytest.fixture(scope='module', params=NETWORKS)
def whole(request, tmp_path_factory):
    """An uninterrupted run of 2 epochs x 5 iterations, for each network."""
    folder = tmp_path_factory.mktemp('whole')
    config = problem(folder, extra=NETWORKS[request.param])
    train(config)
    return folder, config


@pytest.mark.parametrize(
    'space',
    [pytest.param(False, id='x y score'), pytest.param(True, id='x y z', marks=pytest.mark.slow)],
)
def test_training_beats_chance_clearly_on_clips_it_has_not_seen(tmp_path, space):
    config = problem(tmp_path, 'total_epochs = 12\n', space=space, num_train=72, num_test=45)
    train(config, TrainOptions(validate=False))
    result = test(config)
    assert result.metrics['top1_acc'] > 0.6  # chance: 0.33
    np.testing.assert_allclose(result.scores.sum(1), 1, atol=1e-5)
    plain = test(config, TestOptions(fuse_conv_bn=False, out=str(tmp_path / 'plain.pkl')))
    np.testing.assert_allclose(result.scores, plain.scores, atol=1e-5)


# -- stopped and continued -------------------------------------------------------------------------


@pytest.fixture
def stop_after(monkeypatch):
    """stop_after(n): SIGTERM comes in the n-th step from now on."""
    step = Trainer.step

    def arm(number):
        left = [number]

        def step_and_signal(self, batch):
            left[0] -= 1
            if left[0] == 0:
                signal.raise_signal(signal.SIGTERM)
            return step(self, batch)

        monkeypatch.setattr(Trainer, 'step', step_and_signal)

    return arm


def test_a_run_stopped_in_the_middle_of_an_epoch_goes_on_as_if_it_never_was(
    whole, tmp_path, stop_after
):
    folder, config = whole
    options = TrainOptions(work_dir=str(tmp_path))
    stop_after(7)
    with pytest.raises(Stopped):
        train(config, options)
    assert read_checkpoint(tmp_path / 'iter_7.pth')['resume']['inner'] == 2
    train(config, options)
    assert_same_checkpoint(folder / 'run' / 'epoch_2.pth', tmp_path / 'epoch_2.pth')
    a, b = (read_checkpoint(path / 'epoch_2.pth') for path in (folder / 'run', tmp_path))
    assert same(a['resume']['head'], b['resume']['head'])


def test_a_checkpoint_holds_pyskls_keys_and_the_head_none_but_its_own(whole):
    """What ProtoGCN remembers of the classes is no weight: it travels in `resume`."""
    folder, config = whole
    saved = read_checkpoint(folder / 'run' / 'epoch_2.pth')
    assert list(saved)[:3] == ['meta', 'state_dict', 'optimizer']
    keys, remembers = set(saved['state_dict']), 'csc_loss' in str(saved['state_dict'].keys())
    head = {'fc_cls.weight', 'fc_cls.bias'}
    head |= {'csc_loss.cl_fc.weight', 'csc_loss.cl_fc.bias'} if remembers else set()
    assert {key for key in keys if key.startswith('cls_head.')} == {
        f'cls_head.{key}' for key in head
    }
    backbone = {key for key in keys if key.startswith('backbone.')}
    assert 'backbone.gcn.0.gcn.A' in backbone and 'backbone.A' not in backbone
    assert len(backbone) + len(head) == len(keys)
    shapes = {name: tuple(value.shape) for name, value in saved['resume']['head'].items()}
    assert shapes == ({'memory': (256, 3)} if remembers else {})


# -- mixing, rare classes --------------------------------------------------------------------------


def test_mixed_clips_train_and_go_on_to_the_same_bits(whole, tmp_path):
    _, config = whole
    mixing = [
        'model.train_cfg=dict(mixup=0.4, cutmix=1.0, prob=0.8)',
        'checkpoint_config=dict(by_epoch=False, interval=3)',
    ]
    train(config, TrainOptions(work_dir=str(tmp_path / 'a')), mixing)
    (tmp_path / 'b').mkdir()
    shutil.copy(tmp_path / 'a' / 'iter_6.pth', tmp_path / 'b')
    train(config, TrainOptions(work_dir=str(tmp_path / 'b')), mixing)
    assert_same_checkpoint(tmp_path / 'a' / 'epoch_2.pth', tmp_path / 'b' / 'epoch_2.pth')
    assert all(np.isfinite(row['loss']) for row in rows(tmp_path / 'a', 'train'))


@pytest.mark.parametrize(
    'box', [None, (slice(2, 5), slice(0, 5), slice(0, 3))], ids=['mixup', 'cutmix']
)
def test_training_on_mixed_key_points_is_training_on_what_was_mixed_by_hand(
    tmp_path, monkeypatch, box
):
    model = build_model(read_run(problem(tmp_path)).recipe.model_config()[0]).eval()
    shape = (2, 1, 1, 8, 5, 3)  # (B, S, M, T, V, C)
    keypoint = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    share = 0.3 if box is None else 5 / 8
    mix = Mix(torch.tensor([1, 0]), share, box)
    monkeypatch.setattr('pyskl.models.recognizers.views.draw_mix', lambda *args: mix)
    ours = model({'keypoint': keypoint, 'label': torch.tensor([0, 2])})
    monkeypatch.setattr('pyskl.models.recognizers.views.draw_mix', lambda *args: None)
    by_hand = share * keypoint + (1 - share) * keypoint.flip(0)
    if box is not None:  # frames 2, 3 and 4 come from the other clip
        by_hand = keypoint.clone()
        by_hand[:, :, :, 2:5] = keypoint.flip(0)[:, :, :, 2:5]
    shares = torch.tensor([[share, 0, 1 - share], [1 - share, 0, share]])
    torch.testing.assert_close(ours, model({'keypoint': by_hand, 'label': shares}))


@pytest.mark.parametrize('rule', ['balanced', 'sqrt'])
def test_rare_classes_are_seen_as_often_as_the_rule_says(tmp_path, rule):
    config = problem(tmp_path, f"data['train'].update(class_prob='{rule}', without_classes=[1])\n")
    recipe = read_run(config).recipe
    dataset, model = build_split(recipe, 'train'), build_model(recipe.model_config()[0])
    assert teach_labels(model, dataset, recipe) == [14, 0, 13]
    ratio = dataset.class_prob[2] / dataset.class_prob[0]
    assert ratio == pytest.approx(14 / 13 if rule == 'balanced' else (14 / 13) ** 0.5)
    train(config, TrainOptions(validate=False), ['total_epochs=1'])
    assert (tmp_path / 'run' / 'epoch_1.pth').exists()


# -- label vectors ---------------------------------------------------------------------------------


def test_label_vectors_are_learnt_where_a_pipeline_collects_them(tmp_path):
    config = problem(tmp_path, EMBEDDING)
    train(config)
    assert {'loss_cls', 'loss_emb'} <= set(rows(tmp_path / 'run', 'train')[0])
    state = read_checkpoint(tmp_path / 'run' / 'latest.pth')['state_dict']
    assert state['cls_head.emb_fc.weight'].shape == (6, 24)
    out = TestOptions(out=str(tmp_path / 'x.pkl'))
    settings = ['model.test_cfg.semantic_weight=1.0', 'model.test_cfg.classes=[0,2]']
    alone = test(config, out, settings).scores
    assert (alone[:, 1] == 0).all() and np.allclose(alone.sum(1), 1, atol=1e-5)
    assert not np.allclose(alone, test(config, out).scores)


def test_classes_never_trained_on_are_answered_by_their_names(tmp_path, capsys):
    four = f"""
model['cls_head']['num_classes'] = 4
for split in ('train', 'val', 'test'):
    data[split]['label_embeddings'] = '{tmp_path}/four.npy'
total_epochs = 1
"""
    config = problem(tmp_path, EMBEDDING + four)
    np.save(tmp_path / 'four.npy', np.eye(4, 6, dtype=np.float32))
    main = script('zero_shot').main
    words = [str(config), '--folds', '2', '--work-dir', str(tmp_path / 'folds'), '--device', 'cpu']
    assert main(words) == 0
    table = (tmp_path / 'folds' / 'table.md').read_text()
    assert table in capsys.readouterr().out and '| 0, 2 | 9 |' in table and '| 1, 3 | 4 |' in table
    counts = read_checkpoint(tmp_path / 'folds' / 'fold_0' / 'latest.pth')['meta']['class_counts']
    assert counts == [0, 13, 0, 0]


# -- around a run ----------------------------------------------------------------------------------


def test_streams_of_heatmaps_and_of_graphs_are_blended(whole, tmp_path, capsys):
    folder, config = whole
    heatmaps = tiny.write_config(folder, extra=f"total_epochs = 1\nwork_dir = '{tmp_path}/heat'\n")
    train(heatmaps, TrainOptions(validate=False))
    graph = test(config, TestOptions(out=str(tmp_path / 'graph.pkl')))
    heat = test(heatmaps)
    files = [tmp_path / 'graph_scores.npz', tmp_path / 'heat' / 'scores.npz']
    words = [*map(str, files), '--weights', '0.5', '0.5', '--out-dir', str(tmp_path / 'out')]
    words += ['--labels', str(folder / 'test.pkl'), '--save-scores', str(tmp_path / 'both.npz')]
    script('ensemble').main(words)
    both = load_scores(tmp_path / 'both.npz')
    assert list(both.ids) == graph.ids == heat.ids
    np.testing.assert_allclose(both.scores, (graph.scores + heat.scores) / 2, atol=1e-6)
    assert 'matched by id' in capsys.readouterr().out


@pytest.mark.slow
def test_two_processes_train_the_same_weights_and_continue_to_the_same_bits(whole, tmp_path):
    folder, config = whole
    every = 'checkpoint_config=dict(by_epoch=False,interval=2) ema=dict(decay=0.8)'
    for name in 'ab':
        work_dir = tmp_path / name
        if name == 'b':
            work_dir.mkdir()
            shutil.copy(tmp_path / 'a' / 'iter_2.pth', work_dir)
        words = ('tools/train.py', config, '--work-dir', work_dir, '--cfg-options', *every.split())
        done = run(*words, processes=2)
        assert done.returncode == 0, done.stderr
    assert_same_checkpoint(tmp_path / 'a' / 'epoch_2.pth', tmp_path / 'b' / 'epoch_2.pth')
    a, b = (read_checkpoint(tmp_path / name / 'epoch_2.pth')['resume'] for name in 'ab')
    assert same(a['raw_state_dict'], b['raw_state_dict']) and same(a['head'], b['head'])


SMALLER = (
    "model['backbone'].update(\n"
    "    num_stages=2, tcn_type='unit_tcn', tcn_kernel_size=3, down_stages=[])\n"
)


@pytest.mark.slow
def test_a_compiled_network_trains_and_answers_alike(tmp_path):
    config = problem(tmp_path, SMALLER)
    losses, scores = [], []
    for compiles in (False, True):
        work_dir = tmp_path / str(compiles)
        options = TrainOptions(work_dir=str(work_dir), compile=compiles, validate=False)
        train(config, options, ['total_epochs=1', 'log_config.interval=1'])
        losses.append([row['loss'] for row in rows(work_dir, 'train')])
        checkpoint, out = str(tmp_path / 'False' / 'latest.pth'), str(tmp_path / 'x.pkl')
        options = TestOptions(checkpoint=checkpoint, out=out, compile=compiles)
        scores.append(test(config, options).scores)
    np.testing.assert_allclose(*losses, rtol=1e-3)
    np.testing.assert_allclose(*scores, atol=1e-5)
