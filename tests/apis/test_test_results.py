"""What tools/test.py writes, leaves alone, and refuses before the test instead of after it."""

import csv
import json

import numpy as np
import pytest
from tiny import problem, script

from pyskl.annotations import About, read_annotations, write_annotations
from pyskl.apis import TestOptions, TrainOptions, test, train
from pyskl.errors import ConfigError, DataError
from pyskl.evaluation import per_class_report
from pyskl.files import load_npz, load_pickle
from pyskl.models.recognizers import Recognizer3D
from pyskl.scores.score_file import load_scores


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    path = problem(tmp_path_factory.mktemp('trained'), extra='total_epochs = 1\n')
    train(path, TrainOptions(validate=False))
    return path


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'eval': ['top_k_accuracy', 'macro_f2']}, 'macro_f2.*Did you mean macro_f1'),
        ({'out': 'scores.json'}, r'--out scores\.json.*ends in \.pkl'),
        ({'format': 'mac'}, '--coarse FILE'),
        ({'coarse': 'parts.txt'}, 'only --format mac'),
        ({'format': 'kaggle', 'split': 'val'}, 'only beside result.pkl'),
        ({'format': 'kaggle', 'out': 'r.pkl'}, 'only beside result.pkl'),
    ],
)
def test_what_would_lose_the_test_is_said_before_it(config, monkeypatch, options, said):
    monkeypatch.setattr(Recognizer3D, 'predict', None)
    with pytest.raises(ConfigError, match=said):
        test(config, TestOptions(**options))


def test_features_are_neither_judged_nor_submitted_nor_written_over_scores(
    config, tmp_path, capsys
):
    assert script('test').main([str(config), '--tmpdir', 'old']) == 0
    kinds = ('.npz', '.zip', '.csv', '.pkl')
    files = [file for file in (config.parent / 'run').iterdir() if file.suffix in kinds]
    scores = {file: file.read_bytes() for file in files}
    assert len(scores) == 5
    result = test(config, cfg_options=['model.test_cfg.feat_ext=True'])
    assert result.scores.shape == (13, 64) and result.metrics == {}
    assert [file.name for file in result.files] == ['features.pkl', 'features.npz']
    assert 'no metrics: these are features' in capsys.readouterr().out
    assert {file: file.read_bytes() for file in scores} == scores
    named = load_npz(result.files[1])
    assert named['ids'][0] == 'test_0'
    np.testing.assert_array_equal(named['features'], load_pickle(result.files[0]))
    with pytest.raises(ConfigError, match='features are not class scores'):
        train(config, TrainOptions(work_dir=str(tmp_path)), ['model.test_cfg.feat_ext=True'])


def test_results_of_an_earlier_test_beside_new_ones_are_named(config, tmp_path, capsys):
    out = tmp_path / 'result.pkl'
    test(config, TestOptions(out=str(out)))
    assert 'left over from an earlier test' not in capsys.readouterr().out
    test(config, TestOptions(out=str(out), average_clips='none'))
    said = capsys.readouterr().out
    old = 'scores.npz, metrics.json, per_class.csv, Submission.csv, Submission.zip'
    assert f'warning: {old} beside {out} are left over from an earlier test' in said
    assert load_scores(tmp_path / 'scores.npz').scores.shape == (13, 3)


def table(path):
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def test_metrics_and_a_table_of_the_classes_are_written_beside_the_scores(config, tmp_path):
    data, names = read_annotations(config.parent / 'test.pkl'), ['wave, round', 'up', 'sideways']
    for annotation in data['annotations']:
        annotation['label'] = min(annotation['label'], 1)  # class 2 has no clip
    write_annotations(tmp_path / 'a.pkl', data['split'], data['annotations'], about=About(names))
    changes = [f'data.test.ann_file={tmp_path}/a.pkl']
    result = test(config, TestOptions(out=str(tmp_path / 'result.pkl')), changes)
    content = json.loads((tmp_path / 'metrics.json').read_text())
    about = {'checkpoint': 'epoch_1.pth', 'split': 'test', 'clips': 13}
    assert content == {**about, 'metrics': pytest.approx(result.metrics)}
    rows = table(tmp_path / 'per_class.csv')
    report = per_class_report(result.scores, np.minimum(np.arange(13) % 3, 1))
    assert [(row['class'], row['name']) for row in rows] == list(zip('012', names))
    assert [int(row['clips']) for row in rows] == report.support.tolist() == [5, 8, 0]
    assert rows[2]['recall'] == ''  # nothing to recall, not 0
    for row, value in zip(rows[:2], report.recall):
        assert float(row['recall']) == value


def test_another_split_has_files_of_its_own_and_names_may_be_unknown(config, tmp_path):
    test(config, TestOptions(out=str(tmp_path / 'val.pkl'), split='val'))
    files = 'val.pkl val_metrics.json val_per_class.csv val_scores.npz'
    assert sorted(path.name for path in tmp_path.iterdir()) == files.split()
    assert json.loads((tmp_path / 'val_metrics.json').read_text())['split'] == 'val'
    assert [row['name'] for row in table(tmp_path / 'val_per_class.csv')] == ['', '', '']


def test_the_submission_has_the_form_that_is_asked_for_and_the_checkpoint_may_be_the_second_word(
    config, tmp_path
):
    checkpoint = str(config.parent / 'run' / 'epoch_1.pth')
    words = f'{config} {checkpoint} --work-dir {tmp_path} --format kaggle'
    assert script('test').main(words.split()) == 0
    found = load_scores(tmp_path / 'scores.npz')
    rows = [f'{name},{k}' for name, k in zip(found.ids, found.scores.argmax(1))]
    assert (tmp_path / 'prediction.csv').read_text().splitlines() == ['Id,Target', *rows]
    assert (tmp_path / 'prediction.zip').exists() and not (tmp_path / 'Submission.csv').exists()
    with pytest.raises(ConfigError, match='two checkpoints'):
        script('test').main([str(config), checkpoint, '-C', checkpoint])


def test_body_parts_that_do_not_fit_the_classes_are_said_before_the_test(
    config, monkeypatch, tmp_path
):
    monkeypatch.setattr(Recognizer3D, 'predict', None)
    (tmp_path / 'parts.txt').write_text('0 1 2 3 4')
    with pytest.raises(DataError, match='5 actions, and the scores have 3 classes'):
        test(config, TestOptions(format='mac', coarse=str(tmp_path / 'parts.txt')))
