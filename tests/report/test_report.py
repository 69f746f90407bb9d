"""The page about a test: its figures are those of evaluation, and its texts are harmless."""

import base64
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_data import (
    NUM_CLASSES,
    data_of,
    log_rows,
    small_work_dir,
    two_streams,
    write_clips,
    write_work_dir,
)
from scipy.stats import spearmanr

from pyskl.annotations import read_annotations, write_annotations
from pyskl.errors import UserError
from pyskl.evaluation import (
    bootstrap_interval,
    confusion_matrix,
    evaluate,
    expected_calibration_error,
    group_accuracy,
    mean_class_accuracy,
    per_class_report,
)
from pyskl.report import ReportOptions, build_report, figures
from pyskl.report.curves import curves
from pyskl.report.literal import literal_config
from pyskl.report.page import SCRIPTS, render, safe_json
from pyskl.report.semantics import mantel, semantics
from pyskl.report.sources import name_apart, read_log, read_stream
from pyskl.scores import SavedFit, save_fit, soften
from pyskl.scores.blend import blend
from pyskl.scores.score_file import load_scores, save_result_pkl, save_scores

HOSTILE = (
    '<img src=x onerror="document.title=\'caught\'"></script><script>alert(1)</script>&amp;\u2028'
)


@pytest.fixture(scope='module')
def streams(tmp_path_factory):
    return two_streams(tmp_path_factory.mktemp('report'))


@pytest.fixture(scope='module')
def page(streams):
    report = build_report(streams)
    return report, data_of(report.path)


def build(inputs, folder, **options):
    """Return the report of some streams, and the data of its page."""
    report = build_report(inputs, ReportOptions(out=str(folder / 'r.html'), **options))
    return report, data_of(report.path)


@pytest.fixture(scope='module')
def truth(streams):
    annotations = read_annotations(streams[0].parent / 'test.pkl')['annotations']
    scores = [load_scores(folder / 'scores.npz').scores for folder in streams]
    return blend(scores, (0.4, 0.6)), np.array([a['label'] for a in annotations])


# -- figures


def test_the_headline_is_what_evaluation_says(page, truth):
    values = evaluate(*truth, ('top_k_accuracy', 'mean_class_accuracy', 'macro_f1'))
    for figure in page[1]['headline']:
        assert figure['value'] == pytest.approx(values[figure['key']], abs=1e-5)
        assert figure['low'] <= figure['value'] <= figure['high']


def test_intervals_are_those_of_the_metrics_themselves(truth):
    scores, labels = truth[0][:60], truth[1][:60]
    rows = {row['key']: row for row in figures.headline(scores, labels)}
    row, slow = rows['mean_class_accuracy'], bootstrap_interval(mean_class_accuracy, scores, labels)
    assert (row['low'], row['high']) == pytest.approx(slow, abs=1e-5)


def test_classes_matrix_groups_and_calibration_are_evaluations(page, truth):
    data, (scores, labels) = page[1], truth
    assert np.array_equal(
        data['confusion']['counts'], confusion_matrix(scores.argmax(1), labels, NUM_CLASSES)
    )
    report = per_class_report(scores, labels)
    for key in ('support', 'precision', 'recall', 'f1'):
        ours = np.array([row[key] for row in data['classes']], float)
        np.testing.assert_allclose(ours, getattr(report, key), atol=1e-5)
    counts = np.bincount(labels, minlength=NUM_CLASSES)
    accuracy = group_accuracy(scores, labels, counts)
    assert {f'{g["name"]}_acc': g['accuracy'] for g in data['groups']} == pytest.approx(
        accuracy, abs=1e-5
    )
    assert data['calibration']['ece'] == pytest.approx(
        expected_calibration_error(scores, labels), abs=1e-5
    )


def test_mistakes_and_typical_clips_are_those_of_the_highest_probability(page, truth):
    data, (scores, labels) = page[1], truth
    right, confidence = scores.argmax(1) == labels, scores.max(1)
    assert data['mistakes'] == sorted(np.flatnonzero(~right), key=lambda i: -confidence[i])[:20]
    for row in data['classes']:
        own = np.flatnonzero(right & (labels == row['id']))
        assert not len(own) or row['typical'] == max(own, key=lambda i: confidence[i])


def test_similar_classes_stand_together():
    matrix = np.diag([10, 10, 10, 10, 10, 0])
    matrix[0, 3], matrix[4, 1] = 8, 8
    order = figures.similar_order(matrix)
    assert sorted(order) == list(range(6)) and order[-1] == 5  # a class without clips is last
    place = {k: i for i, k in enumerate(order)}
    assert abs(place[0] - place[3]) == 1 and abs(place[4] - place[1]) == 1


def test_rank_correlation_is_scipys_and_renaming_finds_likeness():
    rng = np.random.default_rng(0)
    one = rng.random((12, 12))
    one = one + one.T
    noisy = one + 0.1 * rng.random((12, 12))
    noisy = noisy + noisy.T
    pairs = np.triu_indices(12, 1)
    rho, p = mantel(one, noisy)
    assert rho == pytest.approx(spearmanr(one[pairs], noisy[pairs]).statistic) and p == 0.001
    stranger = rng.random((12, 12))
    assert mantel(one, stranger + stranger.T)[1] > 0.05


