"""From scores to Submission.zip: the published answers, aligned by id, nothing half-written."""

import os
import zipfile

import numpy as np
import pytest
from goldens import SMALL
from hypothesis import given, settings
from hypothesis import strategies as st

from pyskl.errors import ConfigError, DataError, UserError
from pyskl.scores.align import align
from pyskl.scores.blend import blend, check_weights
from pyskl.scores.score_file import Scores, load_scores
from pyskl.scores.submission import write_submission

ENSEMBLE = SMALL / 'ensemble'
PUBLISHED_CSV = (ENSEMBLE / 'Submission.csv').read_bytes()
IDS = tuple(line.split(',')[0] for line in PUBLISHED_CSV.decode().splitlines())


def stream(ids, num_classes=4, seed=0, path='A/scores.npz', rows=None):
    num_rows = rows if ids is None else len(ids)
    scores = np.random.default_rng(seed).random((num_rows, num_classes), dtype=np.float32)
    return Scores(None if ids is None else tuple(ids), scores, path)


@pytest.fixture
def published():
    return load_scores(ENSEMBLE / 'result_joint.pkl'), load_scores(ENSEMBLE / 'result_limb.pkl')


# The whole way ------------------------------------------------------------------------------------


def test_the_published_scores_give_the_published_csv_byte_for_byte(published, tmp_path):
    aligned = align(published, ids=IDS)
    csv, whole = write_submission(tmp_path, aligned.ids, blend(aligned.scores).argmax(axis=1))
    assert csv.read_bytes() == PUBLISHED_CSV
    with zipfile.ZipFile(whole) as archive:
        assert archive.namelist() == ['Submission.csv']
        assert archive.read('Submission.csv') == PUBLISHED_CSV


def test_a_bare_list_may_stand_beside_scores_with_ids(published, tmp_path):
    joint, limb = published
    shuffle = np.random.default_rng(4).permutation(len(IDS))
    named = Scores(tuple(IDS[i] for i in shuffle), limb.scores[shuffle], 'limb/scores.npz')
    aligned = align([joint, named], ids=IDS)
    np.testing.assert_array_equal(aligned.scores[1], limb.scores)
    bare = Scores(None, joint.scores[shuffle], 'joint/result.pkl')
    assert align([bare, named], by_position=True).ids == named.ids


# Aligning -----------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(8)), st.permutations(range(8)))
def test_every_row_stands_under_its_own_id_however_the_streams_are_ordered(first, second):
    ids = [f'{i:04d}_0' for i in range(8)]
    truth = np.random.default_rng(0).random((8, 3), dtype=np.float32)
    streams = [Scores(tuple(ids[i] for i in order), truth[order], 'x') for order in (first, second)]
    for order, aligned in ((list(range(8)), align(streams, ids=ids)), (first, align(streams))):
        assert aligned.ids == tuple(ids[i] for i in order)
        assert all((scores == truth[order]).all() for scores in aligned.scores)


def test_an_id_that_appears_twice_by_position_is_a_warning_and_all_rows_are_kept():
    aligned = align([stream(None, rows=5), stream(None, rows=5, seed=1)], ids=[*'abbaa'])
    repeats = ['id a appears 3 times, rows 0, 3 and 4', 'id b appears twice, rows 1 and 2']
    assert aligned.warnings == repeats
    assert aligned.ids == (*'abbaa',) and all(len(scores) == 5 for scores in aligned.scores)


def test_an_id_that_appears_twice_by_id_is_an_error_unless_matched_by_position():
    twice = [stream(['a', 'b', 'a']), stream(['a', 'b', 'a'], seed=1, path='B/scores.npz')]
    with pytest.raises(DataError, match='A/scores.npz: id a .*rows 0 and 2.*--by-position'):
        align(twice)
    with pytest.raises(DataError, match='ids.txt: id a appears twice'):
        align([stream(['a', 'b'])], ids=['a', 'b', 'a'], ids_name='ids.txt')
    assert align(twice, by_position=True).warnings == ['id a appears twice, rows 0 and 2']


@pytest.mark.parametrize('by_position', [False, True])
def test_a_faulty_list_of_ids_is_to_be_left_out_where_the_scores_have_ids_that_agree(by_position):
    """The published list names one id twice, in place of another; by id it is ambiguous, by
    position it does not match.
    """
    streams, listed = [stream(['a', 'b', 'c']), stream(['a', 'b', 'c'], seed=1)], ['a', 'b', 'a']
    with pytest.raises(DataError, match=r'leave test_id\.txt out\.$'):
        align(streams, listed, 'test_id.txt', by_position)
    with pytest.raises(DataError, match='by-position'):
        align([streams[0], stream(['a', 'b', 'd'])], listed, 'test_id.txt', by_position)
    assert align(streams).ids == ('a', 'b', 'c')


