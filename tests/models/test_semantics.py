"""Prediction by label vectors, alone and blended, and the labels that the head learns about."""

import argparse

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from published_model import small
from recipe_weights import fill
from tiny import problem, script

from pyskl.apis import TestOptions, TrainOptions, inference_recognizer, init_recognizer, test, train
from pyskl.apis.setup import build_split, read_run, teach_labels
from pyskl.datasets import ClipDataset, build_dataloader
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.errors import ConfigError
from pyskl.evaluation import group_accuracy
from pyskl.models import build_model

TABLE = np.random.default_rng(1).normal(size=(5, 6)).astype(np.float32)
IMGS = torch.rand(2, 3, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))


def answer(table=TABLE, **test_cfg):
    model = fill(build_model(small(**test_cfg))).eval()
    if table is not None:
        model.cls_head.learn_labels(None, table)
    return model.predict({'imgs': IMGS})['score']


def heads():
    """Class scores and embeddings of every view."""
    model = fill(build_model(small())).eval()
    with torch.no_grad():
        scores, emb = model.cls_head(model.extract_feat(IMGS.flatten(0, 1)))
    return scores.unflatten(0, (2, 3)), emb.unflatten(0, (2, 3))


def test_without_a_semantic_weight_nothing_changes_by_a_bit():
    scores, _ = heads()
    assert torch.equal(answer(), answer(table=None)) and torch.equal(
        answer(semantic_weight=0.0), answer()
    )
    torch.testing.assert_close(answer(), F.softmax(scores, 2).mean(1))


@pytest.mark.parametrize('weight', [0.3, 1.0])
def test_a_semantic_weight_blends_class_scores_with_cosines(weight):
    scores, emb = heads()
    cosine = F.cosine_similarity(emb[:, :, None], torch.from_numpy(TABLE)[None, None], dim=3)
    by_hand = (1 - weight) * F.softmax(scores, 2) + weight * F.softmax(cosine / 0.05, 2)
    ours = answer(semantic_weight=weight, semantic_temperature=0.05)
    torch.testing.assert_close(ours, by_hand.mean(1))
    torch.testing.assert_close(ours.sum(1), torch.ones(2))


@pytest.mark.parametrize('weight', [0.0, 0.5, 1.0])
def test_only_the_classes_that_are_asked_for_are_answered(weight):
    ours, free = answer(semantic_weight=weight, classes=[1, 3]), answer(semantic_weight=weight)
    assert (ours[:, [0, 2, 4]] == 0).all() and (ours[:, [1, 3]] > 0).all()
    torch.testing.assert_close(ours.sum(1), torch.ones(2))
    torch.testing.assert_close(answer(semantic_weight=weight, classes=[0, 1, 2, 3, 4]), free)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(semantic_weight=1.5), 'semantic_weight = 1.5'),
        (dict(semantic_weight=0.5, semantic_temperature=0.0), 'semantic_temperature'),
        (dict(semantic_weight=0.5, average_clips='score'), "average_clips='prob'"),
        (dict(classes=[1], feat_ext=True), 'feat_ext'),
        (dict(classes=[]), 'expected some of the classes 0 to 4'),
        (dict(classes=[5]), 'expected some of the classes 0 to 4'),
        (dict(semantic_weights=0.5), 'Did you mean semantic_weight'),
    ],
)
def test_a_mistake_in_test_cfg_is_named(change, message):
    with pytest.raises(ConfigError, match=message):
        build_model(small(**change))


def test_a_head_without_embeddings_cannot_predict_by_them():
    with pytest.raises(ConfigError, match='the head has no embedding'):
        build_model(small(head=dict(loss_emb=None), semantic_weight=0.5))
    with pytest.raises(ConfigError, match='label_embeddings'):
        answer(table=None, semantic_weight=0.5)


# -- from the data to the head, through training and testing ---------------------------------------

EXTRA = """
model['cls_head'].update(
    loss_cls=dict(type='LogitAdjustedLoss'), loss_emb=dict(type='ContrastiveLoss'))
total_epochs = 1
evaluation = dict(metrics=['top_k_accuracy', 'mean_class_accuracy', 'macro_f1'], topk=(1, 2))
"""


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    config = problem(folder, extra=EXTRA)
    train(config, TrainOptions(validate=False))
    return folder, config


