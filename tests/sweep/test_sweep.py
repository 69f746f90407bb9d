"""tools/sweep.py: plans, folders, the table, and a real sweep that is stopped and resumed."""

import json
import os
import shlex
import signal

import numpy as np
import pytest
from kill_training import start, wait_for
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
SCRIPTS = Scripts(child_command)
PAIR = ['joint.py', 'limb.py']
BOTH = ['both=joint+limb']


# -- Plans


def test_a_grid_is_every_combination_and_names_say_what_differs():
    grids = ['optimizer.lr=0.1,0.2', 'model.backbone.stage_blocks=[1,1,1],(2,2,2)']
    plan = from_command_line(['a/joint.py', 'a/limb.py'], grids, [3, 1])
    assert [entry.name for entry in plan.entries] == [
        f'{stream} lr={lr} stage_blocks={blocks}'
        for stream in ('joint', 'limb')
        for lr in (0.1, 0.2)
        for blocks in ('[1,1,1]', '(2,2,2)')
    ]
    assert plan.seeds == (3, 1)
    options = {'optimizer.lr': 0.1, 'model.backbone.stage_blocks': (2, 2, 2)}
    assert parse_options(plan.entries[1].words) == options


def test_equal_names_are_told_apart_by_folder_and_equal_last_words_by_the_whole_key():
    grids = ['data.train.clip_len=8,9', 'data.test.clip_len=8']
    plan = from_command_line(['x/joint.py', 'y/joint.py'], grids)
    assert [entry.name for entry in plan.entries] == [
        f'{folder}/joint data.train.clip_len={n} data.test.clip_len=8'
        for folder in 'xy'
        for n in (8, 9)
    ]


def test_a_grid_multiplies_ensembles_too():
    ensembles = [*BOTH, 'rates=joint lr=0.1+joint lr=0.2']
    plan = from_command_line(PAIR, ['optimizer.lr=0.1,0.2'], ensembles=ensembles)
    assert plan.ensembles == {
        'both lr=0.1': ('joint lr=0.1', 'limb lr=0.1'),
        'both lr=0.2': ('joint lr=0.2', 'limb lr=0.2'),
        'rates': ('joint lr=0.1', 'joint lr=0.2'),
    }


def test_options_of_every_run_go_with_each():
    options = {'total_epochs': '4', 'load_from': "'a=b'"}
    words = [f'{key}={text}' for key, text in options.items()]
    plan = from_command_line(PAIR[:1], ['optimizer.lr=1,2'], options=words)
    assert [entry.options for entry in plan.entries] == [
        {'optimizer.lr': lr, **options} for lr in '12'
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


def test_a_plan_in_python_and_in_json_says_the_same(tmp_path):
    (tmp_path / 'plan.py').write_text(PLAN)
    content: dict = {}
    exec(PLAN, content)
    names = ('runs', 'ensembles', 'seeds', 'options')
    (tmp_path / 'plan.json').write_text(json.dumps({name: content[name] for name in names}))
    plan = read_plan(tmp_path / 'plan.py')
    assert plan == from_command_line([str(tmp_path / 'plan.json')])
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
        (dict(grids=['optimizer.lr']), 'optimizer.lr'),
        (dict(grids=['optimizer.lr=']), 'optimizer.lr='),
        (dict(options=['lr']), 'lr'),
        (dict(seeds=[1, 1]), 'seeds'),
        (dict(seeds=[-1]), 'seeds'),
        (dict(ensembles=['both']), '--ensemble'),
        (dict(ensembles=['both=joint+lim']), 'Did you mean limb'),
        (dict(ensembles=['limb=joint+limb']), "'limb' names two rows"),
        (dict(grids=['a.b=1,1']), "'joint b=1' names two rows"),
    ],
)
def test_wrong_words_are_named(words, says):
    with pytest.raises(ConfigError, match=says):
        from_command_line(PAIR, **words)


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('{', 'p.json: is no whole JSON'),
        ('[]', 'expected an object'),
        ('{"runs": []}', 'runs = '),
        ('{"run": []}', "'run' is unknown. Did you mean runs"),
        ('{"runs": [{"name": "a"}]}', r'runs\[0\]'),
        ('{"runs": [{"config": "a.py", "option": {}}]}', 'Did you mean options'),
        ('{"runs": [{"config": "a.py", "grid": {"x": 1}}]}', 'grid = '),
        ('{"runs": [{"config": "a.py"}], "seeds": ["0"]}', 'seeds = '),
        ('{"runs": [{"config": "a.py"}], "ensembles": {"b": "a+a"}}', 'ensembles = '),
        ('{"runs": [{"config": "a.py", "name": ""}]}', 'name = '),
        ('runs = [dict(config="a.py", options={"x": object()})]', r"options\['x'\]"),
        ('runs = 1 / 0', 'p.py, line 1: ZeroDivisionError'),
        ('runs = [', 'p.py: SyntaxError'),
    ],
)
def test_a_wrong_plan_is_named(tmp_path, text, says):
    path = tmp_path / ('p.py' if text.startswith('runs') else 'p.json')
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        from_command_line([str(path)])


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


