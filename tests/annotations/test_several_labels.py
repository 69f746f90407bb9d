"""Clips with several labels at once, from the annotation file to the tested network."""

import pickle

import numpy as np
import pytest
import tiny
import torch
from run_files import rows
from test_packed import assert_same_clip, clip

from pyskl.annotations import read_annotations, write_annotations
from pyskl.annotations.check import check_annotations
from pyskl.annotations.label_lists import LabelLists
from pyskl.annotations.opening import open_annotations
from pyskl.apis import TestOptions, test, train
from pyskl.apis.setup import build_split, read_run
from pyskl.datasets import ClipDataset, ConcatDataset, PoseDataset, RepeatDataset, build_dataloader
from pyskl.drawing.clip import title_of
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.errors import ConfigError, DataError, UserError
from pyskl.evaluation import mean_average_precision
from pyskl.files import load_npy, load_pickle
from pyskl.models import build_model
from pyskl.models.heads import SimpleHead
from pyskl.models.mixing import Mix
from pyskl.scores.score_file import load_scores
from pyskl.skeletons import get_layout
from pyskl.sources.pack import pack_file

LABELS = [[2, 0], 1, -1, [], [0, 1, 3]]
NAMES = ['a', 'b', 'c', 'd', 'e']
TARGETS = [[1, 0, 1, 0], [0, 1, 0, 0], [-1, -1, -1, -1], [0, 0, 0, 0], [1, 1, 0, 1]]
PIPELINE = [
    dict(type='UniformSampleFrames', clip_len=4),
    dict(type='PoseDecode'),
    dict(type='Flip', flip_ratio=0.0, flip_label_map={0: 3}),
    dict(type='Collect', keys=['keypoint', 'label', 'emb']),
    dict(type='ToTensor', keys=['keypoint', 'label', 'emb']),
]
TABLE = np.arange(8, dtype=np.float32).reshape(4, 2)


@pytest.fixture
def path(tmp_path):
    clips = [clip(name, label=label) for name, label in zip(NAMES, LABELS)]
    write_annotations(tmp_path / 'x.pkl', {'known': ['a', 'b', 'd', 'e'], 'one': ['b']}, clips)
    np.save(tmp_path / 'table.npy', TABLE)
    return tmp_path / 'x.pkl'


def dataset(path, **settings):
    table = path.with_name('table.npy')
    settings = {'multi_class': True, 'num_classes': 4, 'split': 'known', **settings}
    return PoseDataset(path, settings.pop('pipeline', PIPELINE), label_embeddings=table, **settings)


# -- the annotation file ---------------------------------------------------------------------------


def test_the_packed_form_holds_all_labels(path):
    assert [a['label'] for a in pickle.loads(path.read_bytes())['annotations']] == LABELS
    opened = open_annotations(path)
    packed = open_annotations(pack_file(path)[0])
    for a, b in zip(opened, packed, strict=True):
        assert_same_clip(a, b)
    for clips in (opened, packed, pickle.loads(pickle.dumps(packed))):
        assert clips.label_lists.targets(4).tolist() == TARGETS
        some = clips.take(np.array([4, 2, 0])).label_lists
        assert [some[i] for i in range(3)] == [[0, 1, 3], -1, [2, 0]]
        assert clips.split('known').label_lists.targets(4).tolist() == TARGETS[:2] + TARGETS[3:]
    assert opened.fingerprint == packed.fingerprint
    clips = [*opened]
    clips[0] = {**clips[0], 'label': [2, 1]}
    write_annotations(path, {}, clips)
    assert open_annotations(path).fingerprint != opened.fingerprint


