"""Training, in this process: exact continuation, the log, best checkpoints, independence of
workers, learning.
"""

import re
import shutil

import numpy as np
import pytest
import torch
from run_files import assert_same_checkpoint, rows
from tiny import problem

from pyskl.apis import TestOptions, TrainOptions, test, train
from pyskl.engine.checkpoint import read_checkpoint, write_checkpoint
from pyskl.engine.trainer import Trainer
from pyskl.errors import ConfigError, DataError, UserError
from pyskl.models.heads.i3d_head import I3DHead
from pyskl.scores.score_file import load_scores


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """An uninterrupted run of 2 epochs x 5 iterations that also keeps what it was after iterations
    3, 6 and 9.
    """
    folder = tmp_path_factory.mktemp('whole')
    config = problem(folder, extra='checkpoint_config = dict(by_epoch=False, interval=3)\n')
    train(config)
    return folder, config


def test_a_run_leaves_what_pyskl_users_expect(whole):
    folder, _ = whole
    names = {p.name for p in (folder / 'run').iterdir()}
    assert {'tiny.py', 'latest.pth', 'epoch_1.pth', 'epoch_2.pth', 'iter_3.pth'} <= names
    assert any(re.fullmatch(r'best_top1_acc_epoch_[12]\.pth', name) for name in names)
    assert any(re.fullmatch(r'\d{8}_\d{6}\.log', name) for name in names)
    assert not any('.part' in name for name in names)


def test_log_lines_are_as_pyskl_wrote_them(whole):
    folder, _ = whole
    text = next((folder / 'run').glob('*[0-9].log')).read_text()
    line = (
        r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - pyskl - INFO - Epoch \[1\]\[2/5\]\tlr: '
        r'\d\.\d{3}e-\d\d, eta: \d+:\d\d:\d\d, '
        r'time: \d+\.\d{3}, data_time: \d+\.\d{3}, top1_acc: \d\.\d{4}, top5_acc: \d\.\d{4}, '
        r'loss_cls: \d+\.\d{4}, loss_emb: \d+\.\d{4}, loss: \d+\.\d{4}$'
    )
    assert re.search(line, text, re.M)
    trained, judged = (rows(folder / 'run', mode) for mode in ('train', 'val'))
    assert [(row['epoch'], row['iter']) for row in trained[:4]] == [(1, 2), (1, 4), (1, 5), (2, 2)]
    start = 'mode epoch iter lr '
    assert list(trained[0]) == f'{start} top1_acc top5_acc loss_cls loss_emb loss'.split()
    assert list(judged[1]) == f'{start} top1_acc top2_acc mean_class_accuracy'.split()


@pytest.mark.parametrize('iteration', [3, 6, 9])
def test_a_run_continued_at_any_iteration_ends_with_the_same_bits(whole, tmp_path, iteration):
    folder, config = whole
    shutil.copy(folder / 'run' / f'iter_{iteration}.pth', tmp_path)
    train(config, TrainOptions(work_dir=str(tmp_path)))
    assert_same_checkpoint(folder / 'run' / 'epoch_2.pth', tmp_path / 'epoch_2.pth')
    again = rows(tmp_path)
    assert again == rows(folder / 'run')[-len(again) :]


def test_another_total_batch_is_warned_about_also_between_epochs(whole, tmp_path, capfd):
    folder, config = whole
    options = TrainOptions(work_dir=str(tmp_path), resume=f'{folder}/run/epoch_1.pth')
    train(config, options, ['data.videos_per_gpu=4'])
    said = capfd.readouterr().err
    assert 'total batch of 8 and 40 clips, now it is 4 and 40: training goes on from' in said


@pytest.mark.parametrize(
    ('start', 'interval', 'judged'), [(3, 2, [3, 5]), (2, 1, [2, 3, 4, 5]), (None, 2, [2, 4])]
)
def test_epochs_are_judged_from_start_on(whole, tmp_path, start, interval, judged):
    changes = {'total_epochs': 5, 'evaluation.start': start, 'evaluation.interval': interval}
    changes['checkpoint_config.interval'] = -1
    train(whole[1], TrainOptions(work_dir=str(tmp_path)), changes)
    assert [row['epoch'] for row in rows(tmp_path, 'val')] == judged
    assert [file.name for file in tmp_path.glob('epoch_*.pth')] == ['epoch_5.pth']