def test_without_confusions_there_is_no_correlation():
    table = np.random.default_rng(0).normal(size=(6, 4))
    assert semantics(table, np.diag([3] * 6))['rho'] is None
    assert semantics(table[:3], np.diag([3] * 3)) is None


# -- curves


def test_curves_stand_at_their_epochs_and_compute_time_is_what_data_time_leaves():
    found = curves(log_rows()[1:])
    assert set(found) == {'loss', 'accuracy', 'lr', 'time'}
    assert [x for x, _ in found['loss']['loss_emb (training)']] == [i / 4 for i in range(1, 13)]
    assert found['accuracy']['top1_acc (validation)'] == [[1, 0.2], [2, 0.4], [3, 0.6]]
    assert found['time']['computing'][0][1] == pytest.approx(0.28) and list(found['lr']) == ['lr']


def test_long_curves_are_thinned_to_means():
    rows = [{'mode': 'train', 'epoch': 1, 'iter': i, 'loss': float(i)} for i in range(1, 2001)]
    points = curves(rows)['loss']['loss (training)']
    assert len(points) <= 600 and np.mean([y for _, y in points]) == pytest.approx(1000.5, rel=1e-2)


def test_a_log_with_half_a_line_and_a_stopped_run_is_read(tmp_path):
    rows = log_rows()
    (tmp_path / 'a.log.json').write_text('\n'.join(map(json.dumps, rows)) + '\n{"mode": "tra')
    (tmp_path / 'b.log.json').write_text(json.dumps({**rows[1], 'loss': 9.0}))
    read = read_log(tmp_path)
    assert (
        len(read) == len(rows) - 1 and next(r for r in read if r['mode'] == 'train')['loss'] == 9.0
    )


# -- the page


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_in_the_page_cannot_end_its_element_and_reads_back(value):
    text = safe_json(value)
    assert not set(text) & set('<>&\u2028\u2029') and json.loads(text) == value
    with pytest.raises(ValueError):
        safe_json([value, float('nan')])


def test_the_policy_names_the_pages_own_script_and_style_and_nothing_else(page):
    text = page[0].path.read_text(encoding='utf-8')
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    style = re.search(r'<style>(.*?)</style>', text, re.S)[1]
    script = re.search(r'<script>(.*?)</script>', text, re.S)[1]
    for name, part in (('script-src', script), ('style-src', style)):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';") and not re.search('unsafe|http', policy)


def test_no_script_of_the_page_writes_html():
    folder = Path(figures.__file__).parent
    scripts = {path.name: path.read_text(encoding='utf-8') for path in folder.glob('*.js')}
    assert set(scripts) == {*SCRIPTS, 'timeline.js'}  # the latter is the page of tools/spot.py
    writes = (
        r'innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\bfetch\('
    )
    for name, text in scripts.items():
        assert not re.search(writes, text) and len(text.splitlines()) <= 400, name


def test_a_hostile_title_is_escaped():
    text = render('page', SCRIPTS, {'title': HOSTILE})
    assert '<img' not in text and text.count('<script') == 3


# -- what is read


def test_a_config_is_read_without_being_run(tmp_path):
    (tmp_path / 'trap').mkdir()
    text = (
        "data = dict(test=dict(n=-1, x=float('inf'), t=(1, [2, {'k': None}])))\n"
        f"evil = __import__('shutil').rmtree({str(tmp_path / 'trap')!r})\nimport os\nlr = "
        'dict(**data)\n'
    )
    expected = {'n': -1, 'x': float('inf'), 't': (1, [2, {'k': None}])}
    assert literal_config(text) == {'data': {'test': expected}}
    assert (tmp_path / 'trap').is_dir() and literal_config('def (') == {}


def test_several_streams_are_named_weighed_and_matched_by_id(page, streams):
    data = page[1]
    assert [(s['name'], s['weight']) for s in data['streams']] == [('joint', 0.4), ('limb', 0.6)]
    assert data['clips']['ids'] == list(load_scores(streams[0] / 'scores.npz').ids)
    assert data['clips']['sets'] == ['ensemble', 'joint', 'limb']
    assert data['layout']['name'] == 'imigue22'
    assert [c['name'] for c in data['curves']] == ['joint', 'limb']


def test_fitted_weights_and_temperatures_are_taken_from_their_file(streams, truth, tmp_path):
    with open(tmp_path / 'weights.json', 'w') as f:
        save_fit(f, SavedFit(('a', 'b'), (0.25, 0.75), (2.0, 1.0)), {})
    _, data = build(streams, tmp_path, weights_from=str(tmp_path / 'weights.json'))
    assert [(s['weight'], s['temperature']) for s in data['streams']] == [(0.25, 2.0), (0.75, 1.0)]
    joint, limb = (load_scores(folder / 'scores.npz').scores for folder in streams)
    assert data['clips']['pred'] == (0.25 * soften(joint, 2.0) + 0.75 * limb).argmax(1).tolist()


