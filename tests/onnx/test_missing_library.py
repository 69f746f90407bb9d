"""Without the extra `onnx`, one line says what to install."""

import importlib

import pytest
import tiny

from pyskl.apis import export_network
from pyskl.errors import UserError
from pyskl.onnx import OnnxRecognizer


@pytest.fixture
def without_onnx(monkeypatch):
    """What the extra installs is not here, whatever is."""
    there = importlib.import_module

    def refuse(name, package=None):
        if name.startswith('onnx'):
            raise ImportError(f'No module named {name!r}')
        return there(name, package)

    monkeypatch.setattr(importlib, 'import_module', refuse)


def test_export_says_what_to_install_before_it_reads_anything(tmp_path, without_onnx):
    with pytest.raises(UserError, match=r"^onnx cannot be imported.*\.\[onnx\]'$"):
        export_network('none.py', 'none.pth', tmp_path / 'a.onnx')


def test_so_does_the_recognizer(without_onnx):
    with pytest.raises(UserError, match='^onnxruntime cannot be imported'):
        OnnxRecognizer('any.onnx')


@pytest.mark.slow
def test_a_pt2_file_needs_none_of_it(tmp_path, without_onnx):
    config = tiny.problem(tmp_path, num_train=3, num_test=3)
    assert export_network(config, None, tmp_path / 'a.pt2').size > 10_000
