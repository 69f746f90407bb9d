"""What users write in a file of their own, with no other file touched: networks, inputs, data sets,
steps.
"""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from config_files import CONFIGS
from tiny import ROOT, problem, run, script

from pyskl.annotations import make_annotation, write_annotations
from pyskl.apis.setup import read_run
from pyskl.engine.loggers import Loggers
from pyskl.errors import ConfigError
from pyskl.evaluation import top_k_accuracy
from pyskl.scores import load_scores

EXAMPLES = Path(__file__).parent / 'examples'
PAGE = ROOT / 'docs' / 'add_your_own.md'
CHANCE = 1 / 3


@pytest.fixture
def folder(tmp_path):
    """A user's folder: data, the config to start from, and the examples."""
    problem(tmp_path)
    for file in EXAMPLES.glob('*.py'):
        shutil.copy(file, tmp_path)
    return tmp_path


def top1(folder: Path) -> float:
    scores = load_scores(folder / 'run' / 'scores.npz')
    assert scores.scores.shape == (13, 3)
    np.testing.assert_allclose(scores.scores.sum(1), 1, atol=1e-5)
    return top_k_accuracy(scores.scores, np.arange(13) % 3, 1)[0]


@pytest.mark.slow
def test_a_graph_network_on_key_points_learns(folder):
    for tool in ('train', 'test'):
        done = run(f'tools/{tool}.py', 'graph_network_config.py', cwd=folder)
        assert done.returncode == 0, done.stderr
    assert top1(folder) > CHANCE + 0.2


@pytest.mark.parametrize('name', ['small_network', 'two_inputs', 'own_dataset', 'picture_step'])
def test_an_example_trains_and_is_tested(folder, name, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for tool in ('train', 'test'):
        assert script(tool).main([f'{name}_config.py']) == 0
    assert 0 <= top1(folder) <= 1 and 'top1_acc' in capsys.readouterr().out


def test_a_logger_of_ones_own_writes_its_figures(folder, monkeypatch):
    monkeypatch.chdir(folder)
    loggers = Loggers(read_run('own_logger_config.py').recipe)
    for done, goes_on in ((0, False), (2, True)):
        with loggers.running(folder, done, {}, goes_on):
            loggers.scalars(done + 2, {'train/loss': 0.5, 'val/top1_acc': 0.25})
    lines = (folder / 'figures.csv').read_text().splitlines()
    assert lines[1:] == ['2,val/top1_acc,0.25', '4,val/top1_acc,0.25']


def write_nine_joints(path: Path) -> None:
    """39 clips of 9 joints in pixels; a class lifts the left hand, the right hand, or none."""
    rng = np.random.default_rng(0)
    standing = np.array(
        [[0, 60], [0, 0], [0, -40], [-30, 30], [-30, 60], [-30, 75], [30, 30], [30, 60], [30, 75]]
    )
    annotations = []
    for index in range(39):
        keypoint = standing + (320, 240) + rng.normal(0, 2, (1, 60, 9, 2))
        if index % 3:
            hand = [4, 5] if index % 3 == 1 else [7, 8]
            keypoint[0, :, hand, 1] -= np.linspace(0, 100, 60)
        more = dict(label=index % 3, img_shape=(480, 640))
        annotations.append(make_annotation(f'clip_{index}', keypoint, **more))
    names = [annotation['frame_dir'] for annotation in annotations]
    path.parent.mkdir()
    write_annotations(path, {'train': names[:24], 'val': names[24:]}, annotations)


def test_nine_joints_of_ones_own_train_with_stgcn_plus_plus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(CONFIGS, 'configs')
    Path('configs/mine').mkdir()
    config = shutil.copy(EXAMPLES / 'nine_joints_config.py', 'configs/mine/nine_joints.py')
    assert len(ast.parse(Path(config).read_text()).body) == 8
    write_nine_joints(Path('data/nine.pkl'))

    # Smaller and shorter, but for the joints nothing else.
    lengths = [f'data.{part}.pipeline.2.clip_len=20' for part in ('train.dataset', 'val', 'test')]
    smaller = (
        'model.backbone.base_channels=16 model.backbone.num_stages=3 model.cls_head.in_channels=16 '
        'total_epochs=5 data.videos_per_gpu=8 data.workers_per_gpu=0'
    )
    for name in ('train', 'test'):
        assert script(name).main([config, '--cfg-options', *smaller.split(), *lengths]) == 0
    scores = load_scores('work_dirs/nine_joints/j/scores.npz').scores
    assert top_k_accuracy(scores, np.arange(24, 39) % 3, 1)[0] > CHANCE + 0.3


@pytest.mark.slow
def test_two_ranks_train_a_graph_network(folder):
    words = 'graph_network_config.py --cfg-options total_epochs=1 --launcher pytorch'
    done = run('tools/train.py', *words.split(), cwd=folder, processes=2)
    assert done.returncode == 0, done.stderr
    assert (folder / 'run' / 'epoch_1.pth').exists()


def test_a_pipeline_that_lacks_what_the_recognizer_takes_is_named_before_data_are_read(
    folder, monkeypatch
):
    monkeypatch.chdir(folder)
    (folder / 'train.pkl').unlink()
    options = [f"data.train.pipeline.{step}.keys=['imgs','label']" for step in (7, 8)]
    with pytest.raises(ConfigError, match=r"train\.pipeline\[7\].*'keypoint', which"):
        script('train').main(['two_inputs_config.py', '--cfg-options', *options])


@pytest.mark.parametrize('file', sorted(EXAMPLES.glob('*.py')), ids=lambda file: file.stem)
def test_an_example_is_short_and_stands_in_the_docs(file):
    text = file.read_text()
    assert len(text.splitlines()) < 90
    blocks = re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.S)
    assert text in blocks