def test_one_label_a_clip_is_packed_as_before(path):
    clips = [clip('a', label=[1]), clip('b')]
    write_annotations(path, {}, clips)
    folder, _ = pack_file(path)
    assert not list(folder.glob('label_list*'))
    assert open_annotations(folder).labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ('name', 'change'),
    [
        ('label_list', lambda a: a[:-1]),
        ('label_list', lambda a: np.where(a == 3, -1, a)),
        ('label_list', lambda a: np.where(a == 3, 2**40, a)),
        ('label_list', lambda a: np.where(a == 2, 3, a)),
        ('label_list_end', lambda a: a[:-1]),
        ('label_list_end', lambda a: a[::-1].copy()),
    ],
)
def test_damaged_label_lists_are_refused(path, name, change):
    folder, _ = pack_file(path)
    file = folder / f'{name}.npy'
    np.save(file, change(np.array(load_npy(file))))
    with pytest.raises(DataError, match='label'):
        open_annotations(folder)


def test_what_needs_one_label_a_clip_names_the_clip_and_the_way_out(path):
    for only_classes in (None, [2]):
        with pytest.raises(DataError, match=r'clip a has the labels \[2, 0\].*multi_class=True'):
            dataset(path, multi_class=False, only_classes=only_classes)
    assert dataset(path, multi_class=False, split='one').labels.tolist() == [1]


def test_check_data_counts_each_label(path):
    report = check_annotations(load_pickle(path))
    found = {
        'labelled clips': 4,
        'clips per class': {0: 2, 1: 2, 2: 1, 3: 1},
        'clips with several labels (multi_class=True)': 2,
        'clips of none of the classes': 1,
    }
    assert report.facts.items() >= found.items() and not report.errors
    (error,) = check_annotations(load_pickle(path), num_classes=3).errors
    assert 'e ([0, 1, 3])' in error


def test_a_picture_names_all_labels():
    layout, names = get_layout('coco17'), ['nod', 'wave']
    assert title_of({'frame_dir': 'a', 'label': [1, 0]}, layout, names) == 'a: 1 wave, 0 nod'
    assert title_of({'frame_dir': 'a', 'label': []}, layout, names) == 'a: none of the classes'


# -- data sets -------------------------------------------------------------------------------------


def test_samples_have_zeros_and_ones(path):
    data = dataset(path)
    labels = torch.stack([sample['label'] for sample in data])
    assert labels.dtype == torch.float32
    assert labels.tolist() == TARGETS[:2] + TARGETS[3:] == data.targets.tolist()
    assert data.labels.tolist() == [2, 1, -1, 0]
    assert data.classes.counts.tolist() == [2, 2, 1, 1]
    assert data[0]['emb'].tolist() == TABLE[[0, 2]].mean(0).tolist()
    assert data[2]['emb'].tolist() == [0, 0]
    batch = next(iter(build_dataloader(data, 4, shuffle=False)))
    assert batch['label'].tolist() == labels.tolist() and 'emb' not in batch


class Own(ClipDataset):
    def __init__(self, targets):
        self.targets = targets

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return {'label': self.targets[index]}


def test_a_data_set_of_ones_own_may_have_targets():
    own = Own(np.array([[0, 1, 1], [0, 1, 0]]))
    assert own.classes.counts.tolist() == [0, 2, 1] and own.truth is own.targets
    assert own.fingerprint != Own(np.array([[0, 1, 1], [1, 1, 0]])).fingerprint
    for wrong in (np.zeros(2), np.zeros((3, 2)), [[0, 1], [1, 0]]):
        with pytest.raises(ConfigError, match=r'Own\.targets.*\(2, K\)'):
            build_dataloader(Own(wrong), 1)


def test_mirrored_labels_take_their_vectors_along(path):
    mirrored = [dict(step, flip_ratio=1.0) if step['type'] == 'Flip' else step for step in PIPELINE]
    sample = dataset(path, pipeline=mirrored)[0]
    assert sample['label'].tolist() == [0, 0, 1, 1]
    assert sample['emb'].tolist() == TABLE[[2, 3]].mean(0).tolist()
    for pipeline in (PIPELINE, mirrored):
        data = dataset(path, pipeline=pipeline, split=None, test_mode=True)
        assert data.targets.tolist() == TARGETS and data[2]['label'].tolist() == TARGETS[2]


