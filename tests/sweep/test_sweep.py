"""tools/sweep.py: plans, folders, the table, and a real sweep that is stopped and resumed."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tiny import ROOT, run, write_config, write_data
from tiny import script as load_script

from pyskl.annotations import read_annotations, write_annotations
from pyskl.cli.calling import child_command
from pyskl.errors import ConfigError, DataError, UserError
from pyskl.evaluation import group_accuracy, macro_f1, top_k_accuracy
from pyskl.recipe.overrides import parse_options
from pyskl.scores import fit_blend, soften
from pyskl.scores.score_file import load_scores, save_scores
from pyskl.scripts import run_script
from pyskl.sweep.launchers import InTurn, run_tasks, shares
from pyskl.sweep.plan import Entry, Plan, from_command_line, read_plan
from pyskl.sweep.table import as_markdown, gather, write_table
from pyskl.sweep.tasks import Scripts, make_tasks

script = load_script('sweep')


def no_script(name):
    """Start what is not there."""
    return ['no_such_script']


# -- Plans


def test_a_grid_is_every_combination_and_names_say_what_differs():
    plan = from_command_line(
        ['a/joint.py', 'a/limb.py'],
        ['optimizer.lr=0.1,0.2', 'model.backbone.stage_blocks=[1,1,1],(2,2,2)'],
        [3, 1],
    )
    assert [entry.name for entry in plan.entries][:4] == [
        'joint lr=0.1 stage_blocks=[1,1,1]',
        'joint lr=0.1 stage_blocks=(2,2,2)',
        'joint lr=0.2 stage_blocks=[1,1,1]',
        'joint lr=0.2 stage_blocks=(2,2,2)',
    ]
    assert len(plan.entries) == 8 and plan.seeds == (3, 1)
    assert parse_options(plan.entries[1].words) == {
        'optimizer.lr': 0.1,
        'model.backbone.stage_blocks': (2, 2, 2),
    }


def test_equal_names_are_told_apart_by_folder_and_equal_last_words_by_the_whole_key():
    plan = from_command_line(
        ['x/joint.py', 'y/joint.py'], ['data.train.clip_len=8,9', 'data.test.clip_len=8']
    )
    assert [entry.name for entry in plan.entries] == [
        f'{folder}/joint data.train.clip_len={n} data.test.clip_len=8'
        for folder in 'xy'
        for n in (8, 9)
    ]


def test_a_grid_multiplies_ensembles_too():
    plan = from_command_line(
        ['joint.py', 'limb.py'],
        ['optimizer.lr=0.1,0.2'],
        ensembles=['both=joint+limb', 'rates=joint lr=0.1+joint lr=0.2'],
    )
    assert plan.ensembles == {
        'both lr=0.1': ('joint lr=0.1', 'limb lr=0.1'),
        'both lr=0.2': ('joint lr=0.2', 'limb lr=0.2'),
        'rates': ('joint lr=0.1', 'joint lr=0.2'),
    }


def test_options_of_every_run_go_with_each():
    plan = from_command_line(
        ['joint.py'], ['optimizer.lr=1,2'], options=['total_epochs=4', "load_from='a=b'"]
    )
    assert [entry.options for entry in plan.entries] == [
        {'optimizer.lr': lr, 'total_epochs': '4', 'load_from': "'a=b'"} for lr in '12'
    ]


PLAN = """
WIDE = 16
runs = [dict(name='wide', config='joint.py', options={'model.backbone.base_channels': WIDE}),
        dict(config='limb.py', options={'optimizer': dict(type='Adam', lr=0.1, _delete_=True)},
             grid={'total_epochs': [1, 2]})]
