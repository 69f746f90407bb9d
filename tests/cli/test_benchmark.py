"""The figures of tools/benchmark.py, and its plain way, which computes the same."""

from __future__ import annotations

import json
import os
import shlex

import pytest
import torch
from tiny import run, script

from pyskl.benchmarks import timing
from pyskl.benchmarks.plain import draw_slowly
from pyskl.benchmarks.rows import Row, share_of_peak, with_ratios
from pyskl.benchmarks.task import FAST, PLAIN, PLAIN_PAGES, Figure, Task
from pyskl.cli.places import configs_folder

benchmark = script('benchmark')


def row(name, setting, value, better):
    return Row(name, setting, value, 'unit', better)


def test_ratios_say_how_many_times_better():
    """What has no plain row of its own is held against that of float32."""
    measured = [
        (('render_joint', PLAIN, 20, 'more'), (1, 0.5)),
        (('render_joint', PLAIN_PAGES, 40, 'more'), (2, 1)),
        (('render_joint', FAST, 200, 'more'), (10, 5)),
        (('train_fp32', PLAIN, 9, 'less'), (1, None)),
        (('train_bf16', FAST, 1.5, 'less'), (6, None)),
        (('test_bf16', PLAIN, 9, 'less'), (1, None)),
        (('test_bf16', FAST, 3, 'less'), (3, None)),
    ]
    rows = with_ratios([row(*of_row) for of_row, _ in measured])
    assert [(r.ratio, r.ratio_allocator) for r in rows] == [ratios for _, ratios in measured]


def test_the_lines_of_the_host_and_of_each_graph_network_share_a_process():
    groups = [
        ['render_joint', 'loader_limb'],
        ['train_fp32'],
        ['test_fp32'],
        ['gcn_train_stgcn_1'],
        ['gcn_eval_aagcn_1', 'gcn_train_aagcn_2'],
    ]
    names = [name for group in groups for name in group]
    assert benchmark.groups(names, torch.device('cpu')) == groups


def test_share_of_the_peak():
    figure = Figure('train_fp32', 3.0, 's/step', 'less', gflops=60.0)
    assert share_of_peak(figure, {'matmul_gflops_fp32': 120}).endswith('50% of the peak')
    assert share_of_peak(figure, {}) == ''


def test_the_plain_way_draws_the_same(tmp_path):
    benchmark.make_clips(tmp_path, [])
    for name in ('render_joint', 'render_limb'):
        task = Task(name, PLAIN, str(tmp_path), str(configs_folder()), 'cpu', 1, 1)
        clips = task.dataset('train').sample(0)['imgs'].input()
        torch.testing.assert_close(draw_slowly(clips), clips.draw(), rtol=0, atol=1e-5)


def test_a_gpus_first_call_is_never_the_measured_one(monkeypatch):
    """In it cuDNN tries its algorithms, and takes memory for all of them."""
    done = []
    monkeypatch.setattr(torch.cuda, 'synchronize', lambda device: done.append('waited'))
    monkeypatch.setattr(torch.cuda, 'reset_peak_memory_stats', lambda device: done.append('reset'))
    clock = iter([0.0, 60.0, 60.0, 61.0])
    monkeypatch.setattr(timing.time, 'perf_counter', lambda: next(clock))
    assert timing.best_seconds(lambda: done.append('called'), 1, torch.device('cuda')) == 1
    assert done == ['called', 'waited', 'reset', 'called', 'waited']


@pytest.mark.slow
def test_one_line_as_a_user_measures_it(tmp_path):
    words = '--quick --only pipeline_joint loader_joint --json out.json'
    done = run('tools/benchmark.py', *shlex.split(words), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / 'out.json').read_text())
    assert found['machine']['cores'] == os.cpu_count()
    assert [(r['name'], r['setting']) for r in found['rows']] == [
        (n, s) for s in (PLAIN, FAST) for n in ('pipeline_joint', 'loader_joint')
    ]
    assert set(found['rows'][0]) >= {'name', 'setting', 'value', 'unit', 'ratio', 'ratio_allocator'}
    assert all(r['ratio'] > 1 for r in found['rows'] if r['setting'] == FAST)