def test_a_bare_result_pkl_is_taken_in_the_order_of_the_annotations(streams, tmp_path):
    scores = load_scores(streams[0] / 'scores.npz')
    save_result_pkl(tmp_path / 'result.pkl', scores.scores)
    ann_file = str(streams[0].parent / 'test.pkl')
    _, data = build([tmp_path / 'result.pkl'], tmp_path, ann_file=ann_file)
    assert data['clips']['ids'] == list(scores.ids) and len(data['streams']) == 1


def test_clips_without_labels_are_left_out_and_counted(streams, tmp_path):
    data = read_annotations(streams[0].parent / 'test.pkl')
    for annotation in data['annotations'][:7]:
        annotation['label'] = -1
    write_annotations(tmp_path / 'some.pkl', data['split'], data['annotations'])
    report, page = build(streams[:1], tmp_path, ann_file=str(tmp_path / 'some.pkl'))
    assert page['data']['clips'] == len(data['annotations']) - 7
    assert any('7 clips' in note for note in report.notes)


def test_without_any_label_the_page_shows_answers_alone(streams, tmp_path):
    data = read_annotations(streams[0].parent / 'test.pkl')
    for annotation in data['annotations']:
        annotation['label'] = -1
    write_annotations(tmp_path / 'none.pkl', data['split'], data['annotations'])
    _, page = build(streams, tmp_path, ann_file=str(tmp_path / 'none.pkl'))
    assert page['headline'] == [] and 'confusion' not in page
    assert sum(row['predicted'] for row in page['classes']) == 160


def test_scores_that_are_no_probabilities_are_shown_as_their_softmax(streams, tmp_path):
    scores = load_scores(streams[0] / 'scores.npz')
    save_scores(tmp_path / 'logits.npz', scores.ids, np.log(scores.scores) + 3)
    ann_file = str(streams[0].parent / 'test.pkl')
    report, data = build([tmp_path / 'logits.npz'], tmp_path, ann_file=ann_file)
    assert 'softmax' in report.notes[0] and sum(data['clips']['scores'][0][0]) <= 1.001


def test_own_labels_and_joints_are_shown(tmp_path):
    folder = small_work_dir(tmp_path, [(0, 1), (1, 2), (0, 99), (-1, 0), ('a', 'b'), 5, (0, 1, 2)])
    (tmp_path / 'names.txt').write_text(f'wave\n{HOSTILE[:-1]}\n')
    _, data = build([folder], tmp_path, labels=str(tmp_path / 'names.txt'))
    assert [row['name'] for row in data['classes']] == ['wave', HOSTILE[:-1]]
    assert not data['semantics'] and len(data['layout']['pose']) == 3
    assert data['layout']['bones'] == [[0, 1], [1, 2]]  # without those of joints that are not there


# -- what is refused


@pytest.mark.parametrize(
    'inputs, options, words',
    [
        ('folder', {}, 'holds neither'),
        ('joint joint joint', {}, '--weights'),
        ('joint limb', {'weights': [1, -1]}, '0 or more'),
        ('joint limb', {'weights': [1, 1], 'weights_from': 'w.json'}, 'one of them'),
        ('joint bare', {}, 'bare list'),
        ('joint limb', {'config': 'x.py'}, 'belong to one stream'),
        ('joint', {'cfg_options': ['a=1']}, '--config'),
        ('joint', {'labels': '{folder}/three.txt'}, '3'),
        ('joint', {'layout': 'coco17'}, '22'),
        ('joint', {'ann_file': '{folder}/missing.pkl'}, 'missing.pkl'),
        ('joint', {'ann_file': '{folder}/other.pkl'}, 'holds no clip'),
        ('lone', {}, '--ann-file'),
        ('joint', {'occlusion': True}, 'checkpoint'),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(streams, tmp_path, inputs, options, words):
    scores = load_scores(streams[0] / 'scores.npz')
    places = {'folder': tmp_path, 'joint': streams[0], 'limb': streams[1]}
    places |= {'lone': tmp_path / 'lone.npz', 'bare': tmp_path / 'bare.pkl'}
    save_scores(places['lone'], scores.ids, scores.scores)
    save_result_pkl(places['bare'], scores.scores)
    (tmp_path / 'three.txt').write_text('a\nb\nc\n')
    write_clips(tmp_path / 'other.pkl', 5, names=[f'x{i}' for i in range(5)])
    for key, value in options.items():
        if isinstance(value, str):
            options = {**options, key: value.format(**places)}
    with pytest.raises(UserError, match=words):
        build([places[name] for name in inputs.split()], tmp_path, **options)
    assert not (tmp_path / 'r.html').exists()


def test_streams_of_one_name_are_told_apart(streams, tmp_path):
    scores = load_scores(streams[0] / 'scores.npz')
    again = write_work_dir(
        tmp_path, 'joint', streams[0].parent / 'test.pkl', scores.ids, scores.scores
    )
    both = [read_stream(streams[0]), read_stream(again)]
    name_apart(both)
    assert both[0].name != both[1].name and all('joint' in stream.name for stream in both)
