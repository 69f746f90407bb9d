"""Score files: what was saved comes back, anything else is a DataError that names the file."""

import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyskl.errors import DataError
from pyskl.scores.score_file import load_scores, save_result_pkl, save_scores

# Saving and loading -------------------------------------------------------------------------------


def test_scores_come_back_as_they_were_saved(tmp_path):
    scores = np.random.default_rng(0).random((3, 5), dtype=np.float32)
    save_scores(tmp_path / 'new' / 'scores.npz', ['a', 'bb', 'ä_1'], scores)
    back = load_scores(tmp_path / 'new' / 'scores.npz')
    assert back.ids == ('a', 'bb', 'ä_1') and back.path == str(tmp_path / 'new' / 'scores.npz')
    np.testing.assert_array_equal(back.scores, scores)
    assert back.scores.dtype == np.float32 and back.checkpoint is None


def test_the_name_of_the_checkpoint_comes_back_and_equal_scores_make_equal_files(tmp_path):
    for name in ('1.npz', '2.npz'):
        save_scores(tmp_path / name, ['a'], np.ones((1, 2)), 'epoch_4.pth')
        assert load_scores(tmp_path / name).checkpoint == 'epoch_4.pth'
    assert (tmp_path / '1.npz').read_bytes() == (tmp_path / '2.npz').read_bytes()


def test_a_result_list_comes_back_without_ids_as_the_published_script_would_read_it(tmp_path):
    scores = np.random.default_rng(0).random((3, 5))
    save_result_pkl(tmp_path / 'result.pkl', scores)
    rows = pickle.loads((tmp_path / 'result.pkl').read_bytes())
    assert type(rows) is list
    assert {(row.shape, row.dtype.name) for row in rows} == {((5,), 'float32')}
    back = load_scores(tmp_path / 'result.pkl')
    assert back.ids is None
    np.testing.assert_array_equal(back.scores, scores.astype(np.float32))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({}, 'a dict of 0'),
        ([], 'a list of 0'),
        (3, 'a int'),
        ([[0.1, 0.2], None], 'row 1 is a NoneType'),
        ([np.zeros(3), np.zeros(4)], 'row 1 has 4 scores and row 0 has 3'),
        ([np.zeros(0)], 'row 0 has 0 scores'),
        ([np.zeros(3, bool)], 'row 0 is an array of shape .* type bool'),
        ([np.zeros(3), np.array([0, np.nan, 0])], r'NaN or inf in row 1 \(1 of 2 rows\)'),
        ([np.array([1e300])], r'NaN or inf in row 0'),
        ([[10**400, 1]], 'is'),
        (['abc'], 'row 0 is a str'),
    ],
)
def test_a_wrong_result_list_is_named_with_its_file(tmp_path, content, message):
    path = tmp_path / 'result.pkl'
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=message) as error:
        load_scores(path)
    assert str(path) in str(error.value)


def npz(path, **arrays):
    with open(path, 'wb') as f:
        np.savez_compressed(f, **arrays)


TWO = np.zeros((2, 3))


