"""What is said before a training begins, since said afterwards it would cost the training."""

import sys

import pytest
from tiny import problem

from pyskl.annotations import write_annotations
from pyskl.apis import TrainOptions, train, train_model
from pyskl.datasets import build_dataset
from pyskl.errors import ConfigError, DataError
from pyskl.files import load_pickle
from pyskl.models import build_model
from pyskl.recipe import load_config


@pytest.fixture
def config(tmp_path):
    yield problem(tmp_path, extra='total_epochs = 1\n')
    assert not (tmp_path / 'run').exists()


def write_split(path, change):
    clips = [{**clip, **change(clip)} for clip in load_pickle(path)['annotations']]
    write_annotations(path, None, clips)


def test_a_val_split_without_labels_is_refused(config, tmp_path):
    write_split(tmp_path / 'val.pkl', lambda clip: {'label': -1})
    said = r'data\.val: none of its 13 clips has a label.*--no-validate'
    with pytest.raises(DataError, match=said):
        train(config, TrainOptions(dry_run=True))
    cfg = load_config(config)
    with pytest.raises(DataError, match=said):
        train_model(build_model(cfg.model), build_dataset(cfg.data.train), cfg, validate=True)


@pytest.mark.parametrize('dry_run', [False, True])
def test_a_test_that_is_to_follow_needs_its_clips(config, tmp_path, dry_run):
    with pytest.raises(ConfigError, match=r'data\.test is missing'):
        train(config, TrainOptions(test_last=True, dry_run=dry_run), ['data.test=None'])
    write_split(tmp_path / 'test.pkl', lambda clip: {'label': 7})
    with pytest.raises(DataError, match='test.pkl: clip test_0 has label 7'):
        train(config, TrainOptions(test_best=True, dry_run=dry_run))


@pytest.mark.parametrize(
    ('options', 'changes'),
    [({'validate': False}, []), ({}, ['data.val=None']), ({}, ['evaluation.save_best=None'])],
)
def test_a_best_checkpoint_that_will_not_be_cannot_be_tested(config, options, changes):
    with pytest.raises(ConfigError, match='--test-best: no best checkpoint is kept'):
        train(config, TrainOptions(test_best=True, **options), changes)


def test_tensorboard_is_missed_before_the_work_dir_is_made(config, monkeypatch):
    monkeypatch.setitem(sys.modules, 'torch.utils.tensorboard', None)
    with pytest.raises(ConfigError, match='needs the package tensorboard'):
        train(config, cfg_options=["log_config.hooks=[dict(type='TensorboardLoggerHook')]"])


def test_a_rate_is_scaled_only_from_a_batch_that_is_known(config):
    with pytest.raises(ConfigError, match='--autoscale-lr.*auto_scale_lr = dict'):
        train(config, TrainOptions(autoscale_lr=True), ['auto_scale_lr=None'])


def test_without_a_base_batch_the_batch_is_only_stated(tmp_path, capfd):
    train(problem(tmp_path), cfg_options=['auto_scale_lr=None', 'total_epochs=1'])
    said = capfd.readouterr().err
    assert 'INFO - Total batch: 8 clips (8 x 1 processes), learning rate 0.03\n' in said
    assert 'INFO - If that rate was published for 8 GPUs (64 clips per step), 8 clips' in said


def test_a_work_dir_that_no_folder_can_be_is_refused(config):
    for options, changes in (({'work_dir': 'a\0b'}, []), ({}, {'work_dir': 'a\0b'})):
        with pytest.raises(ConfigError, match='work_dir = .*NUL character'):
            train(config, TrainOptions(**options), changes)


@pytest.mark.parametrize(
    ('launcher', 'said'),
    [('pytorch', 'PORT=29501 before dist'), ('slurm', 'Try another: MASTER_PORT=29501')],
)
def test_processes_that_cannot_meet_name_what_sets_the_port(config, monkeypatch, launcher, said):
    def in_use(*_, **__):
        raise RuntimeError('EADDRINUSE')

    monkeypatch.setattr('torch.distributed.init_process_group', in_use)
    numbers = dict.fromkeys(('SLURM_PROCID', 'SLURM_LOCALID', 'RANK', 'LOCAL_RANK'), '0')
    numbers |= dict(SLURM_NTASKS='2', WORLD_SIZE='2', MASTER_ADDR='host', MASTER_PORT='29500')
    for name, value in numbers.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f'could not meet at host:29500: EADDRINUSE.*{said}'):
        train(config, TrainOptions(launcher=launcher, device='cpu'))
