"""The average of the weights: its arithmetic, what is validated and saved, exact continuation."""

import copy
import shutil

import pytest
import torch
from published_model import small
from recipe_weights import fill
from tiny import problem, run

from pyskl.apis import TrainOptions, train
from pyskl.engine.checkpoint import read_checkpoint, write_checkpoint
from pyskl.engine.ema import AveragedWeights
from pyskl.errors import CheckpointError, ConfigError
from pyskl.models import build_model
from pyskl.recipe import read_recipe
from pyskl.recipe.settings import Ema

EXTRA = 'ema = dict(decay=0.8)\nmodel["train_cfg"] = dict(mixup=0.4, cutmix=1.0, prob=0.8)\n'
EVERY_3 = 'checkpoint_config = dict(by_epoch=False, interval=3)\n'


def a_step(model, seed):
    """Other weights and statistics, as training leaves them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in model.state_dict().values():
            value.copy_(
                torch.rand(value.shape, generator=generator)
                if value.is_floating_point()
                else value + 1
            )


@pytest.mark.parametrize('warmup', [True, False])
def test_the_average_is_the_sum_it_says(warmup):
    model = fill(build_model(small()))
    ema = AveragedWeights(model, Ema(decay=0.9, warmup=warmup))
    expected = {name: value.double().clone() for name, value in model.state_dict().items()}
    for n in range(1, 31):
        a_step(model, n)
        ema.update()
        decay = min(0.9, (1 + n) / (10 + n)) if warmup else 0.9
        for name, value in model.state_dict().items():
            expected[name] = (
                decay * expected[name] + (1 - decay) * value.double()
                if value.is_floating_point()
                else value
            )
    assert list(ema.state_dict()) == list(model.state_dict())
    for name, value in ema.state_dict().items():
        torch.testing.assert_close(value.double(), expected[name].double(), rtol=1e-5, atol=1e-6)
        assert value.dtype == model.state_dict()[name].dtype


def test_the_model_gets_its_own_weights_back_bit_by_bit():
    model = fill(build_model(small()))
    ema = AveragedWeights(model, Ema())
    a_step(model, 1)
    ema.update()
    own = copy.deepcopy(model.state_dict())
    with pytest.raises(KeyError), ema.in_the_model():
        assert all(
            torch.equal(value, ema.state_dict()[name]) for name, value in model.state_dict().items()
        )
        raise KeyError
    assert all(torch.equal(value, own[name]) for name, value in model.state_dict().items())


def same(a, b):
    assert a.keys() == b.keys()
    return all(torch.equal(value, b[name]) for name, value in a.items())


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """An uninterrupted run of 2 epochs x 5 iterations with an average and mixed clips."""
    folder = tmp_path_factory.mktemp('whole')
    config = problem(folder, extra=EXTRA + EVERY_3)
    train(config)
    return folder, config


@pytest.mark.parametrize('iteration', [3, 6, 9])
def test_a_run_with_an_average_and_mixing_is_continued_to_the_same_bits(whole, tmp_path, iteration):
    folder, config = whole
    shutil.copy(folder / 'run' / f'iter_{iteration}.pth', tmp_path)
    train(config, TrainOptions(work_dir=str(tmp_path)))
    a, b = (read_checkpoint(path / 'epoch_2.pth') for path in (folder / 'run', tmp_path))
    assert same(a['state_dict'], b['state_dict']) and same(
        a['resume']['raw_state_dict'], b['resume']['raw_state_dict']
    )
    assert a['resume']['ema_updates'] == b['resume']['ema_updates'] == 10
    assert not same(a['state_dict'], a['resume']['raw_state_dict'])


def test_a_run_without_an_average_may_go_on_with_one(whole, tmp_path):
    folder, config = whole
    train(config, TrainOptions(work_dir=str(tmp_path / 'plain')), ['ema=None', 'total_epochs=1'])
    with pytest.raises(ConfigError, match='ema: not given -> '):
        train(config, TrainOptions(work_dir=str(tmp_path / 'plain')), ['total_epochs=1'])
    train(
        config,
        TrainOptions(
            work_dir=str(tmp_path / 'with'), resume=str(tmp_path / 'plain' / 'epoch_1.pth')
        ),
    )
    assert read_checkpoint(tmp_path / 'with' / 'epoch_2.pth')['resume']['ema_updates'] == 5
    train(
        config,
        TrainOptions(work_dir=str(tmp_path / 'without'), resume=str(folder / 'run' / 'iter_6.pth')),
        ['ema=None'],
    )
    assert same(
        read_checkpoint(tmp_path / 'without' / 'epoch_2.pth')['state_dict'],
        read_checkpoint(folder / 'run' / 'epoch_2.pth')['resume']['raw_state_dict'],
    )


@pytest.mark.parametrize('raw', [3, {'a': 1}, {}, {'backbone.conv1.conv.weight': 'text'}])
def test_damaged_weights_of_a_run_are_refused(whole, tmp_path, raw):
    folder, config = whole
    data = read_checkpoint(folder / 'run' / 'iter_3.pth')
    data['resume']['raw_state_dict'] = raw
    write_checkpoint(tmp_path / 'iter_3.pth', data)
    with pytest.raises(CheckpointError, match='iter_3.pth'):
        train(config, TrainOptions(work_dir=str(tmp_path)))


@pytest.mark.parametrize(
    'ema, message',
    [
        (dict(decay=1.0), 'decay = 1.0: expected less than 1'),
        (dict(decay=0), 'decay = 0'),
        (dict(deca=0.9), 'Did you mean decay'),
        (0.9, 'expected a dict'),
        (dict(warmup=3), 'warmup'),
    ],
)
def test_a_mistake_in_ema_is_named(ema, message):
    with pytest.raises(ConfigError, match=message):
        read_recipe(dict(ema=ema))


def test_runs_from_before_there_was_an_average_may_go_on():
    assert 'ema' not in read_recipe({}).results()
    assert read_recipe(dict(ema={})).results()['ema'] == {'decay': 0.999, 'warmup': True}


@pytest.mark.slow
def test_two_processes_continue_to_the_same_bits(tmp_path):
    config = problem(
        tmp_path, extra=EXTRA + 'checkpoint_config = dict(by_epoch=False, interval=2)\n'
    )
    done = run('tools/train.py', config, processes=2)
    assert done.returncode == 0, done.stderr
    (tmp_path / 'again').mkdir()
    shutil.copy(tmp_path / 'run' / 'iter_2.pth', tmp_path / 'again')
    done = run('tools/train.py', config, '--work-dir', tmp_path / 'again', processes=2)
    assert done.returncode == 0, done.stderr
    a, b = (read_checkpoint(tmp_path / name / 'epoch_2.pth') for name in ('run', 'again'))
    assert same(a['state_dict'], b['state_dict']) and same(
        a['resume']['raw_state_dict'], b['resume']['raw_state_dict']
    )
