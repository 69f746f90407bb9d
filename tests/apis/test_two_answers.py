"""A network with two answers through the house: trained, continued, tested, its answers blended.

The clips are tensors of a small data set of the config's own (tests/pairs).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from run_files import assert_same_checkpoint, rows
from tiny import script

from pyskl.annotations import make_annotation, write_annotations
from pyskl.apis import TestOptions, TrainOptions, test, train
from pyskl.engine.checkpoint import CheckpointFolder
from pyskl.errors import ConfigError
from pyskl.evaluation import top_k_accuracy
from pyskl.files import load_npz, load_pickle
from pyskl.recipe import import_custom_modules, load_config, read_recipe
from pyskl.report import ReportOptions, build_report
from pyskl.report.sources import read_stream
from pyskl.scores.score_file import load_scores

PAIRS = Path(__file__).parents[1] / 'pairs'
LABELS = np.arange(12) % 3
FIGURES = ('top1_acc', 'top2_acc', 'mean_class_accuracy')
PREFIXES = ('', 'rgb_', 'pose_', 'RGBPose_1:1_', 'RGBPose_2:1_', 'RGBPose_1:2_')


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """A folder with the config and its data set."""
    folder = tmp_path_factory.mktemp('pairs')
    shutil.copytree(PAIRS, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def config(files, monkeypatch):
    """The config; beside it `run`, two epochs with an average of the weights and mixed clips."""
    monkeypatch.chdir(files)
    if not (files / 'run').exists():
        train('pairs_config.py', cfg_options=SETTINGS)
    return 'pairs_config.py'


SETTINGS = {
    'ema': dict(decay=0.5),
    'model.train_cfg': dict(mixup=0.4, cutmix=1.0, prob=0.8),
    'evaluation.save_best': 'RGBPose_2:1_top1_acc',
    'checkpoint_config': dict(by_epoch=False, interval=2),
}


def write_clips(split):
    """Write an annotation file of the split's clips."""
    ids = [f'{split}_{i}' for i in range(12)]
    clips = [
        make_annotation(name, np.ones((1, 2, 5, 2)), label=int(label), img_shape=(9, 9))
        for name, label in zip(ids, LABELS)
    ]
    write_annotations(f'{split}.pkl', {split: ids}, clips)


def test_losses_of_both_answers_are_logged_and_all_figures_judged(config):
    trained, judged = rows(Path('run'), 'train')[0], rows(Path('run'), 'val')[-1]
    losses = [f'{name}_{loss}' for name in ('rgb', 'pose') for loss in ('loss_cls', 'loss_emb')]
    assert trained['loss'] == pytest.approx(sum(trained[name] for name in losses), rel=1e-5)
    assert {f'{prefix}{name}' for prefix in PREFIXES for name in FIGURES} <= judged.keys()
    best = CheckpointFolder(Path('run')).best()
    assert best.name.startswith('best_RGBPose_2:1_top1_acc_epoch_')


def test_a_run_is_continued_to_the_same_bits(config):
    train(config, TrainOptions(work_dir='again'), {**SETTINGS, 'resume_from': 'run/iter_4.pth'})
    assert_same_checkpoint('run/epoch_2.pth', 'again/epoch_2.pth')


def test_half_precision_trains_and_tests(config):
    train(config, TrainOptions(work_dir='half', amp='bf16'), {'total_epochs': 1})
    result = test(config, TestOptions(work_dir='half', amp='bf16'))
    np.testing.assert_allclose(result.scores.sum(1), 1, atol=1e-2)


def test_results_hold_both_answers_and_the_joint_one(config):
    result = test(config)
    parts = {name: load_scores(f'run/scores.npz:{name}') for name in ('rgb', 'pose')}
    joint = load_scores('run/scores.npz')
    for scores in (joint, *parts.values()):
        assert scores.ids == tuple(f'test_{i}' for i in range(12))
        assert scores.checkpoint == 'epoch_2.pth'
    rgb, pose = parts['rgb'].scores, parts['pose'].scores
    np.testing.assert_allclose(joint.scores, (rgb + pose) / 2, atol=1e-6)
    np.testing.assert_array_equal(joint.scores, result.scores)
    written = load_pickle('run/result.pkl')
    for name, scores in (('rgb', rgb), ('pose', pose)):
        np.testing.assert_array_equal([row[name] for row in written], scores)
    metrics = json.loads(Path('run/metrics.json').read_text())['metrics']
    assert list(metrics) == [f'{prefix}{name}' for prefix in PREFIXES for name in FIGURES]
    for prefix, scores in (('rgb_', rgb), ('pose_', pose), ('RGBPose_2:1_', 2 * rgb + pose)):
        assert metrics[f'{prefix}top1_acc'] == top_k_accuracy(scores, LABELS, 1)[0]


