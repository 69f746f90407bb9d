"""tools/readlabel.py PATH: a table of iMiGUE's files as people have them, and the results."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from imigue_release import convert, csv, labels, noses, points, readlabel, rows, video

from pyskl.annotations import read_annotations
from pyskl.errors import DataError
from pyskl.sources.imigue.find import find

WHOLE = [961, 962, 963, 964]  # x of the nose in frames 1 to 4
BOTH = {'0187_0': 2, '0187_1': 31, '0203_0': 2, '0203_1': 31}


# Forms that hold the same two videos
# ---------------------------------------------------------------


def two(folder: Path, **kwargs: object) -> None:
    video(folder, '0187', **kwargs)
    video(folder, '0203')


class Form(NamedTuple):
    """A folder that is made, the clips of train that it holds, and what the output must name."""

    make: Callable[[Path], object]
    clips: dict[str, int] = BOTH
    says: tuple[str, ...] = ()


def with_file(name: str, text: str = '3,1,4\n') -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        two(folder)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    return make


def with_rows(text: str) -> Callable[[Path], object]:
    return lambda folder: two(folder, labels=text)


def with_points(change: Callable[[list[list[str]]], object]) -> Callable[[Path], object]:
    """The points of 0187 changed, as cells."""

    def make(folder: Path) -> None:
        cells = rows(points())
        two(folder, table=change(cells) or cells)

    return make


FORMS = {
    'all in one folder': Form(two),
    'a folder each': Form(lambda f: [video(f / v, v) for v in ('0187', '0203')]),
    'three levels down': Form(lambda f: [video(f / 'a/b' / v, v) for v in ('0187', '0203')]),
    'labels NNNN.csv': Form(lambda f: two(f, label_suffix='.csv')),
    'labels in another folder': Form(
        lambda f: [
            (video(f / 'points', v, labels=None), video(f, v).unlink()) for v in ('0187', '0203')]
    ),
    'upper-case suffixes': Form(
        lambda f: [
            video(f, v, suffix='_LIGHT_HAND.CSV', label_suffix='_label.CSV')
            for v in ('0187', '0203')]
    ),
    "macOS's files": Form(with_file('._0187_light_hand.csv', '\0'), says=('1 file', 'macOS')),
    "macOS's folder": Form(with_file('__MACOSX/0300_light_hand.csv'), says=('1 file', 'macOS')),
    'body points beside': Form(with_file('0187_light.csv', csv(rows(points(12, 25))))),
    'body points alone': Form(with_file('0300_light.csv', csv(rows(points(12, 25)))),
        says=('0300', 'hands')),
    "a browser's copy": Form(with_file('0187 (1)_light_hand.csv', '1,2\n'),
        says=('0187 (1)_light_hand.csv', 'copy')),
    'a copy of the labels': Form(with_file('0187_label (1).csv'),
        says=('0187_label (1).csv', 'copy')),
    'only a copy of the labels': Form(lambda f: two(f, label_suffix='_label (1).csv')),
    'labels without points': Form(with_file('0300_label.csv'), says=('1 file', '0300_label.csv')),
    'no labels': Form(lambda f: two(f, labels=None), {'0203_0': 2, '0203_1': 31},
        ('1 video', '0187', '0187.csv')),
    'unreadable points': Form(
        with_points(lambda cells: [['a', 'b']]), {'0203_0': 2, '0203_1': 31},
        ('1 video', '0187_light_hand.csv')
    ),
    'a line cut short': Form(
        with_points(lambda cells: [*cells, ['12', '1']]), {'0203_0': 2, '0203_1': 31},
        ('1 video', 'line 13', '2 cells')
    ),
    'a row behind the end': Form(with_rows('3,1,4\n99,5,9\n5,99999,100010\n'),
        says=('1 clip', '0187_2', 'line 3', '0 to 11')),
    'a row in front': Form(
        with_rows('5,99999,100010\n3,1,4\n'), {'0187_1': 2, '0203_0': 2, '0203_1': 31},
        ('0187_0', 'line 1')
    ),
    'swapped': Form(with_rows('3,1,4\n99,5,9\n5,9,3\n'), says=('0187_2', 'swapped', '3 to 9')),
    'no class': Form(with_rows('3,1,4\n99,5,9\n0,1,2\n33,1,2\n,1,2\n'),
        says=('3 clips', 'class id 33', '0187_4')),
    'no frame': Form(with_rows('3,1,4\n99,5,9\n5,,4\n5,1.5,4\n5,x,4\n'),
        says=('3 clips', '0187_3', 'line 5')),
    'goes on behind the end': Form(with_rows('3,1,4\n99,5,99\n'),
        says=('0187_1', 'last frame is 11')),
    'a note behind': Form(with_rows('3,1,4,0187_0.mp4\n99,5,9,a, b\n')),
    'a header': Form(with_rows('id,start,end\n3,1,4\n99,5,9\n')),
    'named columns': Form(with_rows('Start,End,ID\n1,4,3\n5,9,99\n')),
    "pandas' header and index": Form(with_rows(',id,start,end\n0,3,1,4\n1,99,5,9\n')),
    "pandas' counted header": Form(with_rows('0,1,2\n3,1,4\n99,5,9\n')),
    'semicolons': Form(with_rows('3;1;4\r\n99;5;9\r\n;;\r\n')),
    'quotes and blank lines': Form(with_rows('\ufeff"3","1","4"\n\n"99","5","9"\n\n')),
}  # fmt: skip


@pytest.mark.parametrize('form', FORMS.values(), ids=FORMS)
def test_a_form_of_the_csv_release_is_read(form, tmp_path, capsys):
    form.make(tmp_path / 'csv')
    data = convert(tmp_path / 'csv')
    assert list(data) == ['train'] and labels(data['train']) == form.clips
    assert noses(data['train'], '0203_0') == WHOLE
    out = capsys.readouterr().out
    assert not [word for word in form.says if word not in out], out


def test_strict_refuses_what_would_be_left_out_and_names_all_of_it(tmp_path):
    two(tmp_path / 'csv', labels='3,1,4\n99,5,9\n5,99,100\n')
    video(tmp_path / 'csv', '0218', labels=None)
    with pytest.raises(DataError, match='(?s)0218.*0187_2|0187_2.*0218'):
        convert(tmp_path / 'csv', '--strict')
    assert not (tmp_path / 'out').exists()


def test_strict_does_not_mind_copies_and_files_of_macos(tmp_path):
    with_file('0187 (1)_light_hand.csv')(tmp_path / 'csv')
    (tmp_path / 'csv' / '._0187_label.csv').touch()
    assert labels(convert(tmp_path / 'csv', '--strict')['train']) == BOTH


# Frame numbers
# -------------------------------------------------------------------------------------


def renumbered(*numbers: int) -> Callable[[list[list[str]]], object]:
    def change(cells: list[list[str]]) -> None:
        for row, number in zip(cells, numbers):
            row[0] = str(number)

    return change


def header(*words: object) -> Callable[[list[list[str]]], object]:
    return lambda cells: [[str(w) for w in words], *cells]


def without_nose(*xyc: str) -> Callable[[list[list[str]]], object]:
    """Put other cells in place of the nose of frame 2."""
    return lambda cells: cells[2].__setitem__(slice(1, 1 + len(xyc)), xyc)


GAP = [961, 0, 963, 964]
FRAMES = {
    'no header': (lambda cells: None, WHOLE),
    'counted from 0': (header(*range(106)), WHOLE),
    'counted from 1': (header(*range(1, 107)), WHOLE),
    'words': (header('frame', *'ab' * 50, *range(5)), WHOLE),
    'words of numpy': (header('# frame', *range(105)), WHOLE),
    'numbers from 1': (renumbered(*range(1, 13)), [960, 961, 962, 963]),
    "pandas' index": (
        lambda cells: [['', *range(106)], *([i, *row] for i, row in enumerate(cells))],
        WHOLE,
    ),
    'a comma at the end': (lambda cells: [[*row, ''] for row in cells], WHOLE),
    'falling': (lambda cells: cells[::-1], WHOLE),
    'doubled': (lambda cells: [row for row in cells for _ in range(2)], WHOLE),
    'written twice': (lambda cells: [*cells, *cells], WHOLE),
    'a gap': (lambda cells: [*cells[:2], *cells[3:]], GAP),
    'every second': (renumbered(*range(0, 24, 2)), [961, 962]),
    'empty cells': (without_nose('', '', ''), GAP),
    'nan': (without_nose('nan'), GAP),
    'NA and blanks': (without_nose(' ', 'NA'), GAP),
}


@pytest.mark.parametrize('change, expected', FRAMES.values(), ids=FRAMES)
def test_a_clip_begins_where_the_first_column_says_so(change, expected, tmp_path):
    cells = rows(points())
    video(tmp_path / 'csv', labels='3,1,4\n', table=change(cells) or cells)
    assert noses(convert(tmp_path / 'csv')['train'], '0187_0') == expected


def test_a_frame_that_stands_there_twice_with_other_values_costs_its_clip_alone(tmp_path, capsys):
    cells = rows(points())
    cells.insert(3, ['2', *cells[5][1:]])
    video(tmp_path / 'csv', table=cells)
    assert labels(convert(tmp_path / 'csv')['train']) == {'0187_1': 31}
    out = capsys.readouterr().out
    assert '0187_0' in out and 'frame 2' in out and 'line 4' in out


@pytest.mark.parametrize('cell', ['1.5', '', 'x', 'inf'])
def test_a_frame_number_that_is_none_leaves_the_video_out_and_says_the_line(cell, tmp_path, capsys):
    cells = rows(points())
    cells[2][0] = cell
    video(tmp_path / 'csv', '0203')
    video(tmp_path / 'csv', table=cells)
    assert labels(convert(tmp_path / 'csv')['train']) == {'0203_0': 2, '0203_1': 31}
    assert 'line 3' in capsys.readouterr().out


def test_faults_of_all_videos_are_shown_at_once(tmp_path):
    video(tmp_path / 'csv', '0001', labels=None)
    video(tmp_path / 'csv', '0002', labels='3,50,60\n')
    video(tmp_path / 'csv', '0003', table=[['1', '2']])
    with pytest.raises(DataError) as error:
        convert(tmp_path / 'csv')
    assert all(word in str(error.value) for word in ('0001', '0002_0', '0003_light_hand.csv'))


# Splits
# --------------------------------------------------------------------------------------------


def test_folders_say_train_val_and_test(tmp_path, capsys):
    release = tmp_path / 'release'
    phase_1 = release / 'imigue_data_phase1' / 'datasets'
    video(phase_1 / 'imigue_skeleton_train' / '0005', '0005')
    video(phase_1 / 'imigue_skeleton_validate' / '0001', '0001')
    video(release / 'imigue_data_phase2' / 'imigue_skeleton_test' / '0054', '0054')
    data = convert(release)
    assert {split: list(labels(d)) for split, d in data.items()} == {
        'train': ['0005_0', '0005_1'], 'val': ['0001_0', '0001_1'], 'test': ['0054_0', '0054_1']
    }  # fmt: skip
    assert 'train 1 video, val 1 video, test 1 video' in capsys.readouterr().out
    video(release / 'imigue_data_phase2' / '0055', '0055')
    test = labels(convert(release, '--splits', 'test')['test'])
    assert list(test) == ['0054_0', '0054_1', '0055_0', '0055_1']


def test_a_folder_named_for_its_split_is_that_split_unless_the_user_says_another(
    tmp_path, monkeypatch
):
    folder = tmp_path / 'imigue_skeleton_validate'
    video(folder)
    assert list(convert(folder)) == ['val']
    monkeypatch.chdir(folder)
    assert find(['../imigue_skeleton_validate/.']).videos[0].split == 'val'
    (folder / 'below').mkdir()
    monkeypatch.chdir(folder / 'below')
    assert find(['..']).videos[0].split == 'val'
    assert list(convert(folder, '--splits', 'train')) == ['train', 'val']


def test_several_paths_and_single_files_are_taken_together(tmp_path):
    a, b = video(tmp_path / 'a', '0001'), video(tmp_path / 'b' / 'test', '0002')
    video(tmp_path / 'a', '0003')
    readlabel.main([str(a), str(b.parent), '--out-dir', str(tmp_path)])
    for split, names in (('train', ['0001_0', '0001_1']), ('test', ['0002_0', '0002_1'])):
        assert list(labels(read_annotations(tmp_path / f'imigue_{split}.pkl'))) == names


def test_a_video_that_lies_there_twice_is_read_once(tmp_path, capsys):
    video(tmp_path / 'csv' / 'a')
    video(tmp_path / 'csv' / 'b', labels='5,1,2\n')
    assert labels(convert(tmp_path / 'csv')['train']) == {'0187_0': 2, '0187_1': 31}
    assert 'again' in capsys.readouterr().out


@pytest.mark.parametrize(
    'name, command',
    [
        ('Sample0001_skeleton.csv', 'tools/convert.py smg'),
        ('clip_000000000001_keypoints.json', 'tools/convert.py openpose'),
        ('S001C001P001R001A001.skeleton', 'tools/convert_ntu.py'),
        ('imigue.zip', 'Unpack'),
    ],
)
def test_what_is_not_imigues_is_named_with_its_own_command(name, command, tmp_path):
    (tmp_path / name).write_text('1,2,3\n')
    with pytest.raises(DataError, match=command):
        convert(tmp_path)


def test_a_long_way_down_and_circles_of_links_end(tmp_path):
    video(tmp_path / 'a' / '1/2/3/4/5/6/7')
    (tmp_path / 'a' / 'b').symlink_to(tmp_path / 'a')
    with pytest.raises(DataError, match='_light_hand.csv'):
        find([tmp_path / 'a'])
