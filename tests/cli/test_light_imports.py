"""What needs no network starts without torch, and lazy packages still have all their names."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest
from tiny import ROOT

LIGHT = """
skeletons annotations sources sources.synthetic sources.imigue sources.natops sources.recordings
scores evaluation evaluation.spotting files registry inference.clips inference.answers onnx
datasets datasets.samplers datasets.label_embeddings datasets.pipelines datasets.pipelines.base
datasets.pipelines.sampling datasets.pipelines.keypoints datasets.pipelines.geometry
datasets.pipelines.augment datasets.pipelines.bones
"""
HEAVY = ['torch', 'mmengine', 'mmcv']
LAZY = ('pyskl.datasets', 'pyskl.datasets.pipelines')


def run_python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


IMPORTED = """
import importlib, sys
for module in {light}:
    importlib.import_module('pyskl.' + module)
    print(*[f'{{module}}: {{name}}' for name in {heavy} if name in sys.modules])
"""


def test_light_modules_import_no_torch():
    heavy = [*HEAVY, 'scipy.optimize', 'scipy.stats']
    assert run_python(IMPORTED.format(light=LIGHT.split(), heavy=heavy)) == ''


MISSING = """
import contextlib, io, runpy, sys
sys.path.insert(0, 'tools')
for words in {commands}:
    script, *sys.argv[1:] = words
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
        runpy.run_path(script, run_name='__main__')
    heavy = [name for name in {heavy} if name in sys.modules]
    print(script, heavy, said.getvalue().strip().count('\\n'), said.getvalue().strip())
"""
COMMANDS = [
    f'tools/{line}'.split()
    for line in """spot.py none.py -C none.pth none
train.py none.py
train.py configs/demo/joint.py --resume none.pth
test.py none.py
test.py configs/demo/joint.py -C none.pth
export.py none.py -C a.pth -o a.onnx
push.py none user/none
convert_checkpoint.py none.pth -o a.pth
print_config.py none.py
zero_shot.py none.py
sweep.py none.py --work-dir none
visualize.py pipeline none.py 0001_0
visualize.py graph none.py
report.py none.npz
check_data.py none.pkl
pack.py none.pkl
predict.py none.py none.mp4 -C none.pth
predict.py configs/demo/joint.py none.mp4 -C setup.py
launch.py --nproc_per_node 2 tools/train.py none.py --launcher pytorch
../ensemble/ensemble.py none.npz""".splitlines()
]


def test_a_file_that_is_not_there_is_named_before_anything_heavy_is_imported():
    for line in run_python(MISSING.format(commands=COMMANDS, heavy=HEAVY)).splitlines():
        script, rest = line.split(' ', 1)
        assert rest.startswith('[] 0 error: ') and 'none' in rest, line


@pytest.mark.parametrize('package', LAZY)
def test_a_lazy_package_has_every_name_that_it_exports(package):
    module = import_module(package)
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert (
            getattr(module, name).__name__ == name
            if name.isidentifier() and not name.isupper()
            else name in vars(module)
        )


@pytest.mark.parametrize('package', LAZY)
def test_a_lazy_package_offers_all_that_type_checkers_see(package):
    names = run_python(
        f'import {package} as p; before = set(dir(p)); print(*sorted(before - set(vars(p))))'
    ).split()
    assert len(names) > 5 and set(names) <= set(import_module(package).__all__)


def test_a_name_that_a_lazy_package_lacks_is_refused_as_always():
    import pyskl.datasets

    with pytest.raises(
        AttributeError, match="module 'pyskl.datasets' has no attribute 'PoseDatset'"
    ):
        _ = pyskl.datasets.PoseDatset
    with pytest.raises(ImportError, match='PoseDatset'):
        exec('from pyskl.datasets import PoseDatset')


def test_modules_of_a_lazy_package_are_its_attributes():
    assert run_python(
        'import pyskl.datasets as d; print(d.loader.__name__, d.pipelines.Flip.__module__)'
    ) == ('pyskl.datasets.loader pyskl.datasets.pipelines.geometry')


def test_registries_know_the_built_in_components_without_an_import():
    assert (
        run_python(
            'from pyskl.registry import PIPELINES, RECOGNIZERS\n'
            'print(PIPELINES.build(dict(type="UniformSampleFrames", clip_len=4)).clip_len, '
            '"Collect" in PIPELINES, "Recognizer3D" in RECOGNIZERS)'
        )
        == '4 True True'
    )
