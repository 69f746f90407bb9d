"""Untrusted files beside the scores: nothing is run, and errors are one message."""

import json
import os

import numpy as np
import pytest
from report_data import data_of, small_clips, two_streams, write_work_dir
from tiny import script

from pyskl.annotations import write_annotations
from pyskl.engine.checkpoint import write_checkpoint
from pyskl.errors import CheckpointError, ConfigError, DataError, UserError
from pyskl.report import ReportOptions, build_report
from pyskl.report.curves import curves
from pyskl.report.literal import literal_config
from pyskl.report.sources import read_log, read_stream
from pyskl.scores.score_file import load_scores, save_scores


@pytest.fixture
def folder(tmp_path):
    """A work dir with few clips; the annotations lie one folder above."""
    return two_streams(tmp_path, 36)[0]


def report(folder, **options):
    return build_report(
        [folder], ReportOptions(ann_file=str(folder.parent / 'test.pkl'), **options)
    )


# -- configs


@pytest.mark.parametrize(
    'text',
    [
        'data = 5',
        "data = 'x.csv'",
        'data = dict(test=5, train=[5, None])',
        'data = dict(test=dict(ann_file=5, split=[1]))',
        'data = dict(test=dict(pipeline=5))',
        'data = dict(test=dict(pipeline=[5, dict(layout=5, skeletons=5)]))',
        "data = dict(test=dict(pipeline=[dict(skeletons=[5, [1], [0, 99], [-1, 0], ['a', 'b'], "
        '[0, 1, 2]])]))',
        'data = dict(test=dict(label_embeddings=5))',
        "data = dict(test=dict(label_embeddings='no\\0where'))",
        "data = dict(train=dict(ann_file='{folder}/test.pkl', split=[1]))",
        'data = dict(**{[1]: 2})',
    ],
)
def test_any_python_file_beside_the_scores_is_survived(folder, text):
    (folder / 'zz.py').write_text(text.replace('{folder}', str(folder.parent)))
    os.utime(folder / 'zz.py', (2**31, 2**31))  # the newest
    assert data_of(report(folder).path)['data']['clips'] == 36


def test_what_only_looks_like_a_config_is_passed_over(folder):
    (folder / 'a.py').symlink_to(folder / 'nowhere')
    (folder / 'b.py').mkdir()
    os.mkfifo(folder / 'c.py')  # would be waited for
    os.mkfifo(folder / 'd.log.json')
    assert read_stream(folder).config_file.name == 'joint.py' and len(read_stream(folder).log) == 15


def test_joined_data_sets_are_looked_into(tmp_path):
    """Their annotation files, and the limbs that their pipelines draw."""
    sets = []
    for name in 'ab':
        file = tmp_path / f'{name}.pkl'
        write_annotations(file, {}, small_clips([f'{name}{i}' for i in range(4)]))
        steps = [{'skeletons': [(0, 1), (1, 2)]}]
        sets.append(dict(type='PoseDataset', ann_file=str(file), pipeline=steps))
    ids = [f'b{i}' for i in range(4)]
    own = write_work_dir(tmp_path, 'own', tmp_path, ids, np.full((4, 2), 0.5, np.float32))
    (own / 'own.py').write_text(f"data = dict(test=dict(type='ConcatDataset', datasets={sets!r}))")
    data = data_of(build_report([own]).path)
    assert data['layout']['bones'] == [[0, 1], [1, 2]] and data['clips']['ids'] == ids


@pytest.mark.parametrize(
    'value',
    [
        '{[1]: 2}',
        '{[1]}',
        'float([1])',
        f'float(1{"0" * 400})',
        f'1{"0" * 400} + 1j',
        'float(1j)',
        '{**{}}',
        '-' * 9999 + '1',
    ],
)
def test_what_cannot_be_read_is_left_out_and_the_rest_read(value):
    found = literal_config(f'a = 1\nx = {value}\nb = 2')
    assert found in ({'a': 1, 'b': 2}, {})  # nothing where Python cannot parse it
    assert literal_config('a = 1\nx = {[1]: 2}\nb = 2') == {'a': 1, 'b': 2}


# -- logs


@pytest.mark.parametrize(
    'line, rows',
    [
        ('{"mode": "train", "epoch": 1, "iter": 0, "loss": 2.0}', 1),
        ('{"mode": "train", "epoch": 1, "iter": 5, "loss": NaN, "time": NaN, "data_time": 0.1}', 1),
        (
            f'{{"mode": "train", "epoch": 1, "iter": 5, "time": 1{"0" * 400}, "data_time": 0.1, '
            f'"loss": 1{"0" * 400}}}',
            1,
        ),
        (f'{{"mode": "train", "epoch": 1{"0" * 400}, "iter": 5, "loss": 2.0}}', 0),
        ('{"mode": "train", "epoch": -1, "iter": 5}', 0),
        (f'{{"mode": "val", "epoch": 1{"0" * 9999}, "iter": 5}}', 0),
        ('[' * 99999, 0),
        ('null', 0),
        ('{"mode": [], "epoch": 1, "iter": 1}', 0),
    ],
)
def test_any_line_of_a_log_is_survived(tmp_path, line, rows):
    (tmp_path / 'a.log.json').write_text(line)
    read = read_log(tmp_path)
    assert len(read) == rows
    json.dumps(curves(read), allow_nan=False)


# -- checkpoints


def save_checkpoint(path, seconds=0):
    write_checkpoint(path, {'meta': {'class_counts': [7] * 32}, 'state_dict': {}})
    os.utime(path, (1e9 + seconds, 1e9 + seconds))