def tasks_of(*configs, split='test', **words):
    return make_tasks(from_command_line(configs, **words), 'sweep', split)


def folders(**words):
    return [task.folder.parent.name for task in tasks_of('joint.py', **words)]


def test_a_folder_is_named_from_the_settings_and_changes_with_what_decides_the_result(world):
    first = folders(grids=['optimizer.lr=0.1,0.2'])
    assert [name.rpartition('-')[0] for name in first] == ['joint_lr=0.1', 'joint_lr=0.2']
    assert len(set(first)) == 2
    assert folders(grids=['optimizer.lr=0.1,0.2']) == first
    plain = folders()
    idle = ['log_config.interval=5', 'data.workers_per_gpu=1', 'checkpoint_config.interval=3']
    assert folders(options=idle) == plain
    deciding = ['optimizer.lr=0.1', 'total_epochs=3', 'data.test.pipeline.0.num_clips=3']
    others = [folders(options=[option]) for option in deciding]
    write_config(world, 'joint.py', extra='total_epochs = 2\n')
    others.append(folders())
    write_config(world, 'joint.py', extra='total_epochs = 1\n')
    assert folders() == plain
    write_data(world, num_train=16, num_test=13, seed=1)
    others.append(folders())
    assert len({name for names in [plain, *others] for name in names}) == 6


def test_a_folder_changes_with_the_starting_weights_and_own_modules(world):
    (world / 'sweep_module_of_mine.py').write_text('SIZE = 1\n')
    (world / 'start.pth').write_bytes(b'one')
    options = ["load_from='start.pth'", "custom_imports={'imports': ['sweep_module_of_mine']}"]
    before = folders(options=options)
    assert folders(options=options) == before
    (world / 'start.pth').write_bytes(b'two')
    retrained = folders(options=options)
    (world / 'sweep_module_of_mine.py').write_text('SIZE = 2\n')
    assert len({*before, *retrained, *folders(options=options)}) == 3


def test_equal_settings_under_two_names_are_one_run(world):
    plan = Plan((Entry('a', 'joint.py'), Entry('b', 'joint.py', {'total_epochs': '1'})))
    one, two = make_tasks(plan, 'sweep')
    assert one.folder.parent.name.rpartition('-')[2] == two.folder.parent.name.rpartition('-')[2]
    one.folder.mkdir(parents=True)
    assert make_tasks(plan, 'sweep')[1].folder == one.folder


def test_each_seed_and_each_split_has_its_place(world):
    first, second = tasks_of('joint.py', seeds=[0, 5], split='val')
    assert (first.folder.name, second.folder.name) == ('seed0', 'seed5')
    assert first.folder.parent == second.folder.parent
    assert first.truth.ids == tuple(f'val_{n}' for n in range(13))
    assert first.truth.class_counts.tolist() == [6, 5, 5]


