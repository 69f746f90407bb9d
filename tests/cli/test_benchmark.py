"""The figures of tools/benchmark.py, and its plain way, which computes the same."""

from __future__ import annotations

import json
import os

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
    rows = with_ratios(
        [
            row('render_joint', PLAIN, 20, 'more'),
            row('render_joint', PLAIN_PAGES, 40, 'more'),
            row('render_joint', FAST, 200, 'more'),
            row('train_fp32', PLAIN, 9, 'less'),
            row('train_fp32', FAST, 3, 'less'),
        ]
    )
    assert [(r.ratio, r.ratio_allocator) for r in rows] == [
        (1, 0.5),
        (2, 1),
        (10, 5),
        (1, None),
        (3, None),
    ]


def test_bf16_is_held_against_the_one_plain_way():
    rows = with_ratios([row('train_fp32', PLAIN, 9, 'less'), row('train_bf16', FAST, 1.5, 'less')])
    assert rows[1].ratio == 6


def test_the_device_is_measured_alone_and_the_host_in_one_process():
    groups = benchmark.groups(
        ['render_joint', 'loader_limb', 'train_fp32', 'test_fp32'], torch.device('cpu')
    )
    assert groups == [['render_joint', 'loader_limb'], ['train_fp32'], ['test_fp32']]


def test_a_graph_networks_lines_are_measured_in_one_process():
    groups = benchmark.groups(
        ['train_fp32', 'gcn_eval_aagcn_1', 'gcn_train_aagcn_2', 'gcn_train_stgcn_1'],
        torch.device('cpu'),
    )
    assert groups == [
        ['train_fp32'],
        ['gcn_train_stgcn_1'],
        ['gcn_eval_aagcn_1', 'gcn_train_aagcn_2'],
    ]


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
    done = run(
        'tools/benchmark.py',
        '--quick',
        '--only',
        'pipeline_joint',
        'loader_joint',
        '--json',
        'out.json',
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / 'out.json').read_text())
    assert found['machine']['cores'] == os.cpu_count()
    assert [(r['name'], r['setting']) for r in found['rows']] == [
        (n, s) for s in (PLAIN, FAST) for n in ('pipeline_joint', 'loader_joint')
    ]
    assert set(found['rows'][0]) >= {'name', 'setting', 'value', 'unit', 'ratio', 'ratio_allocator'}
    assert all(r['ratio'] > 1 for r in found['rows'] if r['setting'] == FAST)


def test_bf16_alone_is_held_against_the_plain_way_measured_beside_it():
    rows = with_ratios([row('train_bf16', PLAIN, 9, 'less'), row('train_bf16', FAST, 1.5, 'less')])
    assert rows[1].ratio == 6
