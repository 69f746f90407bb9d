"""Loggers: which figures they get, runs that continue, and errors that never end a training."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_graph import problem

from pyskl.apis import TrainOptions, train
from pyskl.engine.loggers import LOGGERS, Logger, RunFacts
from pyskl.engine.loggers.run import FILE, Loggers
from pyskl.errors import ConfigError, UserError
from pyskl.recipe import load_config, read_recipe

WANDB = dict(type='WandbLoggerHook', init_kwargs=dict(project='gestures'))


class Recorder(Logger):
    """Keeps what it is told in `seen`; fails at the method `fails`."""

    seen: list = []

    def __init__(self, fails: str = '', name: str = 'a'):
        self.fails, self.name = fails, name

    def note(self, method, *told):
        if self.fails == method:
            raise OSError('the server is gone')
        self.seen.append((self.name, method, *told))

    def start(self, run, run_id):
        self.note('start', run, run_id)
        return f'run of {self.name}'

    def scalars(self, step, values):
        self.note('scalars', step, values)

    def finish(self, whole):
        self.note('finish', whole)


@pytest.fixture
def seen(monkeypatch):
    monkeypatch.setitem(LOGGERS.module_dict, 'Recorder', Recorder)
    monkeypatch.setattr(Recorder, 'seen', [])
    return Recorder.seen


def listing(*hooks):
    return {'log_config.hooks': [dict(type='TextLoggerHook'), *hooks]}


def test_a_logger_gets_every_row_of_the_log_by_iteration(tmp_path, seen):
    train(problem(tmp_path, num_train=24), cfg_options=listing(dict(type='Recorder')))
    [text] = (tmp_path / 'run').glob('*.log.json')
    rows = [json.loads(line) for line in text.read_text().splitlines()[1:]]
    methods = [entry[1] for entry in seen]
    assert methods == ['start', *['scalars'] * len(rows), 'finish']

    run, run_id = seen[0][2:]
    assert (run.name, run.work_dir, run.iteration, run_id) == ('graph', tmp_path / 'run', 0, None)
    assert run.config['optimizer']['lr'] == 0.1 and run.facts['world'] == 1
    for (_, _, step, values), row in zip(seen[1:-1], rows):
        done = row['epoch'] * 3 if row['mode'] == 'val' else (row['epoch'] - 1) * 3 + row['iter']
        expected = {
            f'{row["mode"]}/{name}': value
            for name, value in row.items()
            if name not in ('mode', 'epoch', 'iter')
        }
        # A validation stands where its epoch has ended.
        assert step == done
        assert {name: round(value, 5) for name, value in values.items()} == expected
    assert seen[-1] == ('a', 'finish', True)


def test_a_run_goes_on_under_its_name_and_a_new_one_has_none(tmp_path, seen):
    config = problem(tmp_path, num_train=16)
    hooks = listing(dict(type='Recorder'), dict(type='Recorder', name='b'))
    train(config, TrainOptions(validate=False), {**hooks, 'total_epochs': 1})
    last = str(tmp_path / 'run' / 'latest.pth')
    train(config, TrainOptions(validate=False, resume=last), hooks)
    starts = [entry[2:] for entry in seen if entry[1] == 'start']
    expected = [(0, None), (0, None), (2, 'run of a'), (2, 'run of b')]
    assert [(run.iteration, run_id) for run, run_id in starts] == expected


def loggers_of(folder: Path, *hooks: dict) -> Loggers:
    return Loggers(read_recipe(load_config(problem(folder), listing(*hooks))))


def run_of(loggers: Loggers, folder: Path, goes_on: bool = False) -> None:
    with loggers.running(folder, 0, {}, goes_on):
        for step in (1, 2, 3):
            loggers.scalars(step, {'train/loss': 0.5})


@pytest.mark.parametrize('fails', ['scalars', 'finish'])
def test_a_logger_that_fails_is_left_out_with_one_warning(tmp_path, seen, caplog, fails):
    hooks = dict(type='Recorder', fails=fails), dict(type='Recorder', name='b')
    run_of(loggers_of(tmp_path, *hooks), tmp_path)
    [said] = [r.getMessage() for r in caplog.records if r.levelname == 'WARNING']
    assert 'log_config.hooks[1] (Recorder)' in said and 'the server is gone' in said
    methods = [entry[1] for entry in seen if entry[0] == 'b']
    assert methods == ['start', *['scalars'] * 3, 'finish']


def test_a_run_that_cannot_be_opened_ends_a_training_only_at_its_beginning(tmp_path, seen, caplog):
    hooks = dict(type='Recorder', name='b'), dict(type='Recorder', fails='start')
    loggers = loggers_of(tmp_path, *hooks)
    with pytest.raises(ConfigError, match=r'hooks\[2\] \(Recorder\)(.|\n)*server is gone'):
        run_of(loggers, tmp_path)
    assert [entry[:2] for entry in seen] == [('b', 'start'), ('b', 'finish')]
    run_of(loggers, tmp_path, goes_on=True)
    assert seen[-1] == ('b', 'finish', True) and 'Training goes on' in caplog.text


def test_an_error_of_the_training_is_told_to_the_loggers_and_passed_on(tmp_path, seen):
    loggers = loggers_of(tmp_path, dict(type='Recorder'))
    with pytest.raises(UserError, match='NaN'), loggers.running(tmp_path, 0, {}, False):
        raise UserError('NaN')
    assert seen[-1] == ('a', 'finish', False)


def test_a_damaged_list_of_runs_begins_new_ones(tmp_path, seen):
    (tmp_path / FILE).write_text('{"Recorder": 3')
    run_of(loggers_of(tmp_path, dict(type='Recorder')), tmp_path, goes_on=True)
    assert seen[0][3] is None


@pytest.mark.parametrize(
    ('hook', 'module', 'extra'),
    [
        ('TensorboardLoggerHook', 'torch.utils.tensorboard', 'tensorboard'),
        ('WandbLoggerHook', 'wandb', 'wandb'),
        ('MlflowLoggerHook', 'mlflow', 'mlflow'),
        ('TrackioLoggerHook', 'trackio', 'trackio'),
    ],
)
def test_a_package_that_is_not_there_is_missed_before_training(
    tmp_path, monkeypatch, hook, module, extra
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"hooks\[1\] \({hook}\)(.|\n)*\.\[{extra}\]'"):
        loggers_of(tmp_path, dict(type=hook))


# -- what the trackers' packages are asked to do; stand-ins, as the packages are optional ----------


class Calls:
    """A stand-in for a package or an object of it: notes each call by its path."""

    def __init__(self, noted, path='', **attributes):
        self._noted, self._path = noted, path
        self.__dict__.update(attributes)

    def __getattr__(self, name):
        if name.startswith('_'):
            raise AttributeError(name)
        return Calls(self._noted, f'{self._path}.{name}'.lstrip('.'))

    def __call__(self, *words, **settings):
        self._noted.append((self._path, words, settings))
        return Calls(self._noted, f'{self._path}()', id='id1', name='joint-1')


RUN = RunFacts(
    name='joint',
    work_dir=Path('work'),
    iteration=0,
    config={'optimizer': {'lr': 0.1, 'betas': [0.9, 1]}, 'ema': {}},
    facts={'seed': 3},
)


def called(monkeypatch, package: str, hook: dict, run_id=None, run=RUN):
    """What a run makes of a tracker's package: [(method, positional, keywords)]."""
    noted = []
    monkeypatch.setitem(sys.modules, package, Calls(noted))
    logger = LOGGERS.build(hook)
    assert logger.start(run, run_id)
    logger.scalars(7, {'train/loss': 0.5})
    logger.finish(True)
    return noted


