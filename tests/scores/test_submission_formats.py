"""The submission formats: file names, header and columns of each challenge."""

import zipfile

import numpy as np
import pytest
from tiny import script

from pyskl.errors import ConfigError, DataError
from pyskl.scores.score_file import save_scores
from pyskl.scores.submission import FORMATS, answers_of, check_format, write_submission

IDS = ['0054_0', '0054_1', '0061_0']
SCORES = np.array([[5, 1, 0, 0, 2, 3, 0], [0, 0, 0, 4, 1, 2, 3], [1, 1, 1, 1, 1, 1, 1]], np.float32)
PARTS = [0, 0, 1, 2, 3, 4, 4]
FILES = {
    'codalab': ('Submission.csv', 'Submission.zip', '0054_0,0\n0054_1,3\n0061_0,0\n'),
    'kaggle': (
        'prediction.csv',
        'prediction.zip',
        'Id,Target\n0054_0,0\n0054_1,3\n0061_0,0\n',
    ),
    # parts of row 0: 6 + 0 + 0 + 2 + 3; of row 1: 0, 0, 4, 1, 5; of row 2: 2, 1, 1, 1, 2
    'mac': (
        'prediction.csv',
        'prediction.zip',
        'vid,action_pred_1,action_pred_2,action_pred_3,action_pred_4,action_pred_5,'
        'body_pred_1,body_pred_2,body_pred_3,body_pred_4,body_pred_5\n'
        '0054_0,0,5,4,1,2,0,4,3,1,2\n0054_1,3,6,5,4,0,4,2,3,0,1\n0061_0,0,1,2,3,4,0,4,1,2,3\n',
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_scores('scores.npz', IDS, SCORES)
    (tmp_path / 'parts.txt').write_text('\n'.join(map(str, PARTS)))
    return tmp_path


def ensemble(folder, *words):
    script('ensemble').main(['scores.npz', '--out-dir', str(folder / 'out'), *words], here=folder)


@pytest.mark.parametrize('form', FORMATS)
def test_each_form_has_the_names_the_header_and_the_rows_of_its_challenge(folder, form):
    ensemble(folder, '--format', form, *(['--coarse', 'parts.txt'] if form == 'mac' else []))
    csv, whole, text = FILES[form]
    assert {path.name for path in (folder / 'out').iterdir()} == {csv, whole}
    assert (folder / 'out' / csv).read_text() == text
    with zipfile.ZipFile(folder / 'out' / whole) as archive:
        assert archive.namelist() == [csv] and archive.read(csv).decode() == text


def test_without_a_word_it_is_the_form_without_a_header(folder):
    ensemble(folder)
    assert (folder / 'out' / 'Submission.csv').read_text() == FILES['codalab'][2]


def test_body_parts_are_ranked_by_probability_whatever_the_scores_are():
    coarse = np.array(PARTS)
    logits = np.log(SCORES + 1e-6)
    for scores in (SCORES, 6 * SCORES, SCORES / SCORES.sum(1, keepdims=True), logits):
        np.testing.assert_array_equal(answers_of(scores, coarse), answers_of(SCORES, coarse))
    # two classes of 0.3 together go before one of 0.4
    scores = np.log(np.array([[0.3, 0.3, 0.4, 1e-6, 2e-6, 3e-6]]))
    assert answers_of(scores, np.array([0, 0, 1, 2, 3, 4]))[0, 5:].tolist() == [0, 1, 4, 3, 2]


def test_body_parts_are_read_from_any_list_of_numbers(folder):
    (folder / 'parts.txt').write_text('0 0,1, 2\r\n3\r\n4\r\n4\r\n')
    np.testing.assert_array_equal(check_format('mac', 'parts.txt'), PARTS)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', "holds ''"),
        ('0 1 x', "holds 'x'"),
        ('-1 0 1', "holds '-1'"),
        ('1 2 3 4 5 5 5', '5 body parts, numbers 1 to 5'),
        ('0 1 2 3 5 5 5', 'without gaps'),
        ('0 0 0 1 1 1 1', '5 or more'),
    ],
)
def test_a_wrong_list_of_body_parts_is_named(folder, text, message):
    (folder / 'parts.txt').write_text(text)
    with pytest.raises(DataError, match=message):
        check_format('mac', 'parts.txt')


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--format', 'mac'], '--format mac: asks for body parts'),
        (['--coarse', 'parts.txt'], 'only --format mac uses it'),
        (['--format', 'mac', '--coarse', 'gone.txt'], 'gone.txt: cannot be read'),
        (['--format', 'mac', '--coarse', 'six.txt'], '6 actions, and the scores have 7 classes'),
    ],
)
def test_what_is_asked_for_by_half_is_refused_and_nothing_is_written(folder, words, message):
    (folder / 'six.txt').write_text('0 1 2 3 4 5')
    with pytest.raises((ConfigError, DataError), match=message):
        ensemble(folder, *words)
    assert not (folder / 'out').exists()


def test_answers_of_another_form_are_refused(tmp_path):
    for form, answers in (('codalab', np.zeros((3, 10), int)), ('mac', np.zeros(3, int))):
        with pytest.raises(DataError, match='3 ids and classes of shape'):
            write_submission(tmp_path / 'out', IDS, answers, form)
    assert not (tmp_path / 'out').exists()
