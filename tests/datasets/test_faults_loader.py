"""What goes wrong in a loader's worker reaches the user as it would without workers."""

import os
import pickle

import pytest
from tiny import problem

from pyskl.annotations import read_annotations
from pyskl.apis import TestOptions, TrainOptions, test, train
from pyskl.errors import DataError, UserError


@pytest.fixture
def config(tmp_path):
    """One of the clips, not the first, does not say how large its picture is."""
    config = problem(tmp_path)
    for name in ('train.pkl', 'test.pkl'):
        data = read_annotations(tmp_path / name)
        for field in ('img_shape', 'original_shape'):
            del data['annotations'][7][field]
        (tmp_path / name).write_bytes(pickle.dumps(data, 4))
    return config


@pytest.mark.parametrize('workers', [0, 2])
def test_a_faulty_clip_is_named_alike_with_and_without_workers(tmp_path, config, workers):
    with pytest.raises(DataError) as error:
        train(config, TrainOptions(validate=False), [f'data.workers_per_gpu={workers}'])
    assert 'train_7' in str(error.value) and 'img_shape' in str(error.value)
    assert 'Traceback' not in str(error.value) and len(str(error.value)) < 300


KILLER = """
import os
from pyskl.datasets import PIPELINES


@PIPELINES.register_module(force=True)
class Kill:
    def __call__(self, results):
        if results['frame_dir'] == 'train_20' and os.getpid() != int(os.environ['MAIN_PID']):
            os.kill(os.getpid(), 9)
        return results
"""


def test_a_killed_worker_is_said_so(tmp_path, monkeypatch):
    (tmp_path / 'killer.py').write_text(KILLER)
    monkeypatch.setenv('MAIN_PID', str(os.getpid()))
    config = problem(
        tmp_path,
        extra="custom_imports = dict(imports=['killer'])\n"
        "train_pipeline.insert(0, dict(type='Kill'))\n",
    )
    with pytest.raises(
        UserError, match=r'worker that prepares clips is gone.* Try data\.workers_per_gpu=0'
    ):
        train(config, TrainOptions(validate=False), ['data.workers_per_gpu=2'])


def test_a_faulty_test_clip_leaves_no_result(tmp_path, config):
    train(
        problem(tmp_path / 'right' if (tmp_path / 'right').mkdir() is None else None),
        TrainOptions(work_dir=str(tmp_path / 'run')),
    )
    with pytest.raises(DataError, match='test_7.*img_shape'):
        test(
            config,
            TestOptions(out=str(tmp_path / 'out' / 'result.pkl')),
            ['data.workers_per_gpu=1'],
        )
    assert not (tmp_path / 'out').exists()
