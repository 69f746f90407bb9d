"""iMiGUE's xlsx of 137 points: joints that are kept, hostile workbooks, orders of classes."""

import builtins
import zipfile
from pathlib import Path

import numpy as np
import pytest
from imigue_release import LEFT_WRIST, csv, points, rows, video, xlsx
from imigue_release import convert as convert_all

from pyskl.errors import DataError, UserError
from pyskl.skeletons import get_layout, layout_of
from pyskl.sources import xlsx as xlsx_reader
from pyskl.sources.imigue.frames import frames_of
from pyskl.sources.imigue.joints import POINTS, Joints
from pyskl.sources.imigue.labels import (
    are_placeholders,
    class_of,
    from_id_mod_99,
    looks_like_id_mod_99,
)
from pyskl.sources.tables import Table, read_table

OPENPOSE = get_layout('openpose137')


def convert(folder: Path, *words: object) -> dict:
    return convert_all(folder, *words)['train']


@pytest.fixture
def release(tmp_path) -> Path:
    """One video of the 2025 release."""
    pytest.importorskip('python_calamine')
    video(tmp_path / 'xlsx' / '0187', suffix='_openpose.xlsx', num_points=137)
    return tmp_path / 'xlsx'


# 137 points
# ----------------------------------------------------------------------------------------


def test_row_r_of_the_xlsx_release_is_frame_r(release):
    data = convert(release)
    assert [(clip['frame_dir'], clip['label']) for clip in data['annotations']] == [
        ('0187_0', 2),
        ('0187_1', 31),
    ]
    first = data['annotations'][0]
    assert first['keypoint'].shape == (1, 90, 22, 2) and data['layout'] == 'imigue22'
    assert first['keypoint'][0, :5, 0, 0].tolist() == [961, 962, 963, 964, 0]


@pytest.mark.parametrize(
    'name', ['imigue22', 'openpose_upper_hands', 'openpose137', 'openpose25', 'coco17']
)
def test_a_layout_chooses_its_joints_by_name(name, release):
    data = convert(release, '--joints', name)
    layout = layout_of(data['layout'])
    truth = points(12, 137)[1]
    assert layout == get_layout(name)
    for joint, xy in zip(layout.joints, data['annotations'][0]['keypoint'][0, 0]):
        assert xy.tolist() == truth[OPENPOSE.joints.index(joint), :2].tolist(), joint


@pytest.mark.parametrize('asked, joints', [
    ('0-8,15-18,95-136', [*range(9), *range(15, 19), *range(95, 137)]),
    ('nose,neck,left wrist,right wrist', [0, 1, 7, 4]), ('1, 0', [1, 0]), ('all', list(range(137))),
])  # fmt: skip
def test_a_list_chooses_joints_by_index_or_name(asked, joints, release):
    data = convert(release, '--joints', asked)
    keypoint = data['annotations'][0]['keypoint'][0, 0]
    assert keypoint.tolist() == points(12, 137)[1, joints, :2].tolist()
    assert layout_of(data['layout']).joints == tuple(OPENPOSE.joints[j] for j in joints)


@pytest.mark.parametrize('before', [lambda i: [], lambda i: [i], lambda i: [i, i]])
def test_411_columns_as_csv_are_the_same_with_numbers_in_front_too(before, tmp_path):
    table = [[*before(i), *row] for i, row in enumerate(rows(points(12, 137), None))]
    video(tmp_path / 'csv', table=table)
    assert convert(tmp_path / 'csv')['annotations'][0]['keypoint'][0, :2, 0, 0].tolist() == [
        961,
        962,
    ]


def test_labels_may_be_a_sheet_too(release):
    (release / '0187' / '0187_label.csv').unlink()
    xlsx(release / '0187' / '0187_label.xlsx', [['id', 'start', 'end'], [3, 1, 4], [99, 5, 9]])
    assert [clip['label'] for clip in convert(release)['annotations']] == [2, 31]


def test_a_video_in_two_forms_gives_the_joints_that_were_asked_for(release):
    video(release / '0187')
    assert convert(release)['annotations'][0]['keypoint'].shape[2] == 22
    assert (
        convert(release, '--joints', 'openpose_upper_hands')['annotations'][0]['keypoint'].shape[2]
        == 54
    )


def test_points_that_cannot_be_read_are_read_from_the_other_form(release, capsys):
    video(release / '0187', table=[['1', '2']])
    assert len(convert(release)['annotations']) == 2
    assert '0187_light_hand.csv' in capsys.readouterr().out


# Other forms
# ---------------------------------------------------------------------------------------