ensembles = {'both': ['wide', 'limb total_epochs=2']}
seeds = [0, 7]
options = {'work_dir': "it's; $(here)"}
"""
WITHIN = {
    'runs': [
        {'name': 'wide', 'config': 'joint.py', 'options': {'model.backbone.base_channels': 16}},
        {
            'config': 'limb.py',
            'options': {'optimizer': {'type': 'Adam', 'lr': 0.1, '_delete_': True}},
            'grid': {'total_epochs': [1, 2]},
        },
    ],
    'ensembles': {'both': ['wide', 'limb total_epochs=2']},
    'seeds': [0, 7],
    'options': {'work_dir': "it's; $(here)"},
}


def test_a_plan_in_python_and_in_json_says_the_same(tmp_path):
    (tmp_path / 'plan.py').write_text(PLAN)
    (tmp_path / 'plan.json').write_text(json.dumps(WITHIN))
    plan = read_plan(tmp_path / 'plan.py')
    assert (
        plan
        == read_plan(tmp_path / 'plan.json')
        == from_command_line([str(tmp_path / 'plan.json')])
    )
    assert [entry.name for entry in plan.entries] == [
        'wide',
        'limb total_epochs=1',
        'limb total_epochs=2',
    ]
    assert parse_options(plan.entries[2].words) == {
        'work_dir': "it's; $(here)",
        'optimizer': {'type': 'Adam', 'lr': 0.1, '_delete_': True},
        'total_epochs': 2,
    }
    assert from_command_line([str(tmp_path / 'plan.py')], seeds=[5]).seeds == (5,)


@pytest.mark.parametrize(
    ('words', 'says'),
    [
        (dict(grids=['optimizer.lr']), 'expected key=value,value'),
        (dict(grids=['optimizer.lr=']), 'expected key=value,value'),
        (dict(options=['lr']), 'expected key=value'),
        (dict(seeds=[1, 1]), 'different whole numbers'),
        (dict(seeds=[-1]), 'from 0 to'),
        (dict(ensembles=['both']), 'name=run'),
        (dict(ensembles=['both=joint+lim']), 'Did you mean limb'),
        (dict(ensembles=['limb=joint+limb']), "'limb' names two rows"),
        (dict(grids=['a.b=1,1']), "'joint b=1' names two rows"),
    ],
)
def test_wrong_words_are_named(words, says):
    with pytest.raises(ConfigError, match=says):
        from_command_line(['joint.py', 'limb.py'], **words)


@pytest.mark.parametrize(
    ('name', 'text', 'says'),
    [
        ('p.json', '{', 'p.json: is no whole JSON'),
        ('p.json', '[]', 'expected an object'),
        ('p.json', '{"runs": []}', 'runs = '),
        ('p.json', '{"run": []}', "'run' is unknown. Did you mean runs"),
        ('p.json', '{"runs": [{"name": "a"}]}', r'runs\[0\]: expected dict'),
        ('p.json', '{"runs": [{"config": "a.py", "option": {}}]}', 'Did you mean options'),
        ('p.json', '{"runs": [{"config": "a.py", "grid": {"x": 1}}]}', 'grid = '),
        ('p.json', '{"runs": [{"config": "a.py"}], "seeds": ["0"]}', 'seeds = '),
        ('p.json', '{"runs": [{"config": "a.py"}], "ensembles": {"b": "a+a"}}', 'ensembles = '),
        ('p.json', '{"runs": [{"config": "a.py", "name": ""}]}', 'name = '),
        (
            'p.py',
            'runs = [dict(config="a.py", options={"x": object()})]',
            'expected numbers, texts',
        ),
        ('p.py', '\nruns = 1 / 0', 'p.py, line 2: ZeroDivisionError'),
        ('p.py', 'runs = [', 'p.py: SyntaxError'),
    ],
)
def test_a_wrong_plan_is_named(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=says):
        from_command_line([str(tmp_path / name)])


# -- Runs and their folders


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A small problem with a joint and a limb config, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('SLURM_ARRAY_TASK_ID', raising=False)
    write_data(tmp_path, num_train=16, num_test=13)
    write_config(tmp_path, 'joint.py', extra='total_epochs = 1\n')
    write_config(tmp_path, 'limb.py', limbs=True, extra='total_epochs = 1\n')
    return tmp_path


def folders(*configs, **words):
    return [
        task.folder.parent.name for task in make_tasks(from_command_line(configs, **words), 'sweep')
    ]


def test_a_folder_is_named_from_the_settings_and_changes_with_what_decides_the_result(world):
    first = folders('joint.py', grids=['optimizer.lr=0.1,0.2'])
    assert [name.rpartition('-')[0] for name in first] == ['joint_lr=0.1', 'joint_lr=0.2'] and len(
        set(first)
    ) == 2
    assert folders('joint.py', grids=['optimizer.lr=0.1,0.2']) == first
    plain = folders('joint.py')
    assert (
        folders(
            'joint.py',
            options=[
                'log_config.interval=5',
                'data.workers_per_gpu=1',
                'checkpoint_config.interval=3',
            ],
        )
        == plain
    )
    others = [
        folders('joint.py', options=[option])
        for option in ('optimizer.lr=0.1', 'total_epochs=3', 'data.test.pipeline.0.num_clips=3')
    ]
    write_config(world, 'joint.py', extra='total_epochs = 2\n')
    others.append(folders('joint.py'))
    write_config(world, 'joint.py', extra='total_epochs = 1\n')
    assert folders('joint.py') == plain
    write_data(world, num_train=16, num_test=13, seed=1)
    others.append(folders('joint.py'))
    assert len({name for names in [plain, *others] for name in names}) == 6


def test_a_folder_changes_with_the_starting_weights_and_own_modules(world):
    (world / 'sweep_module_of_mine.py').write_text('SIZE = 1\n')
    (world / 'start.pth').write_bytes(b'one')
    words = dict(
        options=["load_from='start.pth'", "custom_imports={'imports': ['sweep_module_of_mine']}"]
    )
    before = folders('joint.py', **words)
    assert folders('joint.py', **words) == before
    (world / 'start.pth').write_bytes(b'two')
    retrained = folders('joint.py', **words)
    (world / 'sweep_module_of_mine.py').write_text('SIZE = 2\n')
    assert len({*before, *retrained, *folders('joint.py', **words)}) == 3


def test_equal_settings_under_two_names_are_one_run(world):
    plan = Plan((Entry('a', 'joint.py'), Entry('b', 'joint.py', {'total_epochs': '1'})))
    (world / 'sweep').mkdir()
    one, two = make_tasks(plan, 'sweep')
    assert one.folder.parent.name.rpartition('-')[2] == two.folder.parent.name.rpartition('-')[2]
    one.folder.mkdir(parents=True)
    assert make_tasks(plan, 'sweep')[1].folder == one.folder


def test_each_seed_and_each_split_has_its_place(world):
    tasks = make_tasks(from_command_line(['joint.py'], seeds=[0, 5]), 'sweep', 'val')
    assert [task.folder.name for task in tasks] == ['seed0', 'seed5'] and tasks[
        0
    ].folder.parent == tasks[1].folder.parent
    assert tasks[0].truth.ids == tuple(f'val_{n}' for n in range(13))
    assert tasks[0].truth.class_counts.tolist() == [6, 5, 5]


def result(task, scores=None, ids=None):
    scores = np.eye(3)[task.truth.labels] if scores is None else scores
    save_scores(task.folder / 'scores.npz', task.truth.ids if ids is None else ids, scores)


def test_a_run_is_done_when_its_result_file_is_whole_and_of_these_clips(world):
    (task,) = make_tasks(from_command_line(['joint.py']), 'sweep')
    assert task.scores() is None
    result(task)
    assert task.scores() is not None
    assert run_tasks([task], InTurn(), Scripts(no_script)) == []  # nothing is started
    result(task, ids=[f'other_{n}' for n in range(13)])
    assert task.scores() is None
    result(task)
    whole = (task.folder / 'scores.npz').read_bytes()
    (task.folder / 'scores.npz').write_bytes(whole[:-100])
    assert task.scores() is None


def test_mistakes_are_found_before_anything_runs(world):
    for options, says in (
        (['optimiser.lr=1'], "run 'joint': .*optimiser"),
        (['model.type=Recognizer'], 'Recognizer3D'),
        (['data.test.ann_file=gone.pkl'], 'gone.pkl'),
    ):
        with pytest.raises(UserError, match=says):
            folders('joint.py', options=options)
    data = read_annotations('test.pkl')
    data['annotations'][3]['label'] = -1
    write_annotations('some.pkl', data['split'], data['annotations'])
    with pytest.raises(DataError, match='1 of 13 clips have no label'):
        folders('joint.py', options=['data.test.ann_file=some.pkl'])
    assert not (world / 'sweep').exists()


# -- How they are started


def test_options_stay_single_words_and_no_shell_sees_them(world):
    (task,) = make_tasks(
        from_command_line(['joint.py'], options=["work_dir='; touch hacked; $(touch hacked)'"]),
        'sweep',
    )
    commands = Scripts(child_command, device='cpu', amp='bf16').commands(task)
    assert list(commands) == ['train', 'test']
    assert commands['train'][-2:] == ['--cfg-options', "work_dir='; touch hacked; $(touch hacked)'"]
    assert commands['train'][2:11] == [
        'joint.py',
        '--work-dir',
        str(task.folder),
        '--device',
        'cpu',
        '--amp',
        'bf16',
        '--seed',
        '0',
    ]
    assert commands['test'][-4:-2] == ['--split', 'test']


def test_jobs_share_the_cores_and_the_gpus(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: set(range(8)), raising=False)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '7')
    assert shares(0, 1, ()) == {'CUDA_VISIBLE_DEVICES': '7'}
    assert shares(1, 3, ())['OMP_NUM_THREADS'] == '2'
    assert shares(1, 20, ())['OMP_NUM_THREADS'] == '1'
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    assert shares(0, 2, ())['OMP_NUM_THREADS'] == '1'
    assert [shares(slot, 3, ['4', '6'])['CUDA_VISIBLE_DEVICES'] for slot in range(3)] == [
        '4',
        '6',
        '4',
    ]


def test_an_array_task_is_one_run(monkeypatch):
    monkeypatch.delenv('SLURM_ARRAY_TASK_ID', raising=False)
    assert script.task_id(script.parse_args(['a.py']), 4) is None
    monkeypatch.setenv('SLURM_ARRAY_TASK_ID', '3')
    assert script.task_id(script.parse_args(['a.py']), 4) == 3
    assert script.task_id(script.parse_args(['a.py', '--task-id', '0']), 4) == 0
    with pytest.raises(ConfigError, match=r'SLURM_ARRAY_TASK_ID = 3: expected 0..2'):
        script.task_id(script.parse_args(['a.py']), 3)
    with pytest.raises(ConfigError, match='--jobs 0'):
        script.parse_args(['a.py', '--jobs', '0'])


# -- The table


def test_the_table_is_the_mean_and_deviation_over_seeds_and_blends_clip_by_clip(world):
    plan = from_command_line(
        ['joint.py', 'limb.py'], seeds=[0, 1, 2], ensembles=['both=joint+limb']
    )
    tasks = make_tasks(plan, 'sweep')
    rng = np.random.default_rng(0)
    scores = {
        task.title: soften(rng.normal(size=(13, 3)) + np.eye(3)[task.truth.labels])
        for task in tasks
    }
    for task in tasks[:5]:  # the limb stream's last seed is not done
        result(task, scores[task.title])
    tasks[0].record.write_text(json.dumps({'seconds': {'train': 40.0, 'test': 2.0}}))
    rows = {row.name: row for row in gather(plan, tasks)}
    truth = tasks[0].truth
    values = [top_k_accuracy(scores[f'joint, seed {n}'], truth.labels, 1)[0] for n in range(3)]
    assert [rows['joint'].figures[n]['top1_acc'] for n in range(3)] == values
    blended = [(scores[f'joint, seed {n}'] + scores[f'limb, seed {n}']) / 2 for n in range(2)]
    assert [rows['both'].figures[n]['macro_f1'] for n in range(2)] == pytest.approx(
        [macro_f1(b, truth.labels) for b in blended]
    )
    assert (
        rows['both'].figures[1]['tail_acc']
        == group_accuracy(blended[1], truth.labels, [6, 5, 5])['tail_acc']
    )
    assert rows['joint'].seconds == {0: 42.0, 1: None, 2: None} and rows['both'].seconds[0] is None

    lines = as_markdown(list(rows.values())).splitlines()
    cells = [cell.strip() for cell in lines[2].strip('|').split('|')]
    assert (
        cells[0] == 'joint'
        and cells[1] == f'{100 * np.mean(values):.1f} ± {100 * np.std(values, ddof=1):.1f}'
    )
    assert (
        cells[-2:] == ['42', '3']
        and lines[3].endswith('| 2 of 3 |')
        and lines[4].startswith('| both ')
    )
    assert len({len(line) for line in lines}) == 1

    table, numbers = write_table(list(rows.values()), 'sweep')
    assert table.read_text(encoding='utf-8').splitlines() == lines
    content = {row['name']: row for row in json.loads(numbers.read_text())}
    assert content['joint']['mean']['top1_acc'] == pytest.approx(np.mean(values))
    assert (
        content['joint']['seeds']['0']['seconds'] == 42.0
        and content['joint']['config'] == 'joint.py'
    )
    assert content['both']['ensemble'] == ['joint', 'limb'] and list(content['both']['seeds']) == [
        '0',
        '1',
    ]


def test_an_ensemble_is_also_judged_with_weights_chosen_on_val(world):
    """A worthless second stream gets weight 0, and the fitted row is the first stream's."""
    plan = from_command_line(
        ['joint.py', 'limb.py'], seeds=[3], ensembles=['both=joint+limb'], fit_on='val'
    )
    tasks = make_tasks(plan, 'sweep')
    rng = np.random.default_rng(0)
    good = {
        split: soften(rng.normal(size=(13, 3)) + 2 * np.eye(3)[truth.labels])
        for split, truth in (('test', tasks[0].truth), ('val', tasks[0].fit_truth))
    }
    bad = {split: soften(5 * rng.normal(size=(13, 3))) for split in good}
    for task, scores in zip(tasks, (good, bad)):
        result(task, scores['test'])
        assert not task.done and list(Scripts(no_script).commands(task)) == ['fit']
        save_scores(task.folder / 'val_scores.npz', task.fit_truth.ids[::-1], scores['val'][::-1])
        assert not task.done  # the clips are not in the data set's order
        save_scores(task.folder / 'val_scores.npz', task.fit_truth.ids, scores['val'])
        assert task.done and not Scripts(no_script).commands(task)
    fit = fit_blend([good['val'], bad['val']], tasks[0].fit_truth.labels)
    blended = sum(
        w * soften(s['test'], t) for w, s, t in zip(fit.weights, (good, bad), fit.temperatures)
    )
    rows = {row.name: row for row in gather(plan, tasks)}
    assert set(rows) == {'joint', 'limb', 'both', 'both, fitted on val'}
    found = rows['both, fitted on val'].figures[3]
    assert (
        found['top1_acc']
        == top_k_accuracy(blended, tasks[0].truth.labels, 1)[0]
        != rows['both'].figures[3]['top1_acc']
    )
    assert rows['both, fitted on val'].about == {'ensemble': ['joint', 'limb'], 'fit_on': 'val'}


