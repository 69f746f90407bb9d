"""No room at any file that a script writes: one line, status 2, the older files whole, nothing left
behind.
"""

import errno
import os
import re
import resource
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from bad_input import make_world
from made_videos import film, stand_in
from raw_forms import NUM_FRAMES, openpose
from tiny import ROOT, script

from pyskl.annotations import open_annotations, write_annotations
from pyskl.scores.score_file import save_scores
from pyskl.scripts import run_script
from pyskl.sources.synthetic.recordings import write_recordings
from pyskl.spotting.segments import Thresholds
from pyskl.spotting.settings import Settings, save_settings

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='asks /proc what a file is called')

TEST = 'test tiny.py -C trained.pth --out out/result.pkl'
VISUALIZE = 'visualize clip test.pkl test_0 --frames 2 -o'
ENSEMBLE = (
    'ensemble {here}/a.npz {here}/b.npz --ids {here}/ids.txt --out-dir {here}/out '
    '--save-scores {here}/out/blend.npz'
)
FIT = (
    ' --fit-on val --fit-scores {here}/val.npz {here}/val.npz --ann-file {here}/val.pkl --folds 2 '
    '--objective top1'
)
SPOT = 'spot spotting.py recordings --split test -C spotting.pth --out-dir out'
SPOTTING = """
_base_ = ['{root}/configs/spotting/demo.py']
model = dict(
    backbone=dict(base_channels=8, num_stages=2, inflate_stages=[2], down_stages=[2]),
    cls_head=dict(in_channels=16))
windows = dict(recordings='{folder}/recordings')
data = dict(train=windows, val=windows, test=windows)
"""
WRITES = {  # command: the files that it writes
    TEST: 'result.pkl scores.npz metrics.json per_class.csv Submission.csv Submission.zip',
    f'{TEST} --report out/report.html': 'report.html',
    'test tiny.py -C trained.pth --out out/feat.pkl --cfg-options model.test_cfg.feat_ext=True': (
        'feat.pkl feat.npz'
    ),
    'train tiny.py --work-dir out --cfg-options total_epochs=1': 'tiny.py epoch_1.pth best_top1',
    'pack train.pkl --out out/x.packed': 'keypoint.npy names.npy split_0.npy meta.json',
    'convert openpose raw_openpose --img-shape 720 1280 -o out/x.pkl': 'x.pkl',
    'join train.pkl test.pkl -o out/x.pkl': 'x.pkl',
    'check_data train.pkl --num-classes 3 --fix out/x.pkl': 'x.pkl',
    'readlabel raw --out-dir out --img-shape 720 1280': 'imigue_train.pkl imigue_test.pkl',
    f'{VISUALIZE} out/x.png': 'x.png',
    f'{VISUALIZE} out/x.gif': 'x.gif',
    f'{VISUALIZE} out/x.mp4': 'x.mp4',
    'visualize skeleton nturgb+d -o out/x.png': 'x.png',
    f'{SPOT} --thresholds thresholds.json --report out/x.html': (
        'segments.csv segments.json 0003_prediction.csv metrics.json x.html'
    ),
    f'{SPOT} --fit-on val': 'thresholds.json',
    'make_recordings out --num-train 1 --num-val 0 --num-test 0 --minutes 0.2': (
        '0001_light_hand.csv 0001_label.csv'
    ),
    'predict tiny.py short.pkl -C trained.pth --views 1 -o out': 'answers.json test_0.mp4',
    'predict spotting.py film.mp4 -C spotting.pth --no-overlay --mediapipe-python {here}/python_ '
    '-o out': 'keypoints.pkl',
    'extract_pose film.mp4 --mediapipe-python {here}/python_ -o out/x.pkl': 'x.pkl',
    'export tiny.py -C trained.pth -o out/x.onnx': 'x.onnx',
    'convert_checkpoint trained.pth -o out/x.safetensors': 'x.safetensors',
    'convert_checkpoint trained.pth -o out/x.pth': 'x.pth',
    ENSEMBLE: 'Submission.csv Submission.zip blend.npz',
    ENSEMBLE + FIT: 'weights.json',
}


