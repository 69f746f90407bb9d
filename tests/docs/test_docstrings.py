"""The examples in docstrings run, and give what they say."""

import doctest
import importlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import pyskl
from pyskl.annotations import make_annotation

PACKAGE = Path(pyskl.__file__).parent
MODULES = sorted(
    '.'.join(('pyskl', *file.relative_to(PACKAGE).with_suffix('').parts))
    for file in PACKAGE.rglob('*.py')
    if '>>> ' in file.read_text(encoding='utf-8')
)


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """The files that the examples name."""
    folder = tmp_path_factory.mktemp('examples')
    (folder / 'data').mkdir()
    clip = make_annotation(
        '0005_0',
        np.random.default_rng(0).uniform(300, 600, (90, 22, 2)),
        img_shape=(720, 1280),
        label=0,
    )
    people = {'split': {'train': ['0005_0']}, 'annotations': [clip]}
    (folder / 'data/imigue_train.pkl').write_bytes(pickle.dumps(people))
    np.save(folder / 'train_label.npy', np.zeros(12893, np.int64))
    np.savez(folder / 'scores.npz', scores=np.zeros((12893, 32), np.float32))
    (folder / 'labels.csv').write_text('clip,label\n0054_0,3\n')
    person = {'image_id': '1.jpg', 'category_id': 1, 'keypoints': [1.0] * 51, 'score': 1.0}
    (folder / 'alphapose-results.json').write_text(json.dumps([person]))
    return folder


@pytest.mark.parametrize('name', MODULES)
def test_the_examples_of_a_module_give_what_they_say(name, files, monkeypatch):
    monkeypatch.chdir(files)
    module = importlib.import_module(name)
    given = {'np': np, 'scores': np.zeros((1, 32))}
    result = doctest.testmod(module, extraglobs=given, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted and not result.failed