def test_weights_are_not_chosen_on_the_clips_that_are_reported(world):
    plan = from_command_line(['joint.py', 'limb.py'], ensembles=['both=joint+limb'], fit_on='val')
    with pytest.raises(ConfigError, match='Judge by test'):
        make_tasks(plan, 'sweep', split='val')
    assert all(
        task.fit_truth is None
        for task in make_tasks(from_command_line(['joint.py'], fit_on='val'), 'sweep')
    )


def test_a_table_with_nothing_done_and_with_one_seed_has_no_deviation(world):
    plan = from_command_line(['joint.py'])
    tasks = make_tasks(plan, 'sweep')
    assert as_markdown(gather(plan, tasks)).splitlines()[2].endswith('|       - | 0 of 1 |')
    result(tasks[0])
    assert '100.0 |' in as_markdown(gather(plan, tasks)) and '±' not in as_markdown(
        gather(plan, tasks)
    )
    write_table(gather(plan, tasks), 'sweep')
    assert json.loads((world / 'sweep' / 'table.json').read_text())[0]['std']['top1_acc'] is None


def test_the_plan_of_the_demo_is_right(monkeypatch):
    """Every run of configs/sweeps/demo.py can be read; its data need not be there."""
    from pyskl.apis.setup import read_run

    monkeypatch.chdir(ROOT)
    plan = read_plan('configs/sweeps/demo.py')
    assert len(plan.seeds) == 3 and {'four streams', 'joint + limb'} <= set(plan.ensembles)
    settings = {
        entry.name: json.dumps(read_run(entry.config, entry.words).recipe.results(), default=str)
        for entry in plan.entries
    }
    assert len(set(settings.values())) == len(settings)
    for name, mirror in (
        ('published joint', '[1, 3, 5, 7'),
        ('published limb', '[[0, 1], [2, 1], [2, 3]'),
    ):
        assert mirror in settings[name] and mirror not in settings[name.split()[1]]