def test_clips_that_are_in_train_and_val_are_warned_about(whole, tmp_path, capfd):
    folder, config = whole
    train(config, TrainOptions(work_dir=str(tmp_path)), ['total_epochs=1'])
    assert 'are also in data.train' not in capfd.readouterr().err
    leaky = ['total_epochs=1', f'data.val.ann_file={folder}/train.pkl']
    train(config, TrainOptions(work_dir=str(tmp_path / 'leaky')), leaky)
    said = capfd.readouterr().err
    assert '40 of the 40 clips of data.val are also in data.train (train_0, train_1,' in said


@pytest.mark.parametrize('workers', [1, 2])
def test_the_number_of_workers_changes_no_bit(whole, tmp_path, workers):
    folder, config = whole
    train(config, TrainOptions(work_dir=str(tmp_path)), [f'data.workers_per_gpu={workers}'])
    assert_same_checkpoint(folder / 'run' / 'epoch_2.pth', tmp_path / 'epoch_2.pth')


def test_drawing_in_the_loader_trains_the_same(whole, tmp_path):
    """A user's stage behind GeneratePoseTarget: drawn in the worker, the model sees the same
    values.
    """
    folder, config = whole
    (tmp_path / 'my_stages.py').write_text("""
from pyskl.datasets import PIPELINES


@PIPELINES.register_module(force=True)
class Nothing:
    def __call__(self, results):
        return results
""")
    words = "custom_imports = dict(imports=['my_stages'])\n"
    own = tmp_path / 'own.py'
    own.write_text(f"{words}{config.read_text()}train_pipeline.append(dict(type='Nothing'))\n")
    train(own, TrainOptions(work_dir=str(tmp_path / 'run'), validate=False))
    expected, found = (
        [row['loss'] for row in rows(path / 'run', 'train')] for path in (folder, tmp_path)
    )
    assert found == pytest.approx(expected, rel=1e-3)


def test_a_finished_run_is_not_trained_again(whole, capfd):
    folder, config = whole
    before = (folder / 'run' / 'epoch_2.pth').stat().st_mtime_ns
    train(config)
    assert (folder / 'run' / 'epoch_2.pth').stat().st_mtime_ns == before
    assert 'Going on from' in capfd.readouterr().err.splitlines()[0]


def test_scores_name_the_checkpoint_that_latest_was(whole, tmp_path):
    folder, config = whole
    for given in (None, folder / 'run' / 'latest.pth', folder / 'run' / 'epoch_1.pth'):
        test(config, TestOptions(checkpoint=given and str(given), out=str(tmp_path / 'result.pkl')))
        named = load_scores(tmp_path / 'scores.npz').checkpoint
        assert named == ('epoch_1.pth' if given and given.name == 'epoch_1.pth' else 'epoch_2.pth')


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'amp': 'bf16'}, '--amp: None -> bf16'),
        ({'deterministic': True}, '--deterministic: False -> True'),
    ],
)
def test_going_on_with_another_precision_or_other_algorithms_is_refused_unless_asked_for(
    whole, tmp_path, options, said, capfd
):
    folder, config = whole
    with pytest.raises(ConfigError, match=f'{said}(.|\n)*another --work-dir'):
        train(config, TrainOptions(**options))
    last = f'{folder}/run/epoch_2.pth'
    train(config, TrainOptions(resume=last, work_dir=str(tmp_path), **options))
    torch.use_deterministic_algorithms(False)
    assert f'changed since it was written: {said}' in capfd.readouterr().err


def test_a_checkpoint_that_says_nothing_of_precision_may_go_on_in_any(whole, tmp_path):
    folder, config = whole
    data = read_checkpoint(folder / 'run' / 'epoch_2.pth')
    for key in ('amp', 'deterministic'):
        del data['meta'][key]
    write_checkpoint(tmp_path / 'epoch_2.pth', data)
    train(config, TrainOptions(work_dir=str(tmp_path), amp='bf16'))


def poison_losses(monkeypatch, is_bad):
    """Let losses be NaN in each step for which `is_bad()` is true."""
    loss = I3DHead.loss

    def poisoned(self, *args):
        factor = float('nan') if is_bad() else 1
        return {k: v * factor if 'loss' in k else v for k, v in loss(self, *args).items()}

    monkeypatch.setattr(I3DHead, 'loss', poisoned)