def name_checkpoint(folder, name):
    scores = load_scores(folder / 'scores.npz')
    save_scores(folder / 'scores.npz', scores.ids, scores.scores, name)
    os.utime(folder / 'scores.npz', (1e9, 1e9))


def test_the_checkpoint_is_the_one_that_the_scores_name(folder):
    save_checkpoint(folder / 'epoch_4.pth', -9)
    save_checkpoint(folder / 'epoch_5.pth', 9)
    (folder / 'latest.pth').symlink_to('epoch_5.pth')
    name_checkpoint(folder, 'epoch_4.pth')
    assert read_stream(folder).checkpoint == (folder / 'epoch_4.pth').resolve()
    written = report(folder)
    assert (
        data_of(written.path)['streams'][0]['checkpoint'] == 'epoch_4.pth' and written.notes == []
    )
    (folder / 'epoch_4.pth').unlink()
    written = report(folder)
    assert data_of(written.path)['streams'][0]['checkpoint'] == 'epoch_4.pth'
    (note,) = written.notes
    assert 'epoch_4.pth' in note and 'epoch_5.pth' in note


def test_a_name_that_leads_out_of_the_work_dir_is_not_followed(folder):
    save_checkpoint(folder.parent / 'other.pth')
    name_checkpoint(folder, '../other.pth')
    assert read_stream(folder).checkpoint is None


@pytest.mark.parametrize('seconds, notes', [(-9, 0), (9, 1)])
def test_a_checkpoint_newer_than_scores_that_name_none_is_noted_in_the_page(folder, seconds, notes):
    save_checkpoint(folder / 'epoch_5.pth', seconds)
    (folder / 'latest.pth').symlink_to('epoch_5.pth')
    name_checkpoint(folder, None)
    page = data_of(report(folder).path)
    assert page['streams'][0]['checkpoint'] == 'epoch_5.pth' and len(page['notes']) == notes
    assert all('epoch_5.pth is newer than the scores of joint' in note for note in page['notes'])


def test_a_named_checkpoint_must_be_one(folder):
    for name in ('nope.pth', 'test.pkl'):
        with pytest.raises(CheckpointError, match=name):
            report(folder, checkpoint=str(folder.parent / name))
    (folder / 'latest.pth').write_bytes(b'half')  # nobody named this one: the page does without
    assert (
        not list(folder.glob('*.html'))
        and data_of(report(folder).path)['data']['train_counts'] == ''
    )


@pytest.mark.parametrize('counts', [[10**30] * 32, [-1] * 32, [1.5] * 32, [1], 'many'])
def test_counts_that_are_none_are_not_believed(folder, counts):
    write_checkpoint(folder / 'latest.pth', {'meta': {'class_counts': counts}, 'state_dict': {}})
    page = data_of(report(folder).path)
    assert page['data']['train_counts'] == '' and all(
        row['train'] is None for row in page['classes']
    )


# -- what is said and written


def test_names_from_files_cannot_steer_a_terminal(folder):
    scores = load_scores(folder / 'scores.npz')
    save_scores(
        folder / 'scores.npz', ['\x1b[2J', *scores.ids[1:]], np.log(scores.scores), '\x1b[31m.pth'
    )
    with pytest.raises(DataError) as caught:
        report(folder)
    assert str(caught.value).isprintable() and r'holds no clip \x1b[2J' in str(caught.value)
    save_scores(folder / 'scores.npz', scores.ids, np.log(scores.scores), '\x1b[31m.pth')
    (folder / 'joint.py').rename(folder / 'a\x1b[31m\udcff.py')
    save_checkpoint(folder / 'latest.pth')
    notes = report(folder).notes
    assert len(notes) == 2 and all(
        note.isprintable() and r'a\x1b[31m\udcff' in note for note in notes
    )
    (folder / 'z.py').write_text("data = dict(test=dict(ann_file='\\x1b[2J'))")
    with pytest.raises(DataError) as caught:
        build_report([folder])
    assert str(caught.value).isprintable()


def test_a_title_may_hold_what_a_shell_can_pass(folder):
    assert data_of(report(folder, title='\udcff').path)['title'] == '\udcff'


@pytest.mark.parametrize(
    'out', ['scores.npz', 'report', 'joint.py', 'report.pdf', 'notes.html.txt']
)
def test_only_pages_are_written_over(folder, out):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UserError, match=out):
        build_report(['nowhere'], ReportOptions(out=str(folder / out)))  # before anything is read
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert report(folder, out=str(folder / 'X.HTM')).path.is_file()


def test_a_page_of_several_streams_leaves_that_of_the_first_alone(folder):
    own = build_report([folder]).path.read_bytes()
    both = build_report([folder, folder.parent / 'limb']).path
    assert both == folder / 'ensemble_report.html' and (folder / 'report.html').read_bytes() == own
    os.rename(folder / 'scores.npz', folder / 'val_scores.npz')
    assert (
        build_report([folder / 'val_scores.npz', folder.parent / 'limb']).path
        == folder / 'ensemble_val_report.html'
    )


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(occlusion_clips=0), '--occlusion-clips 0'),
        (dict(occlusion=True, device='banana'), '--device banana'),
    ],
)
def test_options_are_checked_before_the_work(options, words):
    with pytest.raises(ConfigError, match=words):
        build_report(['nowhere'], ReportOptions(**options))


def test_the_script_says_where_the_page_is(folder, capsys):
    script('report').main([str(folder), str(folder.parent / 'limb')])
    assert capsys.readouterr().out.startswith(f'wrote {folder / "ensemble_report.html"} (')
