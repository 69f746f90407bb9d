"""Configs written for an annotation file, and the commands of the guide for own skeletons."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny import ROOT, script

from pyskl.annotations import About, open_annotations, read_annotations, write_annotations
from pyskl.datasets import Compose
from pyskl.errors import UserError
from pyskl.models import build_model
from pyskl.recipe import load_config, read_recipe
from pyskl.scores import load_scores

GUIDE = ROOT / 'docs' / 'own_skeletons.md'
STREAMS = ('joint', 'limb', 'graph')
CODE = re.search(r'```python\n(.*?)```', GUIDE.read_text(encoding='utf-8'), re.DOTALL)[1]


@pytest.fixture(scope='module')
def guides_data(tmp_path_factory):
    """data/mine.pkl, as the guide's first step writes it."""
    folder = tmp_path_factory.mktemp('guide')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile(CODE, str(GUIDE), 'exec'), {})
    return folder / 'data' / 'mine.pkl'


def written(path: Path, *words: str, out: Path | None = None) -> dict:
    """Recipes of the configs that new_config writes for a file, by stream."""
    out = out or path.parent / 'configs'
    script('new_config').main([str(path), '-o', str(out), *words])
    return {file.stem: read_recipe(load_config(file)) for file in sorted(out.glob('*.py'))}


def made_up(path: Path, joints=6, channels=2, classes=3, splits=('train', 'val'), about=None):
    keypoint = np.random.default_rng(0).uniform(1, 200, (12, 1, 30, joints, channels))
    names = [f'clip_{i}' for i in range(12)]
    clips = [
        {'frame_dir': name, 'label': i % classes, 'keypoint': keypoint[i].astype(np.float32)}
        for i, name in enumerate(names)
    ]
    if channels == 2:
        clips = [{**clip, 'img_shape': (200, 200)} for clip in clips]
    parts = {split: names[k :: len(splits)] for k, split in enumerate(splits)}
    write_annotations(path, parts, clips, about=about)
    return path


def steps_of(recipe) -> list[str]:
    return [step['type'] for step in recipe.data.train['pipeline']]


def test_three_streams_are_written_and_their_networks_take_what_their_pipelines_give(
    guides_data, tmp_path
):
    recipes = written(guides_data, out=tmp_path)
    assert sorted(recipes) == sorted(STREAMS)
    clip = read_annotations(guides_data)['annotations'][0]
    for stream, recipe in recipes.items():
        model = build_model(recipe.model_config()[0])
        assert model.cls_head.num_classes == 3
        channels = {'joint': 5, 'limb': 4, 'graph': 6}[stream]
        assert model.backbone.in_channels == channels
        for split in ('train', 'val', 'test'):
            dataset = getattr(recipe.data, split)
            assert (dataset['split'], dataset['ann_file']) == (split, str(guides_data))
            sample = Compose(dataset['pipeline'])({**clip, 'test_mode': split != 'train'})
            taken = np.asarray(sample[model.takes[0]])
            assert channels == (taken.shape[-1] if stream == 'graph' else taken.shape[1])
        assert recipe.work_dir == f'./work_dirs/mine/{stream}'


def test_a_stream_loads_in_a_dry_run_as_the_guide_has_it(guides_data, monkeypatch, capsys):
    monkeypatch.chdir(guides_data.parents[1])
    script('new_config').main(['data/mine.pkl'])
    assert script('train').main(['configs/mine/joint.py', '--dry-run']) == 0
    assert 'imgs (16, 1, 5, 24, 32, 32)' in capsys.readouterr().out


def test_the_template_stands_alone_and_is_what_the_guide_gives(guides_data, tmp_path):
    template = read_recipe(load_config(ROOT / 'configs' / 'own' / 'joint.py'))
    filled = written(guides_data, out=tmp_path)['joint']
    assert '_base_' not in (ROOT / 'configs' / 'own' / 'joint.py').read_text()
    assert template.model == filled.model and template.optimizer == filled.optimizer
    assert steps_of(template) == steps_of(filled)


def test_joints_in_space_are_seen_through_a_camera_or_taken_as_they_are(tmp_path):
    recipes = written(made_up(tmp_path / 'a.pkl', joints=25, channels=3), '--layout', 'ntu25')
    kinds = {name: steps_of(recipe) for name, recipe in recipes.items()}
    assert kinds['joint'][0] == kinds['limb'][0] == 'Project3D'
    assert {'PreNormalize3D', 'RandomRot'} <= set(kinds['graph']) and 'Flip' not in kinds['graph']
    clip = {**read_annotations(tmp_path / 'a.pkl')['annotations'][0], 'test_mode': False}
    shapes = {('joint', 'imgs'): (1, 25, 24, 32, 32), ('graph', 'keypoint'): (1, 1, 24, 25, 6)}
    for (stream, key), shape in shapes.items():
        assert Compose(recipes[stream].data.train['pipeline'])(dict(clip))[key].shape == shape


def test_classes_of_one_side_are_not_mirrored(tmp_path, capsys):
    about = About(['raise left', 'raise right', 'wave'], 'coco17')
    recipes = written(made_up(tmp_path / 'a.pkl', joints=17, about=about))
    flip = next(s for s in recipes['joint'].data.train['pipeline'] if s['type'] == 'Flip')
    assert flip['flip_ratio'] == 0
    assert 'flips = False' in capsys.readouterr().out