def result(task, scores=None, ids=None):
    scores = np.eye(3)[task.truth.labels] if scores is None else scores
    save_scores(task.folder / 'scores.npz', ids or task.truth.ids, scores)


def test_a_run_is_done_when_its_result_file_is_whole_and_of_these_clips(world):
    (task,) = tasks_of('joint.py')
    assert not task.done
    result(task)
    assert task.done
    no_script = Scripts(lambda name: ['no_such_script'])
    assert run_tasks([task], InTurn(), no_script) == []  # nothing is started
    result(task, ids=[f'other_{n}' for n in range(13)])
    assert not task.done
    result(task)
    whole = (task.folder / 'scores.npz').read_bytes()
    (task.folder / 'scores.npz').write_bytes(whole[:-100])
    assert not task.done


def test_mistakes_are_found_before_anything_runs(world):
    for option, says in (
        ('optimiser.lr=1', "run 'joint': .*optimiser"),
        ('model.type=Recognizer', 'Recognizer3D'),
        ('data.test.ann_file=gone.pkl', 'gone.pkl'),
    ):
        with pytest.raises(UserError, match=says):
            folders(options=[option])
    data = read_annotations('test.pkl')
    data['annotations'][3]['label'] = -1
    write_annotations('some.pkl', data['split'], data['annotations'])
    with pytest.raises(DataError, match='1 of 13 clips'):
        folders(options=['data.test.ann_file=some.pkl'])
    assert not (world / 'sweep').exists()


# -- How they are started


def test_options_stay_single_words_and_no_shell_sees_them(world):
    option = "work_dir='; touch hacked; $(touch hacked)'"
    (task,) = tasks_of('joint.py', options=[option])
    train, test = Scripts(child_command, device='cpu', amp='bf16').commands(task).values()
    common = ['joint.py', '--work-dir', str(task.folder), *shlex.split('--device cpu --amp bf16')]
    assert train == [*child_command('train'), *common, '--seed', '0', '--cfg-options', option]
    assert test == [*child_command('test'), *common, '--split', 'test', '--cfg-options', option]


def test_jobs_share_the_cores_and_the_gpus(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: set(range(8)), raising=False)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '7')
    assert shares(0, 1, ()) == {'CUDA_VISIBLE_DEVICES': '7'}
    assert [shares(1, jobs, ())['OMP_NUM_THREADS'] for jobs in (3, 20)] == ['2', '1']
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    assert shares(0, 2, ())['OMP_NUM_THREADS'] == '1'
    gpus = [shares(slot, 3, ['4', '6'])['CUDA_VISIBLE_DEVICES'] for slot in range(3)]
    assert gpus == ['4', '6', '4']


def test_an_array_task_is_one_run(monkeypatch):
    def task_id(*words, count=4):
        return script.task_id(script.parse_args(['a.py', *words]), count)

    monkeypatch.delenv('SLURM_ARRAY_TASK_ID', raising=False)
    assert task_id() is None
    monkeypatch.setenv('SLURM_ARRAY_TASK_ID', '3')
    assert task_id() == 3 and task_id('--task-id', '0') == 0
    with pytest.raises(ConfigError, match=r'SLURM_ARRAY_TASK_ID = 3: expected 0..2'):
        task_id(count=3)


# -- The table


