"""The average of the weights: its arithmetic, what is validated and saved, exact continuation."""

import copy
import shutil

import pytest
import torch
from kill_training import same
from published_model import small
from recipe_weights import fill
from stopping import run_two
from tiny import problem

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
            if value.is_floating_point():
                value.uniform_(generator=generator)
            else:
                value += 1


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
            average = decay * expected[name] + (1 - decay) * value.double()
            expected[name] = average if value.is_floating_point() else value
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
        assert same({**model.state_dict()}, ema.state_dict())
        raise KeyError
    assert same({**model.state_dict()}, {**own})


def weights_of(folder):
    """The average and the weights themselves at the end of a run."""
    saved = read_checkpoint(folder / 'epoch_2.pth')
    return saved['state_dict'], saved['resume']['raw_state_dict']


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
    average, raw = weights_of(tmp_path)
    assert same((average, raw), weights_of(folder / 'run')) and not same(average, raw)
    assert read_checkpoint(tmp_path / 'epoch_2.pth')['resume']['ema_updates'] == 10


def test_a_run_without_an_average_may_go_on_with_one(whole, tmp_path):
    (folder, config), plain, ema = whole, tmp_path / 'plain', tmp_path / 'ema'
    train(config, TrainOptions(work_dir=str(plain)), ['ema=None', 'total_epochs=1'])
    with pytest.raises(ConfigError, match='ema: not given -> '):
        train(config, TrainOptions(work_dir=str(plain)), ['total_epochs=1'])
    train(config, TrainOptions(work_dir=str(ema), resume=f'{plain}/epoch_1.pth'))
    assert read_checkpoint(ema / 'epoch_2.pth')['resume']['ema_updates'] == 5
    options = TrainOptions(work_dir=str(tmp_path), resume=f'{folder}/run/iter_6.pth')
    train(config, options, ['ema=None'])
    raw = read_checkpoint(tmp_path / 'epoch_2.pth')['state_dict']
    assert same(raw, weights_of(folder / 'run')[1])


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
        (dict(decay=1.0), 'decay = 1.0'),
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
    config = problem(tmp_path, extra=EXTRA + EVERY_3.replace('3', '2'))
    again = tmp_path / 'again'
    status, stderr = run_two(config)
    assert status == 0, stderr
    again.mkdir()
    shutil.copy(tmp_path / 'run' / 'iter_2.pth', again)
    status, stderr = run_two(config, '--work-dir', str(again))
    assert status == 0, stderr
    assert same(weights_of(tmp_path / 'run'), weights_of(again))