# -- The real thing


def test_list_numbers_the_runs_and_a_mistake_is_status_2(world, capsys):
    assert script.main(['joint.py', '--seeds', '0', '1', '--list', '--work-dir', 'sweep']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['0', '1'] and 'joint, seed 1' in lines[1]
    assert not (world / 'sweep').exists()
    with pytest.raises(SystemExit) as left:
        run_script(lambda: script.main(['joint.py', '--grid', 'optimiser.lr=1']))
    assert left.value.code == 2 and capsys.readouterr().err.startswith("error: run 'joint lr=1': ")
    assert not (world / 'work_dirs').exists()


@pytest.mark.slow
def test_a_sweep_of_two_streams_a_broken_run_and_their_ensemble(world):
    """A broken run is named with its log; the others go on, and a repeat makes what is missing."""
    words = [
        'joint.py',
        'limb.py',
        '--ensemble',
        'both=joint+limb',
        '--work-dir',
        'sweep',
        '--jobs',
        2,
    ]
    (world / 'three.py').write_text(
        (world / 'joint.py').read_text() + 'model["cls_head"]["num_classes"] = 2\n'
    )
    done = run('tools/sweep.py', 'three.py', *words, cwd=world)
    assert done.returncode == 1, done.stderr
    assert (
        done.stderr.startswith('error: three, seed 0: tools/train.py ended with status 2: error: ')
        and 'sweep.log' in done.stderr
    )
    assert done.stdout.count('done: ') == 2
    content = {row['name']: row for row in json.loads((world / 'sweep' / 'table.json').read_text())}
    assert set(content['both']['seeds']) == {'0'} and content['three']['seeds'] == {}
    assert content['joint']['seeds']['0']['seconds'] > 0

    limb = next((world / 'sweep').glob('limb-*')) / 'seed0'
    before = (limb / 'epoch_1.pth').stat().st_mtime_ns
    (limb / 'scores.npz').write_bytes(b'')
    again = run('tools/sweep.py', *words, cwd=world)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count('done: ') == 1 and 'done: limb' in again.stdout
    assert (limb / 'epoch_1.pth').stat().st_mtime_ns == before  # trained already, tested anew
    assert json.loads((world / 'sweep' / 'table.json').read_text())[1]['seeds']['0'].keys() >= {
        'top1_acc',
        'tail_acc',
        'seconds',
    }

    tested = (limb / 'scores.npz').read_bytes()
    on_val = run('tools/sweep.py', 'limb.py', '--work-dir', 'sweep', '--split', 'val', cwd=world)
    assert on_val.returncode == 0, on_val.stderr
    assert load_scores(limb / 'val_scores.npz').ids == tuple(f'val_{n}' for n in range(13))
    assert (limb / 'scores.npz').read_bytes() == tested and (
        limb / 'epoch_1.pth'
    ).stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_stopped_sweep_stops_its_runs_and_goes_on(world):
    words = [
        sys.executable,
        str(ROOT / 'tools' / 'sweep.py'),
        'joint.py',
        '--work-dir',
        'sweep',
        '--cfg-options',
        'total_epochs=60',
    ]
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''},
    )
    deadline = time.monotonic() + 120
    while not list((world / 'sweep').glob('*/seed0/epoch_1.pth')) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=100)
    assert (
        process.returncode == 143
        and 'stopped by SIGTERM. The same command goes on from there.' in stderr
    )
    (folder,) = (world / 'sweep').glob('*/seed0')
    assert 'goes on from there' in (folder / 'sweep.log').read_text()
    assert not (folder / 'scores.npz').exists() and not (folder / 'epoch_60.pth').exists()
    done = subprocess.run(words, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / 'sweep.log').read_text().count('Going on from') == 1 and (
        folder / 'epoch_60.pth'
    ).exists()
