"""tools/spot.py from recordings to files; what is wrong is said before anything is written."""

from __future__ import annotations

import json
import shutil

import pytest
from spotting_problem import checkpoint, write_config
from tiny import run, script

from pyskl.errors import ConfigError, DataError, UserError
from pyskl.evaluation.spotting import add_up, count_right
from pyskl.sources.imigue.labels import class_of
from pyskl.sources.recordings import find_recordings
from pyskl.sources.synthetic.recordings import write_recordings
from pyskl.spotting.rows import read_predictions

spot = script('spot')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    at = tmp_path_factory.mktemp('spot')
    write_recordings(at, {'train': 1, 'val': 1, 'test': 2}, 0.4, seed=4)
    write_config(at)
    checkpoint(at)
    return at


def main(folder, *words, out='out'):
    given = [folder / 'spot.py', '-C', folder / 'random.pth', *words, '--out-dir', folder / out]
    return spot.main([str(word) for word in (*given, '--device', 'cpu')])


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
    found = {
        name: read_predictions(out / f'{name}_prediction.csv', lambda n: class_of(n, ''))
        for name in truth
    }
    for name, segments in found.items():
        listed = [(s['start'], s['end'], s['class']) for s in data['clips'][name]]
        assert [(s.start, s.end, s.label) for s in segments] == listed
    assert add_up(count_right(truth, found)).predicted == len(rows) - 1
    assert 0 <= figures['f1'] <= 1 and f'F1 {figures["f1"]:.4f}' in said and 'to beat' in said


def test_saved_thresholds_give_the_same_segments(folder):
    main(folder, folder, '--split', 'test', '--fit-on', 'val', out='a')
    main(
        folder, folder, '--split', 'test', '--thresholds', folder / 'a' / 'thresholds.json', out='b'
    )
    assert (folder / 'a' / 'segments.csv').read_text() == (
        folder / 'b' / 'segments.csv'
    ).read_text()


def test_a_second_stream_of_the_same_changes_nothing(folder):
    how = ('--split', 'test', '--threshold', '0.1')
    main(folder, folder, *how, out='one')
    stream = ('--stream', folder / 'spot.py', folder / 'random.pth', '--weights', 1, 1)
    main(folder, folder, *how, *stream, out='two')
    one, two = ((folder / n / 'segments.csv').read_text().splitlines() for n in ('one', 'two'))
    assert [row.rsplit(',', 1)[0] for row in one] == [row.rsplit(',', 1)[0] for row in two]


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


def test_one_frame_is_spotted(folder, tmp_path):
    source = next(folder.rglob('0003_light_hand.csv')).read_text().splitlines()
    at = tmp_path / '0009'
    at.mkdir()
    (at / '0009_light_hand.csv').write_text('\n'.join(source[:2]) + '\n')
    main(folder, tmp_path, '--threshold', 0.01, '--shortest', 1, '--overlap', 1, out='frame')
    rows = (folder / 'frame' / '0009_prediction.csv').read_text().splitlines()
    assert rows and all(row.endswith(',0,0') for row in rows)


def test_thresholds_are_never_chosen_by_what_is_reported(folder):
    with pytest.raises(DataError, match='0002'):
        main(folder, folder, '--fit-on', 'val', out='never')
    assert not (folder / 'never').exists()


@pytest.mark.parametrize(
    'words',
    [
        ['--fit-on', 'val', '--thresholds', 'x.json'],
        ['--fit-on', 'val', '--threshold', '0.5'],
        ['--threshold', '2'],
        ['--fps', '0'],
        ['--img-shape', '0', '5'],
        ['--lengths', '1'],
        ['--stride', '99'],
        ['--background', '77'],
        ['--report', 'x.pdf'],
        ['--weights', '1', '2'],
    ],
)
def test_options_that_make_no_sense_are_refused(folder, words):
    with pytest.raises(UserError):
        main(folder, folder, '--split', 'test', *words, out='wrong')
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