def test_wandb_gets_settings_figures_and_an_end(monkeypatch):
    hook = {**WANDB, 'define_metric_cfg': {'val/top1_acc': 'max'}}
    init, *rest = called(monkeypatch, 'wandb', hook)
    config = {**RUN.config, 'seed': 3}
    settings = dict(project='gestures', name='joint', dir='work', config=config)
    assert init == ('init', (), settings)
    assert ('init().log', ({'iteration': 7, 'train/loss': 0.5},), {}) in rest
    summary = dict(step_metric='iteration', summary='max')
    assert ('init().define_metric', ('val/top1_acc',), summary) in rest
    assert rest[-1] == ('init().finish', (), {'exit_code': 0})
    again = called(monkeypatch, 'wandb', WANDB, run_id='id1')[0]
    assert (again[2]['id'], again[2]['resume']) == ('id1', 'allow')


def test_trackio_gets_settings_figures_and_an_end(monkeypatch):
    monkeypatch.delenv('TRACKIO_PROJECT', raising=False)
    init, *rest = called(monkeypatch, 'trackio', dict(type='TrackioLoggerHook'))
    assert init[2]['project'] == 'pyskl' and init[2]['name'].startswith('joint-')
    logged = 'init().log', ({'train/loss': 0.5},), {'step': 7}
    assert rest == [logged, ('init().finish', (), {})]
    again = called(monkeypatch, 'trackio', dict(type='TrackioLoggerHook'), run_id='joint-1')[0]
    assert (again[2]['name'], again[2]['resume']) == ('joint-1', 'allow')