def test_a_test_reports_the_groups_when_the_checkpoint_knows_the_counts(trained, tmp_path, capsys):
    folder, config = trained
    result = test(config)
    labels = np.arange(13) % 3
    figures = ['top1_acc', 'top2_acc', 'mean_class_accuracy', 'macro_f1']
    assert list(result.metrics) == figures  # 14, 13, 13 clips: no class is rare

    data = read_checkpoint(folder / 'run' / 'latest.pth')
    assert data['meta']['class_counts'] == [14, 13, 13]
    data['meta']['class_counts'] = [30, 13, 5]
    torch.save(data, tmp_path / 'tailed.pth')
    options = TestOptions(checkpoint=str(tmp_path / 'tailed.pth'), out=str(tmp_path / 'x.pkl'))
    result = test(config, options)
    assert list(result.metrics) == [*figures, 'head_acc', 'middle_acc', 'tail_acc']
    expected = group_accuracy(result.scores, labels, [30, 13, 5])
    assert {k: result.metrics[k] for k in expected} == pytest.approx(expected)
    assert 'tail_acc: ' in capsys.readouterr().out


@pytest.mark.parametrize(
    'counts', [None, [1, 2], 'abc', [1, 2, -3], [1.0, 2.0, 3.0], [1, 2, 10**40]]
)
def test_counts_that_make_no_sense_are_passed_over(trained, tmp_path, counts):
    folder, config = trained
    data = read_checkpoint(folder / 'run' / 'latest.pth')
    data['meta']['class_counts'] = counts
    torch.save(data, tmp_path / 'odd.pth')
    metrics = test(
        config, TestOptions(checkpoint=str(tmp_path / 'odd.pth'), out=str(tmp_path / 'x.pkl'))
    ).metrics
    assert 'top1_acc' in metrics and 'tail_acc' not in metrics


def test_a_test_may_answer_by_the_label_vectors(trained, tmp_path):
    _, config = trained
    out = TestOptions(out=str(tmp_path / 'x.pkl'))
    blended = test(config, out, ['model.test_cfg.semantic_weight=1.0']).scores
    assert not np.allclose(blended, test(config, out).scores)
    some = test(
        config, out, ['model.test_cfg.semantic_weight=1.0', 'model.test_cfg.classes=[0,2]']
    ).scores
    assert (some[:, 1] == 0).all() and np.allclose(some.sum(1), 1, atol=1e-5)


def test_one_clip_may_be_recognised_by_the_label_vectors(trained):
    folder, config = trained
    cfg = folder / 'semantic.py'
    cfg.write_text(
        config.read_text() + "model['test_cfg'] = dict(average_clips='prob', semantic_weight=0.5)\n"
    )
    model = init_recognizer(cfg, folder / 'run' / 'latest.pth', device='cpu')
    found = inference_recognizer(
        model, np.random.default_rng(0).uniform(0, 200, (1, 20, 5, 3)), (240, 320)
    )
    assert sum(p for _, p in found) == pytest.approx(1, abs=1e-5)


