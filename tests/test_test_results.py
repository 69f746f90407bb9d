"""What tools/test.py writes and what it leaves alone; what it refuses before the test, since afterwards the test would be lost."""
import numpy as np
import pytest
from tiny import problem, script

from pyskl.apis import TestOptions, TrainOptions, test, train
from pyskl.errors import ConfigError
from pyskl.files import load_npz, load_pickle
from pyskl.models.recognizers import Recognizer3D
from pyskl.scores.score_file import load_scores


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    path = problem(tmp_path_factory.mktemp('trained'), extra='total_epochs = 1\n')
    train(path, TrainOptions(validate=False))
    return path


@pytest.mark.parametrize(('options', 'said'), [
    ({'eval': ['top_k_accuracy', 'macro_f2']}, "metric 'macro_f2' is unknown. Did you mean macro_f1"),
    ({'out': 'scores.json'}, r'--out scores\.json(.|\n)*ends in \.pkl')])
def test_what_would_lose_the_test_is_said_before_it(config, monkeypatch, options, said):
    monkeypatch.setattr(Recognizer3D, 'predict', None)
    with pytest.raises(ConfigError, match=said):
        test(config, TestOptions(**options))


def test_features_are_neither_judged_nor_submitted_nor_written_over_scores(config, tmp_path, capsys):
    work_dir = config.parent / 'run'
    assert script('test').main([str(config), '--tmpdir', 'old']) == 0
    scores = {file: file.read_bytes() for file in work_dir.glob('*') if file.suffix in ('.npz', '.zip', '.csv', '.pkl')}
    assert len(scores) == 5
    result = test(config, cfg_options=['model.test_cfg.feat_ext=True'])
    assert result.scores.shape == (13, 64) and result.metrics == {}
    assert [file.name for file in result.files] == ['features.pkl', 'features.npz']
    assert 'no metrics: these are features' in capsys.readouterr().out
    assert {file: file.read_bytes() for file in scores} == scores
    named = load_npz(result.files[1])
    assert named['ids'][0] == 'test_0' and np.array_equal(named['features'], np.stack(load_pickle(result.files[0])))
    with pytest.raises(ConfigError, match='features are no class scores'):
        train(config, TrainOptions(work_dir=str(tmp_path)), ['model.test_cfg.feat_ext=True'])


def test_results_of_an_earlier_test_beside_new_ones_are_named(config, tmp_path, capsys):
    out = tmp_path / 'result.pkl'
    test(config, TestOptions(out=str(out)))
    assert 'warning' not in capsys.readouterr().out
    test(config, TestOptions(out=str(out), average_clips='none'))
    said = capsys.readouterr().out
    assert f'warning: scores.npz, metrics.json, per_class.csv, Submission.csv, Submission.zip beside {out} come from an earlier test' in said
    assert load_scores(tmp_path / 'scores.npz').scores.shape == (13, 3)