def test_what_35_points_cannot_give_is_an_error_that_names_what_they_can(tmp_path):
    video(tmp_path / 'csv')
    with pytest.raises(DataError) as error:
        convert(tmp_path / 'csv', '--joints', 'openpose_upper_hands')
    assert 'imigue22' in str(error.value) and '35 points' in str(error.value)
    with pytest.raises(UserError, match='neither a layout nor a joint.*left wrist'):
        convert(tmp_path / 'csv', '--joints', 'nose,left wirst')
    with pytest.raises(UserError, match='mirror'):
        convert(tmp_path / 'csv', '--joints', 'nose,left ear,left wrist,right wrist')


@pytest.mark.parametrize('first_hand', ['left', 'right'])
def test_all_of_35_points_have_the_names_of_the_side_that_was_measured(first_hand, tmp_path):
    video(tmp_path / 'csv', table=rows(points(first_hand=first_hand)))
    layout = layout_of(convert(tmp_path / 'csv', '--joints', 'all')['layout'])
    assert (
        layout.joints[:25] == OPENPOSE.joints[:25]
        and layout.joints[25] == f'{first_hand} thumb tip'
    )
    assert (25, layout.joints.index(f'{first_hand} wrist')) in layout.bones


def test_36_points_are_kept_without_a_layout_or_left_out_by_name(tmp_path):
    table = rows(np.random.default_rng(0).uniform(10, 900, (12, 36, 3)).round(1))
    video(tmp_path / 'csv', table=table)
    with pytest.raises(DataError, match='36 points.*--joints all'):
        convert(tmp_path / 'csv')
    data = convert(tmp_path / 'csv', '--joints', 'all')
    assert data['annotations'][0]['keypoint'].shape == (1, 90, 36, 2) and 'layout' not in data
    assert convert(tmp_path / 'csv', '--joints', '3,5')['annotations'][0]['keypoint'].shape[2] == 2


def test_raw_arrays_have_the_joints_that_they_have(tmp_path):
    np.save(tmp_path / 'train_data.npy', np.ones((1, 3, 4, 22, 1), np.float32))
    with pytest.raises(UserError, match='raw arrays'):
        convert(tmp_path, '--joints', 'openpose137')


def test_indices_that_mean_other_joints_in_each_form_are_refused(release):
    video(release / '0203', '0203')
    with pytest.raises(DataError, match='35 and 137 points'):
        convert(release, '--joints', '0,1,25,26')
    assert len(convert(release, '--joints', '0-8')['annotations']) == 4


def test_the_points_of_each_form_are_named_once():
    assert {n: len(set(names)) for n, names in POINTS.items()} == {25: 25, 35: 35, 137: 137}
    assert Joints().of(35)[12:] == tuple(range(25, 35))
    assert Joints().of(137)[12:] == (99, 103, 107, 111, 115, 120, 124, 128, 132, 136)


# Workbooks from strangers
# --------------------------------------------------------------------------


def test_texts_empty_cells_and_a_header_in_a_sheet_are_read_as_in_csv(tmp_path):
    pytest.importorskip('python_calamine')
    cells = [['x', 'y', 'score'], ['1', "2'5", ''], [4, 5, 6]]
    xlsx(tmp_path / 'a.xlsx', [cells[0], ['1', '', 2.5], cells[2]])
    table = read_table(tmp_path / 'a.xlsx')
    assert np.array_equal(
        table.values, [[1, np.nan, 2.5], [4, 5, 6]], equal_nan=True
    ) and table.lines.tolist() == [2, 3]
    xlsx(tmp_path / 'b.xlsx', cells)
    with pytest.raises(DataError, match='row 2'):
        read_table(tmp_path / 'b.xlsx')


FAR = '<row r="{}"><c r="{}"><v>1</v></c></row>'


@pytest.mark.parametrize('raw', [
    b'', b'PK\x03\x04' + bytes(100), b'no workbook', FAR.format(1, 'XFD1'),
    FAR.format(1048576, 'A1048576'),
    FAR.format(123456, 'B123456').replace('"', "'"), '<row><c><v>1</v></row>',
])  # fmt: skip
def test_a_workbook_that_is_none_or_would_fill_the_memory_is_left_out_by_name(
    raw, tmp_path, capsys
):
    pytest.importorskip('python_calamine')
    path = video(tmp_path / 'r', suffix='_openpose.xlsx', num_points=137)
    video(tmp_path / 'r', '0203')
    if isinstance(raw, bytes):
        path.write_bytes(raw)
    else:
        xlsx(path, [], sheet=raw)
    assert [clip['frame_dir'] for clip in convert(tmp_path / 'r')['annotations']] == [
        '0203_0',
        '0203_1',
    ]
    assert '0187_openpose.xlsx' in capsys.readouterr().out