def test_the_table_is_the_mean_and_deviation_over_seeds_and_blends_clip_by_clip(world):
    plan = from_command_line(PAIR, seeds=[0, 1, 2], ensembles=BOTH)
    tasks = make_tasks(plan, 'sweep')
    rng, labels = np.random.default_rng(0), tasks[0].truth.labels
    scores = [soften(rng.normal(size=(13, 3)) + np.eye(3)[labels]) for _ in tasks]
    for task, of_task in zip(tasks[:5], scores):  # the limb stream's last seed is not done
        result(task, of_task)
    tasks[0].record.write_text(json.dumps({'seconds': {'train': 40.0, 'test': 2.0}}))
    rows = gather(plan, tasks)
    joint, _, both = rows
    top1 = [top_k_accuracy(of_seed, labels, 1)[0] for of_seed in scores[:3]]
    assert [joint.figures[n]['top1_acc'] for n in range(3)] == top1
    blended = [(scores[n] + scores[3 + n]) / 2 for n in range(2)]
    for n, of_seed in enumerate(blended):
        assert both.figures[n]['macro_f1'] == pytest.approx(macro_f1(of_seed, labels))
    tail = group_accuracy(blended[1], labels, [6, 5, 5])['tail_acc']
    assert both.figures[1]['tail_acc'] == tail
    assert joint.seconds == {0: 42.0, 1: None, 2: None} and both.seconds[0] is None

    lines = as_markdown(rows).splitlines()
    cells = [cell.strip() for cell in lines[2].strip('|').split('|')]
    mean, deviation = 100 * np.mean(top1), 100 * np.std(top1, ddof=1)
    assert cells[:2] == ['joint', f'{mean:.1f} ± {deviation:.1f}'] and cells[-2:] == ['42', '3']
    assert lines[3].endswith('| 2 of 3 |') and lines[4].startswith('| both ')
    assert len({len(line) for line in lines}) == 1

    table, numbers = write_table(rows, 'sweep')
    assert table.read_text(encoding='utf-8').splitlines() == lines
    joint, _, both = json.loads(numbers.read_text())
    assert joint['mean']['top1_acc'] == pytest.approx(np.mean(top1))
    assert joint['seeds']['0']['seconds'] == 42.0 and joint['config'] == 'joint.py'
    assert both['ensemble'] == ['joint', 'limb'] and list(both['seeds']) == ['0', '1']


def test_an_ensemble_is_also_judged_with_weights_chosen_on_val(world):
    """A worthless second stream gets weight 0, and the fitted row is the first stream's."""
    plan = from_command_line(PAIR, seeds=[3], ensembles=BOTH, fit_on='val')
    tasks = make_tasks(plan, 'sweep')
    rng = np.random.default_rng(0)
    truths = {'test': tasks[0].truth, 'val': tasks[0].fit_truth}
    good = {
        split: soften(rng.normal(size=(13, 3)) + 2 * np.eye(3)[truth.labels])
        for split, truth in truths.items()
    }
    bad = {split: soften(5 * rng.normal(size=(13, 3))) for split in good}
    for task, scores in zip(tasks, (good, bad)):
        result(task, scores['test'])
        assert not task.done and list(SCRIPTS.commands(task)) == ['fit']
        save_scores(task.folder / 'val_scores.npz', task.fit_truth.ids[::-1], scores['val'][::-1])
        assert not task.done  # the clips are not in the data set's order
        save_scores(task.folder / 'val_scores.npz', task.fit_truth.ids, scores['val'])
        assert task.done and not SCRIPTS.commands(task)
    fit = fit_blend([good['val'], bad['val']], truths['val'].labels)
    blended = sum(
        w * soften(s['test'], t) for w, s, t in zip(fit.weights, (good, bad), fit.temperatures)
    )
    *streams, equal, fitted = gather(plan, tasks)
    assert [row.name for row in (*streams, equal)] == ['joint', 'limb', 'both']
    assert fitted.about == {'ensemble': ['joint', 'limb'], 'fit_on': 'val'}
    top1 = top_k_accuracy(blended, truths['test'].labels, 1)[0]
    assert fitted.figures[3]['top1_acc'] == top1 != equal.figures[3]['top1_acc']