def is_finite(checkpoint):
    return all(v.isfinite().all() for v in read_checkpoint(checkpoint)['state_dict'].values())


def test_a_loss_that_is_not_finite_stops_and_names_the_clips(tmp_path, monkeypatch):
    config = problem(tmp_path)
    calls = []
    poison_losses(monkeypatch, lambda: calls.append(1) or len(calls) in (7, 8))
    with pytest.raises(UserError, match=r'not finite.*train_\d+, train_\d+.*epoch_1\.pth'):
        train(config)
    assert is_finite(tmp_path / 'run' / 'latest.pth')
    calls.clear()
    with monkeypatch.context() as patch, pytest.raises(UserError, match='not finite.*None of the'):
        fit, cut = Trainer.fit, tmp_path / 'cut'
        patch.setattr(Trainer, 'fit', lambda self: (cut / 'epoch_9.pth').touch() or fit(self))
        train(config, TrainOptions(work_dir=str(cut)), ['checkpoint_config.interval=2'])
    calls.clear()
    train(config, TrainOptions(work_dir=str(tmp_path / 'skipped'), on_nan='skip'))
    assert is_finite(tmp_path / 'skipped' / 'latest.pth')


@pytest.mark.parametrize(
    'other_rank', [[], [(4, ['b_0']), (5, ['b_1'])], [(2, ['b_0', 'b_1']), (3, ['b_2'])]]
)
def test_on_a_gpu_only_the_first_bad_batch_of_all_ranks_is_named(tmp_path, monkeypatch, other_rank):
    """A GPU is asked at the log line; by then the weights are NaN, and so is every loss after the
    first bad one.
    """
    step, fit, batches = Trainer.step, Trainer.fit, []
    poison_losses(monkeypatch, lambda: len(batches) == 3)

    def noted(self, batch):
        batches.append([self.train.dataset.ids[i] for i in batch['index'].tolist()])
        return step(self, batch)

    def as_on_a_gpu(self):
        self.losses.waits = True
        self.collectives.share = lambda value: [value, other_rank]
        fit(self)

    monkeypatch.setattr(Trainer, 'step', noted)
    monkeypatch.setattr(Trainer, 'fit', as_on_a_gpu)
    config = problem(tmp_path, extra='log_config = dict(interval=5)\n')
    with pytest.raises(UserError) as error:
        train(config, TrainOptions(validate=False))
    assert len(batches) == 5
    number, clips = (2, ['b_0', 'b_1']) if other_rank and other_rank[0][0] == 2 else (3, batches[2])
    assert f'epoch 1, iteration {number}: the loss is not finite' in str(error.value)
    assert f'The clips of that batch: {", ".join(clips)}. No checkpoint' in str(error.value)


def test_nothing_is_written_when_something_is_wrong(tmp_path):
    config = problem(tmp_path)
    with pytest.raises(DataError, match='label 2(.|\n)*num_classes = 2'):
        train(config, cfg_options=['model.cls_head.num_classes=2'])
    with pytest.raises(ConfigError, match=r'3 classes, but model\.cls_head\.num_classes = 4'):
        train(config, cfg_options=['model.cls_head.num_classes=4'])
    assert not (tmp_path / 'run').exists()


def test_a_dry_run_writes_nothing_and_says_what_it_saw(tmp_path, capsys):
    config = problem(tmp_path)
    before = sorted(tmp_path.iterdir())
    train(config, TrainOptions(dry_run=True))
    out = capsys.readouterr().out
    for part in ('imgs (8, 1, 5, 8, 16, 16)', 'peak memory', 'million parameters', 'whole run: '):
        assert part in out
    assert sorted(tmp_path.iterdir()) == before


def test_training_beats_chance_clearly_on_clips_it_has_not_seen(tmp_path):
    config = problem(tmp_path, extra='total_epochs = 15\n', num_train=150, num_test=60)
    train(config, TrainOptions(validate=False))
    result = test(config)
    assert result.metrics['top1_acc'] > 0.7  # chance: 0.33
    assert np.allclose(result.scores.sum(1), 1, atol=1e-5)
    options = TestOptions(split='val', fuse_conv_bn=False, out=str(tmp_path / 'val.pkl'))
    assert test(config, options).ids[0] == 'val_0'