def test_a_workbook_that_unpacks_to_more_than_allowed_is_refused_unread(tmp_path, monkeypatch):
    pytest.importorskip('python_calamine')
    xlsx(tmp_path / 'a.xlsx', [], **{'xl/media/a': '0' * 100_000})
    monkeypatch.setattr(xlsx_reader, 'MAX_BYTES', 50_000)
    with pytest.raises(DataError, match='unpacks to'):
        read_table(tmp_path / 'a.xlsx')


def test_a_size_that_lies_is_found_out(tmp_path, monkeypatch):
    pytest.importorskip('python_calamine')
    xlsx(tmp_path / 'a.xlsx', [], **{'xl/media/a': '0' * 100_000})
    raw = (tmp_path / 'a.xlsx').read_bytes()
    (tmp_path / 'a.xlsx').write_bytes(
        raw.replace((100_000).to_bytes(4, 'little'), (10).to_bytes(4, 'little'))
    )
    assert zipfile.ZipFile(tmp_path / 'a.xlsx').getinfo('xl/media/a').file_size == 10
    with pytest.raises(DataError, match='BadZipFile'):
        read_table(tmp_path / 'a.xlsx')


def test_without_the_reader_one_line_says_what_to_install(tmp_path, monkeypatch):
    video(tmp_path / 'r', suffix='_openpose.xlsx', num_points=137)
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == 'python_calamine':
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', absent)
    with pytest.raises(UserError, match="pip install 'python-calamine"):
        convert(tmp_path / 'r')


# Parts
# ---------------------------------------------------------------------------------------------


def test_a_cut_keeps_the_last_frames_and_leaves_gaps_empty():
    number = np.array([0, 1, 2, 5, 6, 9])
    values = np.concatenate([number[:, None], np.tile(number[:, None], (1, 105))], 1).astype(float)
    frames = frames_of(Path('a.csv'), Table(values, np.arange(6) + 1))
    assert frames.number.tolist() == number.tolist() and frames.step == 1
    cut = frames.cut(1, 7, 4)
    assert (
        np.isnan(cut.points[0]).all()
        and cut.points[1:3, 0, 0].tolist() == [5, 6]
        and cut.missing == [4, 7]
    )
    assert frames.cut(3, 4, 90) is None and frames.cut(7, 2**53, 3).points[-1, LEFT_WRIST, 1] == 9
    assert len(frames.cut(-(2**53), 2**53, 90).points) == 10 and frames.cut(8, 20, 90).cut_short


def test_european_spreadsheets_are_read(tmp_path):
    text = csv([['a', 'b', 'c', 'd'], ['1,5', '2', '-3,25', '4e1']], ';', '\r\n')
    (tmp_path / 'a.csv').write_bytes(text.encode())
    assert read_table(tmp_path / 'a.csv').values.tolist() == [[1.5, 2, -3.25, 40]]
    (tmp_path / 'b.csv').write_text('1\t2\n3\t4\n')
    assert read_table(tmp_path / 'b.csv').values.tolist() == [[1, 2], [3, 4]]
    (tmp_path / 'c.csv').write_bytes('1,2\n'.encode('utf-16'))
    with pytest.raises(DataError, match='UTF-16'):
        read_table(tmp_path / 'c.csv')


def test_dummies_are_equal_labels_of_more_than_a_clip_beside_a_train_part_of_several_classes():
    train = [0, 1, 2]
    assert (
        are_placeholders([0, 0], train)
        and are_placeholders([7, 7, -1], train)
        and are_placeholders([0, 0, 0], None)
    )
    others = [([0], train), ([0, 0], None), ([0, 1, 0], train)]
    others += [([0, 0, 0], [0, 0]), ([-1, -1, -1], train)]
    assert not any(are_placeholders(labels, beside) for labels, beside in others)


def test_the_two_orders_of_classes_are_told_apart():
    ids = [99] * 30 + [31] * 15 + [17] * 5 + [1, 2, 3] * 3
    by_one, by_99 = [class_of(i, '') for i in ids], [i % 99 for i in ids]
    assert (
        looks_like_id_mod_99(by_99)
        and not looks_like_id_mod_99(by_one)
        and not looks_like_id_mod_99([0] * 50)
    )
    assert [from_id_mod_99(label) for label in by_99] == by_one and from_id_mod_99(-1) == -1