def test_wrappers_pass_targets_on(path):
    data, one = dataset(path), dataset(path, split='one')
    targets = data.targets.tolist()
    assert RepeatDataset(data, 2).targets.tolist() == targets * 2
    joined = ConcatDataset([data, one])
    assert joined.targets.tolist() == [*targets, TARGETS[1]]
    assert joined.classes.counts.tolist() == [2, 3, 1, 1]
    for settings in ({'multi_class': False}, {'num_classes': 5}):
        with pytest.raises(ConfigError, match='disagree about multi_class'):
            ConcatDataset([data, dataset(path, split='one', **settings)])


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        ({'num_classes': None}, 'needs num_classes'),
        ({'class_prob': 'balanced'}, 'Leave class_prob out'),
        ({'only_classes': [1]}, 'Leave only_classes out'),
        ({'without_classes': [1]}, 'Leave without_classes out'),
        ({'num_classes': 3}, r'clip e has label 3, expected 0\.\.2 \(1 such'),
        ({'split': None}, 'clip c has label -1'),
    ],
)
def test_settings_that_go_by_one_class_a_clip_are_refused(path, settings, said):
    with pytest.raises(UserError, match=said):
        dataset(path, **settings)


def test_evaluate_judges_by_all_labels(path):
    data = dataset(path)
    scores = np.random.default_rng(0).random((4, 4))
    figures = data.evaluate(list(scores), metrics=['mean_average_precision'])
    assert figures['mean_average_precision'] == mean_average_precision(scores, data.targets)
    with pytest.raises(ConfigError, match='mean_average_precision'):
        data.evaluate(list(scores))


def test_joined_labels_equal_one_clip_at_a_time():
    lists = LabelLists.of(LABELS)
    assert lists.targets(4).tolist() == [lists.target(i, 4).tolist() for i in range(5)]
    assert [lists[i] for i in range(5)] == LABELS
    assert lists.first.tolist() == [2, 1, -1, -1, 0]
    assert lists.known.tolist() == [True, True, False, True, True]


# -- training --------------------------------------------------------------------------------------

# Class 0 moves sideways, class 1 up and down, class 2 does both at once.
GESTURES = {0: [0, 1, 2], 1: [1], 2: [0]}
SEVERAL = """
for split in ('train', 'val', 'test'):
    data[split].update(multi_class=True, num_classes=3)
model['cls_head'].update(multi_class=True, loss_cls=dict(type='BCELossWithLogits'))
evaluation = dict(interval=1, metrics=['mean_average_precision'])
"""


def several(folder, extra='', **sizes):
    config = tiny.problem(folder, extra=SEVERAL + extra, **sizes)
    for name in ('train', 'val', 'test'):
        data = read_annotations(folder / f'{name}.pkl')
        clips = [{**a, 'label': GESTURES[a['label']]} for a in data['annotations']]
        write_annotations(folder / f'{name}.pkl', data['split'], clips)
    return folder, config


@pytest.fixture(scope='module')
def problem(tmp_path_factory):
    return several(tmp_path_factory.mktemp('several'))


@pytest.fixture(scope='module')
def trained(problem):
    train(problem[1])
    return problem


def test_training_logs_losses_alone_and_keeps_the_best_by_its_precision(trained):
    run = trained[0] / 'run'
    logged = rows(run)
    assert {'loss_cls', 'loss_emb'} <= set(logged[0])
    assert not any('acc' in name for name in logged[0])
    judged = [row['mean_average_precision'] for row in rows(run, 'val')]
    assert len(judged) == 2
    meta = read_checkpoint(next(run.glob('best_mean_average_precision_epoch_*.pth')))['meta']
    assert meta['hook_msgs']['best_score'] == pytest.approx(max(judged), abs=1e-5)
    assert meta['class_counts'] == [27, 27, 14]