@pytest.mark.parametrize(
    ('streams', 'options', 'message'),
    [
        ([], {}, 'no scores were given'),
        ([stream(None, rows=2, path='A/result.pkl')], {}, 'A/result.pkl: a bare list.*--ids FILE'),
        (
            [stream(['a', 'b']), stream(None, rows=2, path='B/result.pkl')],
            {},
            'B/result.pkl: a bare list.*--by-position',
        ),
        (
            [stream(['a', 'b']), stream(['a'], path='B/s.npz')],
            {},
            r'B/s.npz: no row for 1 id \(b\) of A/scores.npz',
        ),
        (
            [stream(['a']), stream(list('abcde'), path='B/s.npz')],
            {},
            r'B/s.npz: rows for 4 ids \(b, c, d and 1 more\) that A/scores.npz',
        ),
        (
            [stream(['a']), stream(['a'], num_classes=3, path='B/s.npz')],
            {},
            'B/s.npz: scores over 3 classes, but A/scores.npz has 4',
        ),
        (
            [stream(None, rows=1, path='A/r')],
            {'ids': ['a', 'b'], 'ids_name': 'ids.txt'},
            'A/r: 1 rows for the 2 ids of ids.txt',
        ),
        (
            [stream(['a', 'b']), stream(['b', 'a'], path='B/s')],
            {'by_position': True},
            'B/s: row 0 is b, in A/scores.npz it is a',
        ),
    ],
)
def test_what_does_not_match_is_named_with_its_file(streams, options, message):
    with pytest.raises(DataError, match=message):
        align(streams, **options)


@pytest.mark.parametrize(
    ('ids', 'others', 'by_position'),
    [
        (['a\x1b[2J'], ['b'], False),
        (['b'], ['b', 'a\x1b[2J'], False),
        (['a\x1b[2J'], ['b'], True),
        (['b'], ['a\x1b[2J'], True),
        (['a\x1b[2J'] * 2, ['b'] * 2, False),
    ],
)
def test_ids_from_a_file_write_no_control_characters_to_the_terminal(ids, others, by_position):
    with pytest.raises(DataError) as error:
        align([stream(ids), stream(others)], by_position=by_position)
    assert r'a\x1b[2J' in str(error.value) and str(error.value).isprintable()


# Blending -----------------------------------------------------------------------------------------


def test_the_blend_is_the_published_formula_in_float32(published):
    joint, limb = (stream.scores for stream in published)
    mix = blend([joint, limb])
    assert mix.dtype == np.float32
    np.testing.assert_array_equal(mix, joint * 0.4 + limb * 0.6)


def test_one_stream_weighs_one_and_two_the_published_weights():
    assert check_weights(None, 1) == (1.0,)
    assert check_weights(None, 2) == (0.4, 0.6)
    assert check_weights([1, -2, 0], 3) == (1.0, -2.0, 0.0)


@pytest.mark.parametrize(
    ('weights', 'streams', 'message'),
    [
        (None, 3, '--weights is missing'),
        ([0.4], 2, '1 weight for 2 streams'),
        ([0.0, 0.0], 2, 'not all of them 0'),
        ([float('inf'), 1], 2, 'finite'),
        ([1e39, 1], 2, 'finite'),
        ([1e-60], 1, 'not all of them 0'),
    ],
)
def test_wrong_weights_are_named(weights, streams, message):
    with pytest.raises(ConfigError, match=message):
        check_weights(weights, streams)


def test_a_blend_that_overflows_is_refused():
    with pytest.raises(DataError, match='not finite'):
        blend([np.full((1, 2), 1e30, np.float32)] * 2, [1e30, 1e30])


# Writing ------------------------------------------------------------------------------------------


def test_equal_answers_make_equal_bytes_of_1980_and_plain_permissions(tmp_path):
    first, second = (write_submission(tmp_path / name, ['a'], [1]) for name in ('1', '2'))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    with zipfile.ZipFile(first[1]) as archive:
        member = archive.infolist()[0]
    assert member.date_time == (1980, 1, 1, 0, 0, 0) and member.create_system == 3
    assert member.external_attr == 0o100644 << 16 and member.compress_type == zipfile.ZIP_STORED


@pytest.mark.parametrize(
    ('ids', 'classes', 'message'),
    [
        (['a'], [1, 2], '1 ids and classes of shape'),
        (['a'], [1.0], 'type float64'),
        (['a'], [-1], 'from 0 on'),
        (['a,b'], [1], "id 0 is 'a,b'"),
        ([''], [1], 'id 0'),
        (['a\nb'], [1], 'id 0'),
        (['\ud800'], [1], 'id 0'),
    ],
)
def test_what_cannot_be_a_row_is_refused_and_nothing_is_written(tmp_path, ids, classes, message):
    with pytest.raises(DataError, match=message):
        write_submission(tmp_path / 'out', ids, classes)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    'failing', ['first fsync', 'second fsync', 'third fsync', 'first replace', 'second replace']
)
@pytest.mark.parametrize('before', [True, False])
def test_a_failure_in_the_middle_leaves_csv_and_zip_as_they_were(
    tmp_path, monkeypatch, failing, before
):
    if before:
        write_submission(tmp_path, ['a'], [1])
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    order, name = failing.split()
    left = ['first', 'second', 'third'].index(order)
    real = getattr(os, name)

    def fails_once(*arguments):
        nonlocal left
        left -= 1
        if left == -1:
            raise OSError(28, 'No space left on device')
        return real(*arguments)

    monkeypatch.setattr(os, name, fails_once)
    with pytest.raises(UserError, match='No space left'):
        write_submission(tmp_path, ['a', 'b'], [2, 3])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old


def test_a_folder_in_the_place_of_the_zip_leaves_the_csv_as_it_was(tmp_path):
    (tmp_path / 'Submission.csv').write_text('old')
    (tmp_path / 'Submission.zip').mkdir()
    with pytest.raises(UserError, match='Submission.zip'):
        write_submission(tmp_path, ['a'], [2])
    assert (tmp_path / 'Submission.csv').read_text() == 'old'
