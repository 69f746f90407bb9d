"""What `pyskl doctor` reports about a machine."""

from __future__ import annotations

import torch

from pyskl import __version__
from pyskl.cli import dispatch
from pyskl.doctor import machine, selftest
from pyskl.doctor.selftest import Check


def test_facts_name_versions_and_processors():
    facts = machine.facts()
    assert facts['pyskl'].startswith(__version__) and torch.__version__ in facts['torch']
    assert 'onedl-mmcv 2.3.6' in facts['packages'] and facts['processors'].split()[0].isdecimal()


def test_the_original_beside_is_named_with_its_cure():
    assert machine.clashes({}) == []
    first, second = machine.clashes({'pyskl': '0.1.0', 'mmcv-full': '1.7.0'})
    assert 'pip uninstall pyskl' in first and 'mmcv-full 1.7.0' in second


def test_a_containers_share_of_the_processors_counts(monkeypatch):
    monkeypatch.setattr(machine.os, 'sched_getaffinity', lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(machine.Path, 'read_text', lambda *_, **__: '150000 100000\n')
    assert machine.cores() == 2
    monkeypatch.setattr(machine.Path, 'read_text', lambda *_, **__: 'max 100000\n')
    assert machine.cores() == 64


def test_more_threads_than_processors_is_a_warning(monkeypatch):
    monkeypatch.setattr(machine, 'cores', lambda: 2)
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 64)
    assert any('OMP_NUM_THREADS=2' in line for line in machine.warnings())


def test_cudnns_trap_is_known_by_its_versions():
    assert machine.cudnn_trap('2.9.0+cu128', 91002) and machine.cudnn_trap('2.9.1', 91400)
    assert not machine.cudnn_trap('2.9.1', 91500) and not machine.cudnn_trap('2.8.0', 91002)
    assert not machine.cudnn_trap('2.10.0', 91002)


def test_bfloat16_that_is_slower_is_a_warning():
    assert machine.slow_bf16(0.010, 0.006) is None and machine.slow_bf16(0.010, 0.012) is None
    assert '40.0 ms' in machine.slow_bf16(0.010, 0.040)


def test_a_self_test_that_fails_is_status_1_and_named(monkeypatch, capsys):
    checks = [Check('X3D, float32', 1e-6, 1e-3, 0.1), Check('CTR-GCN, float32', 0.3, 1e-3, 0.1)]
    monkeypatch.setattr(selftest, 'run', lambda device: checks)
    monkeypatch.setattr(machine, 'clashes', list)
    assert dispatch(['doctor', '--device', 'cpu']) == 1
    out = capsys.readouterr().out
    assert 'error: CTR-GCN, float32 on cpu' in out and '1 error' in out and 'ok ' in out
    checks.pop()
    assert dispatch(['doctor', '--device', 'cpu']) == 0
    capsys.readouterr()
    assert dispatch(['doctor', '--no-test']) == 0 and 'self-test' not in capsys.readouterr().out