def test_joints_without_a_layout_give_the_joint_stream_alone(tmp_path, capsys):
    recipes = written(made_up(tmp_path / 'a.pkl', joints=11))
    assert sorted(recipes) == ['joint'] and recipes['joint'].model['backbone']['in_channels'] == 11
    assert '--layout' in capsys.readouterr().out


def test_splits_go_by_their_names_or_are_given(tmp_path):
    named, given = ['xsub_train', 'xsub_val'], ['fit', 'choose', 'judge']
    for splits, words, used in (
        (named, [], [*named, named[1]]),
        (given, ['--splits', *given], given),
    ):
        path = made_up(tmp_path / 'a.pkl', joints=17, splits=splits)
        data = written(path, *words, out=tmp_path / splits[0])['joint'].data
        assert [d['split'] for d in (data.train, data.val, data.test)] == used


@pytest.mark.parametrize(
    ('data', 'words', 'says'),
    [
        (dict(splits=()), (), 'tools/join.py'),
        (dict(splits=('a', 'b')), (), '--splits'),
        (dict(classes=1), (), 'class 0'),
        (dict(), ('--layout', 'coco17'), '17'),
        (dict(), ('--splits', 'train', 'val', 'tset'), 'tset'),
    ],
)
def test_files_that_cannot_be_trained_on_are_said_with_the_cure(tmp_path, data, words, says):
    path = made_up(tmp_path / 'a.pkl', **data)
    with pytest.raises(UserError, match=says):
        written(path, *words)
    assert not (tmp_path / 'configs').exists()


def test_configs_that_are_there_are_not_written_over(tmp_path):
    path = made_up(tmp_path / 'a.pkl', joints=17)
    written(path)
    (tmp_path / 'configs' / 'joint.py').write_text('mine = 1')
    with pytest.raises(UserError, match='joint.py'):
        written(path)
    assert (tmp_path / 'configs' / 'joint.py').read_text() == 'mine = 1'


@pytest.mark.slow
def test_the_guides_ten_commands_run_as_they_stand(tmp_path):
    """From an empty folder to a report: the classes of unseen people are told apart."""
    for folder in ('tools', 'ensemble', 'configs', 'pyskl'):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / 'configs').unlink()
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'make_mine.py').write_text(CODE)
    page = GUIDE.read_text(encoding='utf-8').split('## When')[0].replace(CODE, '')
    commands = re.findall(r'^    (\S.*)$', page, re.MULTILINE)
    assert len(commands) == 8  # the loop is three
    for command in commands:
        done = subprocess.run(
            ['bash', '-ec', command.replace('python ', f'{sys.executable} ')],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (command, done.stderr)
    for stream in STREAMS:
        scores = load_scores(tmp_path / 'work_dirs' / 'mine' / stream / 'scores.npz')
        truth = [int(name.rpartition('_')[2]) % 3 for name in scores.ids]
        assert (scores.scores.argmax(1) == truth).mean() > 0.8
    assert (tmp_path / 'work_dirs' / 'mine' / 'report.html').stat().st_size > 100_000


@pytest.mark.slow
def test_the_readmes_look_at_it_lines_run_on_the_demos_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    raw, data = tmp_path / 'raw', tmp_path / 'data' / 'demo'
    script('make_demo_data').main([str(raw), '--num-train', '1500', '--seed', '2023'])
    script('readlabel').main(['--data-dir', str(raw), '--out-dir', str(data)])
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    section = readme.split('## Look at it')[1].split('\n## ')[0]
    lines = re.findall(r'^    python tools/visualize.py (.*?)(?: +#.*)?$', section, re.MULTILINE)
    assert len(lines) == 5
    for line in lines:
        assert not script('visualize').main(line.split())
    assert (tmp_path / 'clip.gif').stat().st_size > 10_000


def test_the_guides_reader_of_csv_keeps_frames_joints_and_missing_cells(tmp_path, monkeypatch):
    [code] = re.findall(r'```python\n(# read_csv.py.*?)```', GUIDE.read_text('utf-8'), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path('data').mkdir()
    lines = ['subject,clip,frame,joint,x,y,score,gesture']
    for i, gesture in enumerate(('wave', 'nod', 'wave', 'nod')):
        for frame in (7, 8, 9):
            lines.append(f'S0{i + 1},take{i},{frame},C7,{100 + frame},300.5,0.5,{gesture}')
        lines.append(f'S0{i + 1},take{i},9,skull,,,,{gesture}')
    Path('data/joints.csv').write_text('\n'.join(lines) + '\n')
    exec(compile(code, str(GUIDE), 'exec'), {})

    data = read_annotations('data/lab.pkl')
    assert data['split'] == {'train': ['take0', 'take1'], 'val': ['take2'], 'test': ['take3']}
    assert [clip['label'] for clip in data['annotations']] == [1, 0, 1, 0]
    clip = data['annotations'][0]
    assert clip['keypoint'][0, :, 1].tolist() == [[107, 300.5], [108, 300.5], [109, 300.5]]
    assert clip['keypoint_score'][0].tolist() == [[0, 0.5, 0, 0, 0, 0]] * 3


@pytest.mark.parametrize('clips, epochs', [(10, 250), (40, 200), (160, 50), (8000, 5)])
def test_few_clips_are_trained_on_for_more_epochs(guides_data, clips, epochs):
    data = script('new_config').describe(open_annotations(guides_data), 'mine.pkl', None, None)
    assert replace(data, num_train=clips).total_epochs == epochs
