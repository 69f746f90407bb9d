"""The wheel, installed without the checkout: commands, configs and the demo work in an empty
folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv

import pytest
from tiny import ROOT

pytestmark = pytest.mark.slow
ENV = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}


def pip(*words):
    done = subprocess.run(
        [sys.executable, '-m', 'pip', '--disable-pip-version-check', *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=ENV,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope='module')
def home(tmp_path_factory):
    """A folder with an environment that has the wheel, and sees what is installed here but not this
    checkout.
    """
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'
    ignored = shutil.ignore_patterns('.*', '__pycache__', 'tests', 'work_dirs', 'data', 'build')
    shutil.copytree(ROOT, source, ignore=ignored)
    pip('wheel', '--no-deps', '-q', '-w', folder, source)
    shutil.rmtree(source)
    [wheel] = folder.glob('*.whl')
    venv.create(folder / 'env', symlinks=True)
    python = folder / 'env' / 'bin' / 'python'
    pip('--python', python, 'install', '--no-deps', '-q', wheel)
    [site] = (folder / 'env' / 'lib').glob('python*/site-packages')
    (site / 'installed_here.pth').write_text(sysconfig.get_path('purelib') + '\n')
    return folder


@pytest.fixture
def pyskl(home, tmp_path):
    """words -> what `pyskl` prints, in an empty folder."""
    env = {**ENV, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}

    def call(*words, status=0):
        command = [str(home / 'env' / 'bin' / 'pyskl'), *map(str, words)]
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout if status == 0 else done.stderr

    call.folder = tmp_path
    return call


def make_demo_data(pyskl):
    pyskl('make-demo-data', 'raw', '--num-train', 20, '--num-val', 8, '--num-test', 8)
    pyskl('readlabel', '--data-dir', 'raw', '--out-dir', 'data/demo')


def test_version_and_a_dry_run_of_a_config_that_comes_along(pyskl, home):
    assert pyskl('--version').startswith('pyskl ')
    make_demo_data(pyskl)
    said = pyskl('train', 'demo/joint.py', '--dry-run')
    assert 'parameters' in said and not (pyskl.folder / 'work_dirs').exists()
    assert str(home / 'env') in pyskl('doctor', '--no-test').splitlines()[0]


def test_the_known_numbers_come_out(pyskl):
    said = pyskl('doctor', '--device', 'cpu')
    assert said.count(' ok ') >= 5 and '0 errors' in said


def test_all_configs_come_along(pyskl):
    configs = ROOT / 'configs'
    shipped = {path.relative_to(configs).as_posix() for path in configs.rglob('*.py')}
    listed = pyskl('configs', 'list', '--names').split()
    assert set(listed) == {name for name in shipped if not name.startswith('_base_/')}
    pyskl('configs', 'copy', 'natops')
    assert (pyskl.folder / 'configs' / '_base_' / 'natops.py').is_file()
    assert 'Recognizer' in pyskl('print-config', 'configs/natops/joint_xy.py')


def test_a_wrong_word_is_one_line_that_speaks_of_pyskl(pyskl):
    said = pyskl('check', 'none.pkl', status=2)
    assert said.startswith('error: none.pkl') and said.count('\n') == 1
    assert 'tools/' not in pyskl('convert', '--help')


def test_the_demo_runs_outside_of_the_checkout(pyskl):
    if sys.version_info >= (3, 11):  # a folder that has our name, as in a clone of PYSKL
        (pyskl.folder / 'pyskl').mkdir()
        (pyskl.folder / 'pyskl' / '__init__.py').write_text('raise SystemExit("not ours")')
    said = pyskl('demo', '--quick')
    assert 'wrote ensemble/Submission.zip' in said and '[train joint] pyskl train' in said
    assert (pyskl.folder / 'ensemble' / 'Submission.zip').is_file()
    assert (pyskl.folder / 'work_dirs' / 'demo_quick' / 'report.html').is_file()
    options = ['total_epochs=1']
    for split in ('train', 'val', 'test'):
        options.append(f'data.{split}.ann_file=data/demo_quick/imigue_{split}.pkl')
    run = 'sweep demo/joint.py --seeds 0 --device cpu --cfg-options'
    said = pyskl(*run.split(), *options)
    assert 'table.md' in said


def test_two_processes_train_by_one_command(pyskl):
    make_demo_data(pyskl)
    words = ['train', 'demo/joint.py', '--cfg-options', 'total_epochs=1']
    said = pyskl('launch', '--standalone', '--nproc_per_node', 2, *words)
    assert said == 'wrote work_dirs/demo/joint\n'