@pytest.mark.parametrize(
    ('arrays', 'message'),
    [
        ({'scores': None, 'joint': TWO, 'weights': np.ones(2)}, "no array 'scores'"),
        ({'ids': np.array(['a'])}, r'ids are an array of shape \(1,\)'),
        ({'ids': np.array([1, 2])}, 'ids are .* type int64'),
        ({'ids': np.array([['a', 'b']])}, r'ids are .* shape \(1, 2\)'),
        ({'scores': np.zeros(3)}, 'row 0 is a'),
        ({'checkpoint': np.array(4)}, 'checkpoint is .* type int64'),
        ({'checkpoint': np.array(['a', 'b'])}, r'checkpoint is .* shape \(2,\)'),
        ({'scores': np.array(3.0)}, r'an array of shape \(\)'),
        ({'scores': np.array([None, 1], object)}, 'Python objects'),
    ],
)
def test_a_wrong_npz_is_named_with_its_file(tmp_path, arrays, message):
    path = tmp_path / 'scores.npz'
    arrays = {'scores': TWO, **arrays}
    npz(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(DataError, match=message) as error:
        load_scores(path)
    assert str(path) in str(error.value)


def test_text_that_is_no_characters_is_a_data_error(tmp_path):
    odd = np.array([0xFFFFFFFF], np.uint32).view('<U1')
    for arrays in ({'ids': odd}, {'checkpoint': odd[0:1].reshape(())}):
        npz(tmp_path / 'scores.npz', scores=np.ones((1, 3)), **arrays)
        with pytest.raises(DataError, match=f'{next(iter(arrays))} cannot be read as text'):
            load_scores(tmp_path / 'scores.npz')


def test_a_zip_of_another_kind_is_a_data_error(tmp_path):
    with zipfile.ZipFile(tmp_path / 'scores.npz', 'w') as archive:
        archive.writestr('scores', b'no array')
    with pytest.raises(DataError, match="it holds 'scores'"):
        load_scores(tmp_path / 'scores.npz')


def test_a_missing_score_file_or_a_folder_is_a_data_error(tmp_path):
    for path in (tmp_path / 'scores.npz', tmp_path):
        with pytest.raises(DataError, match=str(path)):
            load_scores(path)


def test_a_pipe_in_place_of_scores_is_refused_and_not_read_from(tmp_path):
    os.mkfifo(tmp_path / 'scores.npz')
    # without a writer, who opens it would wait for ever
    pipe = os.open(tmp_path / 'scores.npz', os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(pipe, b'PK')
        with pytest.raises(DataError, match='not a regular file'):
            load_scores(tmp_path / 'scores.npz')
        assert os.read(pipe, 2) == b'PK'
    finally:
        os.close(pipe)


def test_nothing_in_a_score_file_is_run(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / 'ran'),)

    (tmp_path / 'result.pkl').write_bytes(pickle.dumps([Hostile()]))
    npz(tmp_path / 'scores.npz', scores=np.array([Hostile()], object))
    for name in ('result.pkl', 'scores.npz'):
        with pytest.raises(DataError):
            load_scores(tmp_path / name)
    assert not (tmp_path / 'ran').exists()


def test_saving_refuses_what_could_not_be_matched_again(tmp_path):
    for ids, scores in ((['a'], TWO), (['a', 2], TWO), (['a', 'b'], np.zeros(2))):
        with pytest.raises(DataError, match='scores.npz'):
            save_scores(tmp_path / 'scores.npz', ids, scores)
    with pytest.raises(DataError, match=r'shape \(2,\)'):
        save_result_pkl(tmp_path / 'result.pkl', np.zeros(2))
    assert list(tmp_path.iterdir()) == []


# Any bytes at all ---------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def workshop(tmp_path_factory):
    """A folder to read from, and the bytes of three good score files."""
    folder = tmp_path_factory.mktemp('fuzz')
    save_scores(folder / 'saved.npz', ['a', 'b'], TWO)
    npz(folder / 'compressed.npz', scores=TWO, ids=np.array(['a', 'b']))
    save_result_pkl(folder / 'result.pkl', TWO)
    return folder, [path.read_bytes() for path in sorted(folder.iterdir())]


def plain_data():
    """What a pickle of plain data may hold, mostly no scores."""
    numbers = [np.zeros(3), np.ones((1, 2)), np.float32(1), np.zeros(0)]
    others = [np.array(None), np.array('a'), np.zeros(2, 'M8[s]')]
    leaves = st.none() | st.booleans() | st.integers() | st.floats()
    leaves |= st.text(max_size=5) | st.binary(max_size=5) | st.sampled_from(numbers + others)
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.tuples(inner, inner)
            | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=8,
    )


def any_file(good_files):
    """Random bytes, good files with some bytes changed and perhaps cut short, good pickles of
    anything.
    """
    starts = st.sampled_from([b'', b'PK', b'PK\x03\x04', b'\x80\x04', b'\x80\x02', b'(lp0\n'])
    random_bytes = st.builds(bytes.__add__, starts, st.binary(max_size=80))
    changes = st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4
    )

    def damage(whole, changes, end):
        damaged = bytearray(whole)
        for place, value in changes:
            damaged[int(place * len(damaged))] = value
        return bytes(damaged[: int(end * len(damaged))])

    damaged = st.builds(
        damage, st.sampled_from(good_files), changes, st.just(1.0) | st.floats(0, 1)
    )
    pickled = st.builds(pickle.dumps, plain_data(), protocol=st.integers(0, 5))
    return random_bytes | damaged | pickled


def read_or_refused(path, content):
    path.write_bytes(content)
    try:
        read = load_scores(path)
    except DataError as error:
        assert str(path) in str(error)
        return
    assert read.scores.ndim == 2 and read.scores.dtype == np.float32
    assert np.isfinite(read.scores).all()
    assert read.ids is None or len(read.ids) == len(read.scores)


def fuzz(workshop, cases):
    folder, good_files = workshop

    @settings(max_examples=cases, deadline=None, derandomize=cases < 1000)
    @given(any_file(good_files))
    def every_file(content):
        read_or_refused(folder / 'any', content)

    every_file()


def test_any_file_is_read_or_refused_by_a_data_error(workshop):
    fuzz(workshop, 200)


@pytest.mark.slow
def test_ten_thousand_files_are_read_or_refused_by_a_data_error(workshop):
    fuzz(workshop, 10_000)