@pytest.fixture(scope='module')
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp('full')
    make_world(folder)
    people = np.random.default_rng(0).uniform(1, 500, (1, NUM_FRAMES, 25, 3)).astype(np.float32)
    people[..., 2] = 0.9
    openpose(folder / 'raw_openpose', people)
    scores = np.random.default_rng(1).dirichlet(np.ones(4), 13).astype(np.float32)
    save_scores(folder / 'val.npz', [f'val_{n}' for n in range(13)], scores)
    film(folder / 'film.mp4', [(20, 20)] * 8)
    stand_in(folder)
    write_annotations(folder / 'short.pkl', {}, [open_annotations(folder / 'test.pkl')[0]])
    _spotting(folder)
    return folder


def _spotting(folder: Path) -> None:
    """Write made-up recordings, and a network that nobody trained."""
    from pyskl.apis import init_recognizer

    write_recordings(folder / 'recordings', {'train': 1, 'val': 1, 'test': 1}, 0.2, seed=4)
    (folder / 'spotting.py').write_text(SPOTTING.format(root=ROOT, folder=folder))
    weights = init_recognizer(folder / 'spotting.py').state_dict()
    torch.save({'state_dict': weights, 'meta': {}}, folder / 'spotting.pth')
    save_settings(folder / 'thresholds.json', Settings(Thresholds(background=32)), {})


def status_of(command: str) -> int:
    name, *words = command.split()
    with pytest.raises(SystemExit) as left:
        run_script(lambda: script(name).main(words))
    return left.value.code


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob('*') if p.is_file()}


NEEDS = {'x.onnx': 'onnxscript', 'x.safetensors': 'safetensors'}
QUICK = ('pack', 'convert', 'join', 'check_data', 'readlabel', 'ensemble', VISUALIZE + ' out/x.png')


CASES = [
    pytest.param(
        command, files, marks=() if command.startswith(QUICK) else pytest.mark.slow, id=files
    )
    for command, files in WRITES.items()
]


@pytest.mark.parametrize(('command', 'files'), CASES)
def test_a_full_disk_is_one_line_and_older_files_stay(here, command, files, monkeypatch, capfd):
    monkeypatch.chdir(here)
    if files in NEEDS:
        pytest.importorskip(NEEDS[files])
    command = command.format(here=here)
    sync = os.fsync

    def is_named(path: str) -> bool:
        return re.search(rf'\b{re.escape(name)}', path) is not None

    def full(handle: int) -> None:
        if is_named(os.readlink(f'/proc/self/fd/{handle}').split('/out/')[-1]):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    for name in files.split():
        shutil.rmtree('out', ignore_errors=True)
        assert status_of(command) in (None, 0)
        if command.startswith('train'):  # it would find nothing to do
            for path in Path('out').glob('*.pth'):
                path.unlink()
        before = content(Path('out'))
        capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(os, 'fsync', full)
            assert status_of(command) == 2, name
        said = capfd.readouterr().err
        assert len(re.findall('^error: .*No space left on device', said, re.M)) == 1, said
        assert said.count('error: ') == 1 and 'Traceback' not in said, said
        after = content(Path('out'))
        of_name = [{p: raw for p, raw in files.items() if is_named(p)} for files in (before, after)]
        assert of_name[0] == of_name[1]
        assert not [p for p in after if p.startswith('.') or '.part' in p], name


@pytest.mark.parametrize('command', ['pack', 'convert', 'join', 'readlabel', 'ensemble'])
def test_a_disk_that_is_full_at_the_first_byte_is_one_line(here, command, monkeypatch, capsys):
    monkeypatch.chdir(here)
    shutil.rmtree('out', ignore_errors=True)
    words = next(key for key in WRITES if key.startswith(command)).format(here=here)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        status = status_of(words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    said = capsys.readouterr().err
    assert status == 2 and said.count('error: ') == 1 and 'File too large' in said
    assert not content(Path('out'))
