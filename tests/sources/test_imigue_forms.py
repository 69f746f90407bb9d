"""iMiGUE's xlsx of 137 points: joints that are kept, hostile workbooks, orders of classes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from imigue_release import convert as convert_all
from imigue_release import labels, noses, points, rows, video, xlsx
from numpy.testing import assert_array_equal

from pyskl.errors import DataError, UserError
from pyskl.skeletons import get_layout, layout_of
from pyskl.sources import xlsx as xlsx_reader
from pyskl.sources.imigue.frames import frames_of
from pyskl.sources.imigue.labels import are_placeholders
from pyskl.sources.tables import Table, read_table

OPENPOSE = get_layout('openpose137')


def convert(folder: Path, *words: object) -> dict:
    return convert_all(folder, *words)['train']


def keypoint(folder: Path, *words: object) -> np.ndarray:
    return convert(folder, *words)['annotations'][0]['keypoint']


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
    assert labels(data) == {'0187_0': 2, '0187_1': 31} and data['layout'] == 'imigue22'
    assert noses(data, '0187_0') == [961, 962, 963, 964]


@pytest.mark.parametrize(
    'name', ['imigue22', 'openpose_upper_hands', 'openpose137', 'openpose25', 'coco17']
)
def test_a_layout_chooses_its_joints_by_name(name, release):
    data = convert(release, '--joints', name)
    joints = [OPENPOSE.joints.index(joint) for joint in get_layout(name).joints]
    [first, _] = data['annotations']
    assert layout_of(data['layout']) == get_layout(name)
    assert_array_equal(first['keypoint'][0, 0], points(12, 137)[1, joints, :2])


@pytest.mark.parametrize('asked, joints', [
    ('0-8,15-18,95-136', [*range(9), *range(15, 19), *range(95, 137)]),
    ('nose,neck,left wrist,right wrist', [0, 1, 7, 4]), ('1, 0', [1, 0]), ('all', list(range(137))),
])  # fmt: skip
def test_a_list_chooses_joints_by_index_or_name(asked, joints, release):
    data = convert(release, '--joints', asked)
    [first, _] = data['annotations']
    assert_array_equal(first['keypoint'][0, 0], points(12, 137)[1, joints, :2])
    assert layout_of(data['layout']).joints == tuple(OPENPOSE.joints[j] for j in joints)


@pytest.mark.parametrize('numbers', [0, 1, 2])
def test_411_columns_as_csv_are_the_same_with_numbers_in_front_too(numbers, tmp_path):
    table = [[*[i] * numbers, *row] for i, row in enumerate(rows(points(12, 137), None))]
    video(tmp_path / 'csv', table=table)
    assert noses(convert(tmp_path / 'csv'), '0187_0') == [961, 962, 963, 964]


def test_labels_may_be_a_sheet_too(release):
    (release / '0187' / '0187_label.csv').unlink()
    xlsx(release / '0187' / '0187_label.xlsx', [['id', 'start', 'end'], [3, 1, 4], [99, 5, 9]])
    assert labels(convert(release)) == {'0187_0': 2, '0187_1': 31}


@pytest.mark.parametrize('joints, number', [('imigue22', 22), ('openpose_upper_hands', 54)])
def test_a_video_in_two_forms_gives_the_joints_that_were_asked_for(release, joints, number):
    video(release / '0187')
    assert keypoint(release, '--joints', joints).shape[2] == number


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
    assert layout.joints[:25] == OPENPOSE.joints[:25]
    assert layout.joints[25] == f'{first_hand} thumb tip'
    assert (25, layout.joints.index(f'{first_hand} wrist')) in layout.bones


def test_36_points_are_kept_without_a_layout_or_left_out_by_name(tmp_path):
    table = rows(np.random.default_rng(0).uniform(10, 900, (12, 36, 3)).round(1))
    video(tmp_path / 'csv', table=table)
    with pytest.raises(DataError, match='36 points.*--joints all'):
        convert(tmp_path / 'csv')
    assert 'layout' not in convert(tmp_path / 'csv', '--joints', 'all')
    assert keypoint(tmp_path / 'csv', '--joints', '3,5').shape[2] == 2


def test_raw_arrays_have_the_joints_that_they_have(tmp_path):
    np.save(tmp_path / 'train_data.npy', np.ones((1, 3, 4, 22, 1), np.float32))
    with pytest.raises(UserError, match='raw arrays'):
        convert(tmp_path, '--joints', 'openpose137')


def test_indices_that_mean_other_joints_in_each_form_are_refused(release):
    video(release / '0203', '0203')
    with pytest.raises(DataError, match='35 and 137 points'):
        convert(release, '--joints', '0,1,25,26')
    assert len(convert(release, '--joints', '0-8')['annotations']) == 4


# Workbooks from strangers
# --------------------------------------------------------------------------


def test_texts_empty_cells_and_a_header_in_a_sheet_are_read_as_in_csv(tmp_path):
    pytest.importorskip('python_calamine')
    xlsx(tmp_path / 'a.xlsx', [['x', 'y', 'score'], ['1', '', 2.5], [4, 5, 6]])
    table = read_table(tmp_path / 'a.xlsx')
    assert_array_equal(table.values, [[1, np.nan, 2.5], [4, 5, 6]])
    assert table.lines.tolist() == [2, 3]
    xlsx(tmp_path / 'b.xlsx', [['x', 'y', 'score'], ['1', "2'5", '']])
    with pytest.raises(DataError, match="2 holds .2'5"):
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
    assert list(labels(convert(tmp_path / 'r'))) == ['0203_0', '0203_1']
    assert '0187_openpose.xlsx' in capsys.readouterr().out


def test_a_workbook_that_unpacks_to_more_than_allowed_or_than_it_says_is_refused(
    tmp_path, monkeypatch
):
    pytest.importorskip('python_calamine')
    path = tmp_path / 'a.xlsx'
    xlsx(path, [], **{'xl/media/a': '0' * 100_000})
    monkeypatch.setattr(xlsx_reader, 'MAX_BYTES', 50_000)
    with pytest.raises(DataError, match='unpacks to'):
        read_table(path)
    size, smaller = (number.to_bytes(4, 'little') for number in (100_000, 10))
    path.write_bytes(path.read_bytes().replace(size, smaller))
    with pytest.raises(DataError, match='BadZipFile'):
        read_table(path)


def test_without_the_reader_one_line_says_what_to_install(tmp_path, monkeypatch):
    video(tmp_path / 'r', suffix='_openpose.xlsx', num_points=137)
    monkeypatch.setitem(sys.modules, 'python_calamine', None)
    with pytest.raises(UserError, match="pip install 'python-calamine"):
        convert(tmp_path / 'r')


# Parts
# ---------------------------------------------------------------------------------------------


def test_a_cut_keeps_the_last_frames_and_leaves_gaps_empty():
    number = np.array([0, 1, 2, 5, 6, 9], float)
    frames = frames_of(Path('a.csv'), Table(np.tile(number[:, None], 106), np.arange(6) + 1))
    cut = frames.cut(1, 7, 4)
    assert_array_equal(cut.points[:, 0, 0], [np.nan, 5, 6, np.nan])
    assert cut.missing == [4, 7] and not cut.cut_short
    assert frames.cut(3, 4, 90) is None and frames.cut(8, 20, 90).cut_short
    assert len(frames.cut(-(2**53), 2**53, 90).points) == 10
    assert frames.cut(7, 2**53, 3).points[-1, 0, 0] == 9


@pytest.mark.parametrize(
    'labels, train, dummies',
    [
        ([0, 0], [0, 1, 2], True),
        ([7, 7, -1], [0, 1, 2], True),
        ([0, 0, 0], None, True),
        ([0], [0, 1, 2], False),
        ([0, 0], None, False),
        ([0, 1, 0], [0, 1, 2], False),
        ([0, 0, 0], [0, 0], False),
        ([-1, -1, -1], [0, 1, 2], False),
    ],
)
def test_dummies_are_equal_labels_beside_a_train_part_of_several_classes(labels, train, dummies):
    assert are_placeholders(labels, train) == dummies