def test_training_data_without_labels_cannot_give_weights(tmp_path):
    recipe = read_run(problem(tmp_path, extra=EXTRA)).recipe

    class Unlabelled(ClipDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return {}

    with pytest.raises(ConfigError, match='tiny.py: model.cls_head: .*number of training clips'):
        teach_labels(build_model(recipe.model), Unlabelled(), recipe)


@pytest.mark.parametrize(
    ('change', 'shares'),
    [
        (
            "data['train'] = dict(type='RepeatDataset', times=3, dataset=data['train'])",
            [14, 13, 13],
        ),
        ("data['train']['class_prob'] = 'balanced'", [1, 1, 1]),
    ],
)
def test_clips_are_counted_once_and_a_balanced_epoch_leaves_nothing_to_adjust(
    tmp_path, change, shares
):
    recipe = read_run(problem(tmp_path, extra=EXTRA + change + '\n')).recipe
    model = build_model(recipe.model)
    assert teach_labels(model, build_split(recipe, 'train'), recipe) == [14, 13, 13]
    expected = (torch.tensor(shares) / sum(shares)).log()
    torch.testing.assert_close(model.cls_head.loss_cls.adjustment, expected)


def test_zero_shot_prints_a_row_a_fold_and_one_for_all(tmp_path, capsys):
    extra = (
        EXTRA.replace('LogitAdjustedLoss', 'CrossEntropyLoss')
        + """
model['cls_head']['num_classes'] = 4
for split in data.values():
    if isinstance(split, dict):
        split.update(label_embeddings='{folder}/four.npy')
""".replace('{folder}', str(tmp_path))
    )
    config = problem(tmp_path, extra=extra)
    np.save(tmp_path / 'four.npy', np.eye(4, 6, dtype=np.float32))
    main, folds = script('zero_shot').main, tmp_path / 'folds'
    assert main([str(config), '--folds', '2', '--work-dir', str(folds), '--device', 'cpu']) == 0
    text = (folds / 'table.md').read_text()
    assert text in capsys.readouterr().out
    rows = [[cell.strip() for cell in line.strip('|\n').split('|')] for line in text.splitlines()]
    assert [line[0] for line in rows[2:]] == ['0, 2', '1, 3', 'each once']
    assert [line[1] for line in rows[2:]] == ['9', '4', '13'] and rows[4][4] == '50.0'
    meta = read_checkpoint(folds / 'fold_0' / 'latest.pth')['meta']
    assert meta['class_counts'] == [0, 13, 0, 0]
    with pytest.raises(ConfigError, match='--folds 3: expected 2 to 2'):
        main([str(config), '--folds', '3'])
    with pytest.raises(ConfigError, match=r'test_cfg.classes=\[1\]: .* sets that key'):
        main([str(config), '--cfg-options', 'model.test_cfg.classes=[1]'])


def test_zero_shot_needs_no_validation_split(tmp_path):
    extra = EXTRA.replace('LogitAdjustedLoss', 'CrossEntropyLoss') + "data.pop('val')\n"
    config = problem(tmp_path, extra=extra)
    main = script('zero_shot').run_fold
    args = argparse.Namespace(config=str(config), cfg_options=[], seed=0, device='cpu')
    fold = main(args, [0], tmp_path / 'fold')
    assert (
        fold.labels.tolist() == [i % 3 for i in range(13)]
        and fold.alone.argmax(1).tolist() == [0] * 13
    )


def test_another_split_is_tested_on_the_clips_that_its_own_data_names(trained):
    folder, config = trained
    how = TestOptions(
        work_dir=str(folder / 'run'), split='val', device='cpu', out=str(folder / 'run' / 'val.pkl')
    )
    classes = {'data.val.only_classes=[0]': {0}, 'data.test.only_classes=[0]': {0, 1, 2}}
    for option, expected in classes.items():
        found = test(config, how, [option])
        assert {int(name.rpartition('_')[2]) % 3 for name in found.ids} == expected


def test_a_mirrored_clip_with_another_label_has_that_labels_vector(tmp_path):
    """Drawn heatmaps or not; a label without a vector is refused before training."""
    extra = "data['train']['pipeline'][6].update(flip_ratio=1.0, flip_label_map={0: 1, 1: 0})\n"
    recipe = read_run(problem(tmp_path, extra=extra)).recipe
    dataset = build_split(recipe, 'train')
    batch = next(iter(build_dataloader(dataset, 8, shuffle=False)))
    assert batch['label'].flatten().tolist() == [{0: 1, 1: 0}.get(i % 3, i % 3) for i in range(8)]
    for i in range(3):
        assert torch.equal(
            dataset[i]['emb'], torch.from_numpy(dataset.classes.vectors)[dataset[i]['label'].item()]
        )
    with pytest.raises(ConfigError, match='flip_label_map: label 40, expected 0..2'):
        build_split(
            read_run(tmp_path / 'tiny.py', ['data.train.pipeline.6.flip_label_map={0: 40}']).recipe,
            'train',
        )
