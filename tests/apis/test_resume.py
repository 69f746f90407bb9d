"""Going on from a file that the user names, again and again, and what the program says about it."""

import shutil
import signal
from dataclasses import replace

import pytest
from run_files import assert_same_checkpoint
from stopping import signals_at
from tiny import problem, script

from pyskl.apis import TrainOptions, test, train
from pyskl.engine import trainer
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.errors import ConfigError, DataError
from pyskl.recipe import load_config


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """A run of 2 epochs x 5 iterations with a checkpoint after each epoch."""
    folder = tmp_path_factory.mktemp('whole')
    config = problem(folder)
    train(config)
    return folder, config


def test_the_same_command_with_resume_goes_on_where_it_stopped_not_at_the_file(
    whole, tmp_path, monkeypatch, capfd
):
    folder, config = whole
    words = f'{config} --resume {folder}/run/epoch_1.pth --work-dir {tmp_path}'.split()
    signals_at(monkeypatch, {2: signal.SIGTERM})
    assert script('train').main(words) == 143
    assert 'The same command goes on from there.' in capfd.readouterr().err
    assert script('train').main(words) == 0
    said = capfd.readouterr().err
    assert f'Going on from {tmp_path}/iter_7.pth (epoch 1, iteration 7)' in said
    assert 'epoch_1.pth again, choose another' in said
    assert_same_checkpoint(folder / 'run' / 'epoch_2.pth', tmp_path / 'epoch_2.pth')


def test_a_file_is_gone_back_to_where_the_work_dir_holds_another_run_or_other_settings(
    whole, tmp_path, capfd
):
    folder, config = whole
    run = shutil.copytree(folder / 'run', tmp_path / 'run')
    options = TrainOptions(resume=f'{run}/epoch_1.pth', work_dir=str(run))
    begun = 'run/epoch_1.pth (epoch 1, iteration 5)'
    train(config, options)  # epoch_2.pth is there, but was not continued from epoch_1.pth
    assert begun in capfd.readouterr().err
    train(config, options, ['optimizer.lr=0.01'])
    said = capfd.readouterr().err
    assert begun in said and 'optimizer.lr: 0.03 -> 0.01' in said
    for _ in range(2):
        train(config, replace(options, work_dir=str(tmp_path / 'other')), ['auto_resume=False'])
    assert capfd.readouterr().err.count(begun) == 2


def test_resume_and_no_resume_contradict_each_other(whole):
    file = f'{whole[0]}/run/epoch_1.pth'
    with pytest.raises(ConfigError, match=f'--resume {file} and --no-resume'):
        train(whole[1], TrainOptions(resume=file, no_resume=True))
    with pytest.raises(ConfigError, match=f'resume_from = {file} and --no-resume'):
        train(whole[1], TrainOptions(no_resume=True), [f'resume_from={file}'])


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['--no-resume'], 'Without --no-resume, the same command goes on from there.'),
        (['--cfg-options', 'auto_resume=False'], '--resume {folder}/iter_2.pth goes on from'),
    ],
)
def test_a_stopped_run_says_what_goes_on_from_there(
    whole, tmp_path, monkeypatch, capfd, words, said
):
    signals_at(monkeypatch, {2: signal.SIGTERM})
    assert script('train').main([str(whole[1]), '--work-dir', str(tmp_path), *words]) == 143
    assert said.format(folder=tmp_path) in capfd.readouterr().err


def test_the_file_asked_for_is_not_deleted_by_what_follows(whole, tmp_path):
    _, config = whole
    options = TrainOptions(work_dir=str(tmp_path))
    train(config, options, ['evaluation.save_best=None'])
    first, keep = f'{tmp_path}/epoch_1.pth', {'max_keep_ckpts': 1, 'by_epoch': False}
    changes = {'checkpoint_config': keep, 'evaluation.save_best': None}
    train(config, replace(options, resume=first), changes)
    assert sorted(p.name for p in tmp_path.glob('*_*.pth')) == ['epoch_1.pth', 'epoch_2.pth']
    assert read_checkpoint(tmp_path / 'epoch_2.pth')['meta']['resumed_from'] == first


def test_how_a_model_is_tested_may_change_before_a_run_goes_on(whole):
    _, config = whole
    train(config, cfg_options=['model.test_cfg.max_testing_views=1'])
    with pytest.raises(ConfigError, match='model.train_cfg'):
        train(config, cfg_options=['model.train_cfg=dict(mixup=0.2)'])


def test_the_written_config_alone_tests_the_run_and_goes_on_with_it(whole, tmp_path, capfd):
    """With --work-dir, --seed and --autoscale-lr in it; the rate is not scaled a second time."""
    train(
        whole[1],
        TrainOptions(work_dir=str(tmp_path), seed=3, autoscale_lr=True),
        ['data.videos_per_gpu=4', 'total_epochs=1'],
    )
    written = load_config(tmp_path / 'tiny.py')
    assert (written.work_dir, written.seed, written.optimizer.lr) == (str(tmp_path), 3, 0.015)
    assert written.auto_scale_lr == dict(base_batch_size=4)
    assert test(tmp_path / 'tiny.py').files[0] == tmp_path / 'result.pkl'
    train(tmp_path / 'tiny.py', TrainOptions(autoscale_lr=True))
    assert f'Going on from {tmp_path}/epoch_1.pth' in capfd.readouterr().err
    train(tmp_path / 'tiny.py', TrainOptions(work_dir=str(tmp_path / 'again')))
    assert_same_checkpoint(tmp_path / 'epoch_1.pth', tmp_path / 'again' / 'epoch_1.pth')


def test_a_validation_that_fails_costs_no_epoch(whole, tmp_path, monkeypatch):
    folder, config = whole

    def fails(*_):
        raise DataError('a clip of val is broken')

    with monkeypatch.context() as broken, pytest.raises(DataError, match='of val is broken'):
        broken.setattr(trainer, 'collect_scores', fails)
        train(config, TrainOptions(work_dir=str(tmp_path)))
    assert [file.name for file in tmp_path.glob('*_*.pth')] == ['iter_5.pth']
    steps = signals_at(monkeypatch, {})
    train(config, TrainOptions(work_dir=str(tmp_path)))
    assert len(steps) == 5
    assert_same_checkpoint(folder / 'run' / 'epoch_2.pth', tmp_path / 'epoch_2.pth')
    best, expected = (next(path.glob('best_*')).name for path in (tmp_path, folder / 'run'))
    assert best == expected