def test_mlflow_gets_flat_settings_figures_and_an_end(monkeypatch):
    hook = dict(type='MlflowLoggerHook', exp_name='gestures', tags={'a': 'b'})
    noted = called(monkeypatch, 'mlflow', hook)
    params = dict(words for name, words, _ in noted if name == 'entities.Param')
    flat = {'optimizer.lr': '0.1', 'optimizer.betas': '[0.9, 1]'}
    assert params == {**flat, 'ema': '{}', 'seed': '3'}
    [metric] = [words for name, words, _ in noted if name == 'entities.Metric']
    assert metric[:2] == ('train/loss', 0.5) and metric[3] == 7
    assert noted[-1][0].endswith('set_terminated') and noted[-1][1][1] == 'FINISHED'
    again = [name for name, *_ in called(monkeypatch, 'mlflow', hook, run_id='id1')]
    assert 'MlflowClient().update_run' in again and 'entities.Param' not in again


def test_mlflow_can_keep_the_newest_checkpoint(monkeypatch, tmp_path):
    (tmp_path / 'epoch_3.pth').write_bytes(b'')
    (tmp_path / 'latest.pth').symlink_to('epoch_3.pth')
    hook = dict(type='MlflowLoggerHook', log_model=True)
    noted = called(monkeypatch, 'mlflow', hook, run_id='id1', run=replace(RUN, work_dir=tmp_path))
    [sent] = [words for name, words, _ in noted if name.endswith('log_artifact')]
    assert sent == ('id1', str((tmp_path / 'epoch_3.pth').resolve()), 'model')


# -- the packages themselves, without a network ----------------------------------------------------


def twice(hook: dict, folder: Path) -> str:
    """A run of two figures that is stopped and goes on; returns its name."""
    name = None
    for step in (1, 2):
        logger = LOGGERS.build(hook)
        name = logger.start(replace(RUN, work_dir=folder, iteration=step - 1), name)
        logger.scalars(step, {'train/loss': 1 / step})
        logger.finish(step == 2)
    return name


def test_tensorboard_files_hold_a_run_and_what_followed(tmp_path):
    pytest.importorskip('tensorboard', reason="needs pip install -e '.[tensorboard]'")
    accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    twice(dict(type='TensorboardLoggerHook'), tmp_path)
    events = accumulator.EventAccumulator(str(tmp_path / 'tf_logs')).Reload()
    assert [(e.step, e.value) for e in events.Scalars('train/loss')] == [(1, 1.0), (2, 0.5)]
    twice(dict(type='TensorboardLoggerHook', log_dir=str(tmp_path / 'mine')), tmp_path)
    assert list((tmp_path / 'mine').glob('events.*'))


@pytest.mark.slow
def test_wandb_offline_holds_a_run_and_what_followed(tmp_path, monkeypatch):
    pytest.importorskip('wandb', reason="needs pip install -e '.[wandb]'")
    monkeypatch.setenv('WANDB_MODE', 'offline')
    monkeypatch.setenv('WANDB_SILENT', 'true')
    hook = {**WANDB, 'log_artifact': True}
    (tmp_path / 'joint.py').write_text('model = None\n')
    name = twice(hook, tmp_path)
    assert len(list(tmp_path.glob(f'wandb/offline-run-*/run-{name}.wandb'))) == 2


@pytest.mark.slow
def test_mlflow_holds_a_run_and_what_followed(tmp_path, monkeypatch):
    mlflow = pytest.importorskip('mlflow', reason="needs pip install -e '.[mlflow]'")
    pytest.importorskip('sqlalchemy', reason='a local database needs all of mlflow')
    monkeypatch.setenv('MLFLOW_TRACKING_URI', f'sqlite:///{tmp_path}/mlflow.db')
    name = twice(dict(type='MlflowLoggerHook', exp_name='gestures'), tmp_path)
    client = mlflow.MlflowClient()
    run = client.get_run(name)
    assert run.info.status == 'FINISHED' and run.info.run_name == 'joint'
    assert run.data.params['optimizer.lr'] == '0.1'
    history = client.get_metric_history(name, 'train/loss')
    assert [(m.step, m.value) for m in history] == [(1, 1.0), (2, 0.5)]


TRACKIO = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from test_loggers import twice
name = twice(dict(type='TrackioLoggerHook', init_kwargs=dict(project='gestures')), Path('.'))
from trackio.sqlite_storage import SQLiteStorage
print([(row['step'], row['train/loss']) for row in SQLiteStorage.get_logs('gestures', name)])
"""


@pytest.mark.slow
def test_trackio_holds_a_run_and_what_followed(tmp_path, monkeypatch):
    pytest.importorskip('trackio', reason="needs pip install -e '.[trackio]'")
    # Its folder is read when it is imported, so another process does all this.
    monkeypatch.setenv('TRACKIO_DIR', str(tmp_path))
    code = TRACKIO.format(path=[str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=tmp_path, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert '[(1, 1.0), (2, 0.5)]' in done.stdout.splitlines()
