"""tools/spot.py from recordings to files; what is wrong is said before anything is written."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from spotting_problem import checkpoint, recording, write_config
from tiny import ROOT, run, script

from pyskl.annotations import write_annotations
from pyskl.annotations.segments import Segment
from pyskl.apis import load_spotter
from pyskl.errors import CheckpointError, ConfigError, DataError, UserError
from pyskl.evaluation.spotting import count_right, sum_counts
from pyskl.sources.imigue.labels import class_of
from pyskl.sources.recordings import find_recordings
from pyskl.sources.synthetic.recordings import write_recordings

spot = script('spot')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    at = tmp_path_factory.mktemp('spot')
    write_recordings(at, {'train': 1, 'val': 1, 'test': 2}, 0.4, seed=4)
    write_config(at)
    checkpoint(at)
    return at


def main(folder, *words, out='out', weights=None):
    given = [folder / 'spot.py', '-C', weights or folder / 'random.pth', '--out-dir', folder / out]
    return spot.main([str(word) for word in (*given, *words)])


def test_recordings_become_rows_of_every_form(folder, capsys):
    main(folder, folder, '--split', 'test', '--fit-on', 'val')
    out, said = folder / 'out', capsys.readouterr().out
    rows = (out / 'segments.csv').read_text().splitlines()
    data = json.loads((out / 'segments.json').read_text())
    figures = json.loads((out / 'metrics.json').read_text())
    assert rows[0] == 'clip,class,name,start,end,score' and list(data['clips']) == ['0003', '0004']
    assert len(rows) - 1 == sum(map(len, data['clips'].values()))
    assert json.loads((out / 'thresholds.json').read_text())['thresholds'] == data['thresholds']

    # The challenge's rows say the same, and the figures are those of these rows.
    files = find_recordings([folder], split='test')
    truth = {file.name: file.read().segments for file in files}
    found = {}
    for name in truth:
        with open(out / f'{name}_prediction.csv') as file:
            rows_of = [tuple(map(int, row)) for row in csv.reader(file)]
        found[name] = [Segment(start, end, class_of(k, '')) for k, start, end in rows_of]
    for name, segments in found.items():
        listed = [(s['start'], s['end'], s['class']) for s in data['clips'][name]]
        assert [(s.start, s.end, s.label) for s in segments] == listed
    assert sum_counts(count_right(truth, found)).predicted == len(rows) - 1
    assert 0 <= figures['f1'] <= 1 and f'F1 {figures["f1"]:.4f}' in said and 'to beat' in said


def test_saved_settings_reproduce_a_run_of_several_streams(folder, tmp_path, capsys):
    weights = torch.load(folder / 'random.pth', weights_only=True)
    torch.manual_seed(1)
    fc = weights['state_dict']['cls_head.fc_cls.weight']
    fc += torch.randn(fc.shape)
    torch.save(weights, tmp_path / 'other.pth')
    streams = ('--split', 'test', '--stream', folder / 'spot.py', tmp_path / 'other.pth')
    main(folder, folder, *streams, '--fit-on', 'val', '--lengths', 24, '--stride', 8, out='a')
    said = capsys.readouterr().out
    saved = json.loads((folder / 'a' / 'thresholds.json').read_text())
    assert 'weights chosen on 1 recording' in said and len(saved['weights']) == 2
    assert sum(saved['weights']) == pytest.approx(1) and saved['weights'] != [0.4, 0.6]
    assert (saved['windows']['lengths'], saved['windows']['fps']) == ([24], 30)

    file = ('--thresholds', folder / 'a' / 'thresholds.json')
    main(folder, folder, *streams, *file, out='b')
    a, b = ((folder / out / 'segments.csv').read_text() for out in 'ab')
    assert a == b and 'windows of 24 frames' in capsys.readouterr().out

    # What says something else is refused.
    for wrong in (['--lengths', 32], ['--stride', 4], ['--weights', 0.4, 0.6]):
        with pytest.raises(ConfigError, match=rf'{wrong[0]}.*thresholds.json'):
            main(folder, folder, *streams, *file, *wrong, out='c')
    with pytest.raises(DataError, match='2 streams'):
        main(folder, folder, '--split', 'test', *file, out='c')
    saved['windows']['fps'] = 25
    (tmp_path / 't.json').write_text(json.dumps(saved))
    with pytest.raises(ConfigError, match='fps = 25'):
        main(folder, folder, *streams, '--thresholds', tmp_path / 't.json', out='c')
    assert not (folder / 'c').exists()


def test_recordings_without_labels_have_rows_and_no_figures(folder, tmp_path, capsys):
    shutil.copytree(folder / 'imigue_skeleton_test' / '0003', tmp_path / '0003')
    (tmp_path / '0003' / '0003_label.csv').unlink()
    main(folder, tmp_path, out='bare')
    assert not (folder / 'bare' / 'metrics.json').exists() and 'F1' not in capsys.readouterr().out


def test_a_recording_of_nobody_is_spotted_empty_and_told(folder, tmp_path, capsys):
    at = tmp_path / '0009'
    at.mkdir()
    (at / '0009_light_hand.csv').write_text(''.join(f'{t}{",0" * 105}\n' for t in range(40)))
    main(folder, tmp_path, out='nobody')
    assert (folder / 'nobody' / '0009_prediction.csv').read_text() == ''
    assert 'nobody is seen' in capsys.readouterr().out


def test_thresholds_are_never_chosen_by_what_is_reported(folder):
    with pytest.raises(DataError, match='0002'):
        main(folder, folder, '--fit-on', 'val', out='never')
    assert not (folder / 'never').exists()


@pytest.mark.parametrize(
    'words',
    [
        '--fit-on val --thresholds x.json',
        '--fit-on val --threshold 0.5',
        '--threshold 2',
        '--fps 0.5',
        '--stride 0',
        '--every -5',
        '--img-shape 0 5',
        '--lengths 1',
        '--stride 99',
        '--background 77',
        '--report x.pdf',
        '--weights 1 2',
    ],
)
def test_options_that_make_no_sense_are_refused(folder, words):
    with pytest.raises(UserError):
        main(folder, folder, '--split', 'test', *words.split(), out='wrong')
    assert not (folder / 'wrong').exists()


def test_other_joints_than_the_networks_are_named(folder):
    with pytest.raises(DataError, match='22'):
        main(folder, folder, '--split', 'test', '--joints', 'all', out='joints')


def test_a_missing_file_is_one_line_and_status_2(folder):
    done = run('tools/spot.py', folder / 'spot.py', '-C', folder / 'none.pth', folder)
    assert done.returncode == 2 and done.stderr.count('\n') == 1 and 'none.pth' in done.stderr


def test_the_command_that_makes_recordings_says_what_it_wrote(tmp_path, capsys):
    words = ['--num-train', '1', '--num-val', '0', '--num-test', '0', '--minutes', '0.2']
    script('make_recordings').main([str(tmp_path), *words])
    assert 'imigue_skeleton_train (1 recording' in capsys.readouterr().out
    with pytest.raises((ConfigError, UserError)):
        script('make_recordings').main([str(tmp_path), '--minutes', '0'])


# -- what would have been found out too late, or not at all ----------------------------------------


def test_the_commands_of_the_documents_are_understood():
    docs = (ROOT / 'docs' / 'spotting.md').read_text()
    lines = [line.strip() for line in f'{spot.__doc__}\n{docs}'.splitlines()]
    commands = [line.split()[2:] for line in lines if line.startswith('python tools/spot.py ')]
    assert len(commands) >= 3
    for words in commands:
        assert spot.parse_args(words).recordings


def clip(name: str, **more) -> dict:
    given = recording(60)
    return {
        'frame_dir': name, 'label': 0, 'total_frames': 60, 'img_shape': (1080, 1920),
        'keypoint': given.keypoint, 'keypoint_score': given.score, **more,
    }  # fmt: skip


def test_two_recordings_of_one_file_of_predictions_are_refused(folder, tmp_path):
    write_annotations(tmp_path / 'r.pkl', {}, [clip('a/b'), clip('a_b')])
    with pytest.raises(DataError, match='a_b_prediction.csv'):
        main(folder, tmp_path / 'r.pkl', out='twice')
    assert not (folder / 'twice').exists()


def test_a_recording_that_says_its_rate_is_brought_to_the_networks(folder, tmp_path):
    given = clip('r', segments=[(1, 5, 20)])
    write_annotations(tmp_path / 'said.pkl', {}, [{**given, 'fps': 60.0}])
    write_annotations(tmp_path / 'plain.pkl', {}, [given])
    said, plain = (find_recordings([tmp_path / f'{n}.pkl'])[0].read() for n in ('said', 'plain'))
    found = load_spotter([(folder / 'spot.py', folder / 'random.pth')], device='cpu')
    by_itself, by_hand = found.scores(said), found.scores(plain, 60)
    as_it_is = found.scores(plain)
    assert (by_itself.num_frames, as_it_is.num_frames) == (30, 60)
    np.testing.assert_array_equal(by_itself.probs, by_hand.probs)


def test_thresholds_are_chosen_at_the_rate_of_the_config(folder):
    for fps, out in ((25, 'slow'), (60, 'fast')):
        main(folder, folder, '--split', 'test', '--fit-on', 'val', '--fps', fps, out=out)
    slow, fast = ((folder / out / 'thresholds.json').read_text() for out in ('slow', 'fast'))
    assert slow == fast


def test_a_network_that_answers_nan_is_refused(folder, tmp_path):
    weights = torch.load(folder / 'random.pth', weights_only=True)
    weights['state_dict']['cls_head.fc_cls.weight'][0] = float('nan')
    torch.save(weights, tmp_path / 'nan.pth')
    with pytest.raises(CheckpointError, match='NaN'):
        main(folder, folder, '--split', 'test', out='nan', weights=tmp_path / 'nan.pth')
    assert not (folder / 'nan').exists()


def test_streams_of_other_frame_rates_are_refused(folder, tmp_path):
    slow = tmp_path / 'slow.py'
    slow.write_text(f"_base_ = ['{folder}/spot.py']\ndata = dict(test=dict(fps=15))\n")
    words = ('--split', 'test', '--stream', slow, folder / 'random.pth', '--weights', 1, 1)
    with pytest.raises(ConfigError, match='frame rates'):
        main(folder, folder, *words, out='streams')
    assert not (folder / 'streams').exists()


def test_streams_that_name_a_class_differently_are_refused(folder, tmp_path):
    weights = torch.load(folder / 'random.pth', weights_only=True)
    for name, last in (('a', 'b'), ('c', 'd')):
        weights['meta']['label_names'] = [f'{name} {k}' for k in range(32)] + [last]
        torch.save(weights, tmp_path / f'{name}.pth')
    words = ('--split', 'test', '--stream', folder / 'spot.py', tmp_path / 'c.pth')
    with pytest.raises(ConfigError, match='class 0'):
        main(folder, folder, *words, weights=tmp_path / 'a.pth')


def test_a_place_that_cannot_be_written_to_is_said_before_the_work(folder, tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('')
    monkeypatch.setattr('pyskl.apis.spotting.Spotter.scores', None)  # not a window is scored
    for words in (['--out-dir', tmp_path / 'file'], ['--report', tmp_path / 'file' / 'x.html']):
        with pytest.raises(UserError, match='cannot be written'):
            main(folder, folder, '--split', 'test', *words, out='unwritable')
    assert not (folder / 'unwritable').exists()


def test_files_of_an_earlier_run_are_named(folder, tmp_path, capsys):
    main(folder, folder, '--split', 'test', out='old')
    capsys.readouterr()
    write_annotations(tmp_path / 'r.pkl', {}, [clip('new')])
    main(folder, tmp_path / 'r.pkl', out='old')
    said = capsys.readouterr().out
    assert 'warning: 0003_prediction.csv, 0004_prediction.csv, metrics.json' in said