def test_the_ensemble_blends_the_answers_as_streams(config, capsys):
    test(config)
    test(config, TestOptions(split='test', out='other/result.pkl', average_clips='score'))
    streams = ['run/scores.npz:rgb', 'run/scores.npz:pose', 'other/scores.npz']
    out = ['--out-dir', 'blend', '--save-scores', 'blend/scores.npz']
    script('ensemble').main([*streams, '--weights', '1', '2', '0.5', *out])
    blended = sum(w * load_scores(s).scores for w, s in zip((1, 2, 0.5), streams))
    np.testing.assert_allclose(load_scores('blend/scores.npz').scores, blended, rtol=1e-6)


def test_weights_are_fitted_on_the_same_answers_of_another_split(config, capsys):
    test(config)
    ids = [f'val_{i}' for i in range(12)]
    # The joint scores of the val split say nothing: only the parts are to be read.
    rng = np.random.default_rng(0)
    good, bad = np.eye(3)[LABELS] * 0.7 + 0.1, rng.dirichlet(np.ones(3), 12)
    arrays = {'rgb': good, 'pose': bad, 'scores': np.full((12, 3), 1 / 3)}
    floats = {name: rows.astype(np.float32) for name, rows in arrays.items()}
    np.savez('run/val_scores.npz', ids=np.array(ids), **floats)
    write_clips('val')
    fit = ['--fit-on', 'val', '--ann-file', 'val.pkl', '--out-dir', 'fitted', '--folds', '2']
    script('ensemble').main(['run/scores.npz:rgb', 'run/scores.npz:pose', *fit])
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    top1 = {words[0]: words[3] for words in table if words and words[0].startswith('scores.npz:')}
    found = {name: f'{top_k_accuracy(rows, LABELS, 1)[0]:.4f}' for name, rows in arrays.items()}
    assert top1 == {f'scores.npz:{name}': found[name] for name in ('rgb', 'pose')}
    assert found['rgb'] == '1.0000' != found['pose']


def test_a_report_is_of_the_joint_answer_or_of_one(config):
    test(config)
    write_clips('test')
    for given, name in (('run', 'report.html'), ('run/scores.npz:rgb', 'rgb_report.html')):
        report = build_report([given], ReportOptions(ann_file='test.pkl'))
        assert report.path == Path('run') / name and report.size > 0
    stream = read_stream('run/scores.npz:rgb')
    assert (stream.name, stream.file) == ('pairs_config rgb', Path('run/scores.npz'))


def test_views_apart_and_features_are_written_too(config):
    test(config, TestOptions(out='views/result.pkl', average_clips='none'))
    row = load_pickle('views/result.pkl')[0]
    assert {name: scores.shape for name, scores in row.items()} == {'rgb': (2, 3), 'pose': (2, 3)}
    assert not Path('views/scores.npz').exists()
    test(config, TestOptions(out='feat/x.pkl'), {'model.test_cfg.feat_ext': True})
    assert load_npz('feat/x.npz')['features'].shape == (12, 128 + 32)


def test_label_vectors_say_their_part_in_testing(config):
    plain = test(config, TestOptions(out='sem/a.pkl'))
    how = {'model.test_cfg': dict(semantic_weight={'pose': 1.0})}
    semantic = test(config, TestOptions(out='sem/b.pkl'), how)
    a, b = (
        {n: load_scores(f'sem/{f}_scores.npz:{n}').scores for n in ('rgb', 'pose')} for f in 'ab'
    )
    np.testing.assert_array_equal(a['rgb'], b['rgb'])
    assert np.abs(a['pose'] - b['pose']).max() > 1e-4
    assert plain.metrics.keys() == semantic.metrics.keys()


def test_a_dry_run_tells_of_both_inputs_and_answers(config, capsys):
    train(config, TrainOptions(dry_run=True, work_dir='dry'))
    said = capsys.readouterr().out
    assert 'heatmap_imgs (4, 1, 5, 8, 8, 8)' in said and 'rgb (4, 3), pose (4, 3)' in said
    assert not Path('dry').exists()


def read(name='pairs_config.py', **changes):
    cfg = load_config(name, changes)
    import_custom_modules(cfg)
    return read_recipe(cfg)


def test_pyskls_key_indicator_picks_the_best(config):
    text = Path(config).read_text()
    Path('indicated.py').write_text(text + "evaluation['key_indicator'] = 'RGBPose_1:1_top1_acc'\n")
    recipe = read('indicated.py')
    assert recipe.evaluation.best_metric == 'RGBPose_1:1_top1_acc'
    assert any('key_indicator' in note for note in recipe.notes)
    assert read().evaluation.best_metric == 'top1_acc'


@pytest.mark.parametrize('figure', ['flow_top1_acc', 'RGBPose_3:1_top1_acc', 'rgb_top5_acc', 'rgb'])
def test_a_figure_that_no_answer_gives_is_refused(config, figure):
    with pytest.raises(ConfigError, match='save_best'):
        read(**{'evaluation.save_best': figure})
