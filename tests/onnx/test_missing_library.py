"""Without the extra `onnx`, one line says what to install."""

import importlib

import pytest
import tiny
from tiny import script

from pyskl.apis import init_recognizer
from pyskl.engine.checkpoint import write_checkpoint
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
    config, checkpoint = tiny.problem(tmp_path, num_train=3, num_test=3), tmp_path / 'a.pth'
    state = init_recognizer(config, device='cpu').state_dict()
    write_checkpoint(checkpoint, {'meta': {}, 'state_dict': state})
    with pytest.raises(UserError, match=r"^onnx cannot be imported.*\.\[onnx\]'$"):
        script('export').main([str(config), '-C', str(checkpoint), '-o', str(tmp_path / 'a.onnx')])
    assert not (tmp_path / 'a.onnx').exists()


def test_so_does_the_recognizer(without_onnx):
    with pytest.raises(UserError, match='^onnxruntime cannot be imported'):
        OnnxRecognizer('any.onnx')


@pytest.mark.slow
def test_a_pt2_file_needs_none_of_it(tmp_path, without_onnx):
    config, checkpoint = tiny.problem(tmp_path, num_train=3, num_test=3), tmp_path / 'a.pth'
    state = init_recognizer(config, device='cpu').state_dict()
    write_checkpoint(checkpoint, {'meta': {}, 'state_dict': state})
    script('export').main([str(config), '-C', str(checkpoint), '-o', str(tmp_path / 'a.pt2')])
    assert (tmp_path / 'a.pt2').stat().st_size > 10_000