def test_a_test_gives_probabilities_of_each_class_and_no_submission(trained, capsys):
    folder, config = trained
    result = test(config)
    targets = build_split(read_run(config).recipe, 'test').targets
    by_hand = {'mean_average_precision': mean_average_precision(result.scores, targets)}
    assert result.metrics == by_hand
    assert {file.name for file in result.files} == {'result.pkl', 'scores.npz', 'metrics.json'}
    assert not list((folder / 'run').glob('Submission*'))
    assert 'no Submission.csv: it names one class per clip' in capsys.readouterr().out
    assert not np.allclose(load_scores(folder / 'run' / 'scores.npz').scores.sum(1), 1, atol=0.01)


def test_metrics_of_one_label_are_refused_before_training_and_testing(problem, tmp_path):
    options = [f'work_dir={tmp_path / "run"}', "evaluation.metrics=['top_k_accuracy']"]
    with pytest.raises(ConfigError, match=r"tiny\.py.*'top_k_accuracy'.*mean_average_precision"):
        train(problem[1], cfg_options=options)
    assert not (tmp_path / 'run').exists()
    with pytest.raises(ConfigError, match='macro_f1.*mean_average_precision'):
        test(problem[1], TestOptions(eval=['macro_f1']))


@pytest.mark.parametrize(
    ('option', 'said'),
    [
        ('data.val.multi_class=False', 'data.val.multi_class = False.*cls_head.multi_class = True'),
        ('model.cls_head.multi_class=False', r'loss_cls \(BCELossWithLogits\) is for clips with'),
        (
            "model.cls_head=dict(multi_class=False,loss_cls=dict(type='CrossEntropyLoss'))",
            'data.train.multi_class = True, but model.cls_head.multi_class = False',
        ),
        ('model.test_cfg.classes=[0]', 'one class per clip'),
    ],
)
def test_model_and_data_must_agree(problem, option, said):
    with pytest.raises(ConfigError, match=said):
        build_model(read_run(problem[1], [option]).recipe.model)


def test_a_model_of_one_label_refuses_a_data_set_of_several(problem, tmp_path):
    from pyskl.apis.setup import build_batches, check_match
    from pyskl.engine import distributed

    recipe = read_run(problem[1]).recipe
    batches = build_batches(recipe, 'train', distributed.start(device='cpu'))
    model = build_model(
        {**recipe.model, 'cls_head': dict(type='I3DHead', num_classes=3, in_channels=64)}
    )
    with pytest.raises(ConfigError, match=r'data\.train gives several labels'):
        check_match(model, batches, recipe, 'train')


def test_mixed_clips_share_their_labels(problem):
    head = SimpleHead(3, 8, dict(type='BCELossWithLogits'), None, multi_class=True)
    labels = torch.tensor([[1.0, 1, 0], [0, 1, 1]])
    mixed = Mix(torch.tensor([1, 0]), 0.75, None).of_rows(head.shares(labels))
    assert mixed.tolist() == [[0.75, 1, 0.25], [0.25, 1, 0.75]]

    recipe = read_run(problem[1], ['model.train_cfg.mixup=0.4']).recipe
    model, data = build_model(recipe.model), build_split(recipe, 'train')
    model.cls_head.learn_labels(None, data.classes.vectors)
    batch = next(iter(build_dataloader(data, 8)))
    losses = model({key: batch[key] for key in ('imgs', 'label')})
    assert list(losses) == ['loss_cls', 'loss_emb']
    assert torch.stack([*losses.values()]).isfinite().all()


@pytest.mark.slow
def test_several_labels_are_learnt(tmp_path):
    _, config = several(tmp_path, 'total_epochs = 15\n', num_train=150, num_test=60)
    train(config)
    assert test(config).metrics['mean_average_precision'] > 0.85  # chance: 0.56