def test_weights_are_not_chosen_on_the_clips_that_are_reported(world):
    with pytest.raises(ConfigError, match='Judge by test'):
        tasks_of(*PAIR, ensembles=BOTH, fit_on='val', split='val')
    (task,) = tasks_of('joint.py', fit_on='val')
    assert task.fit_truth is None


def test_a_table_with_nothing_done_and_with_one_seed_has_no_deviation(world):
    plan = from_command_line(['joint.py'])
    tasks = make_tasks(plan, 'sweep')
    assert as_markdown(gather(plan, tasks)).splitlines()[2].endswith('|       - | 0 of 1 |')
    result(tasks[0])
    table, numbers = write_table(gather(plan, tasks), 'sweep')
    text = table.read_text(encoding='utf-8')
    assert '100.0 |' in text and '±' not in text
    assert json.loads(numbers.read_text())[0]['std']['top1_acc'] is None


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
    for stream, mirror in (('joint', '[1, 3, 5, 7'), ('limb', '[[0, 1], [2, 1], [2, 3]')):
        assert mirror in settings[f'published {stream}'] and mirror not in settings[stream]


# -- The real thing


def test_list_numbers_the_runs_and_a_mistake_is_status_2(world, capsys):
    assert script.main(shlex.split('joint.py --seeds 0 1 --list --work-dir sweep')) == 0
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

    def sweep(words, status=0):
        done = run('tools/sweep.py', *words.split(), cwd=world)
        assert done.returncode == status, done.stderr
        return done

    def table():
        return json.loads((world / 'sweep' / 'table.json').read_text())

    words = 'joint.py limb.py --ensemble both=joint+limb --work-dir sweep --jobs 2'
    broken = (world / 'joint.py').read_text() + 'model["cls_head"]["num_classes"] = 2\n'
    (world / 'three.py').write_text(broken)
    done = sweep(f'three.py {words}', status=1)
    said = 'error: three, seed 0: tools/train.py ended with status 2: error: '
    assert done.stderr.startswith(said) and 'sweep.log' in done.stderr
    assert done.stdout.count('done: ') == 2
    content = {row['name']: row['seeds'] for row in table()}
    assert set(content['both']) == {'0'} and content['three'] == {}
    assert content['joint']['0']['seconds'] > 0

    limb = next((world / 'sweep').glob('limb-*')) / 'seed0'
    before = (limb / 'epoch_1.pth').stat().st_mtime_ns
    (limb / 'scores.npz').write_bytes(b'')
    again = sweep(words)
    assert again.stdout.count('done: ') == 1 and 'done: limb' in again.stdout
    assert (limb / 'epoch_1.pth').stat().st_mtime_ns == before  # trained already, tested anew
    assert table()[1]['seeds']['0'].keys() >= {'top1_acc', 'tail_acc', 'seconds'}

    tested = (limb / 'scores.npz').read_bytes()
    sweep('limb.py --work-dir sweep --split val')
    assert load_scores(limb / 'val_scores.npz').ids == tuple(f'val_{n}' for n in range(13))
    assert (limb / 'scores.npz').read_bytes() == tested
    assert (limb / 'epoch_1.pth').stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_stopped_sweep_stops_its_runs_and_goes_on(world):
    words = shlex.split('joint.py --work-dir sweep --cfg-options total_epochs=60')
    process = start('tools/sweep.py', *words)
    assert wait_for(lambda: list((world / 'sweep').glob('*/seed0/epoch_1.pth')), process)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=100)
    assert process.returncode == 143 and 'stopped by SIGTERM' in stderr
    (folder,) = (world / 'sweep').glob('*/seed0')
    assert 'goes on from there' in (folder / 'sweep.log').read_text()
    assert not (folder / 'scores.npz').exists() and not (folder / 'epoch_60.pth').exists()
    done = run('tools/sweep.py', *words, cwd=world)
    assert done.returncode == 0, done.stderr
    assert (folder / 'sweep.log').read_text().count('Going on from') == 1
    assert (folder / 'epoch_60.pth').exists()
