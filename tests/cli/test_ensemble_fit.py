"""ensemble/ensemble.py --fit-on: weights fitted to validation scores, saved and used again."""

import json
import shlex

import numpy as np
import pytest
from test_ensemble import annotations, answer, files, script
from tiny import run

from pyskl.errors import UserError
from pyskl.scores import soften
from pyskl.scores.score_file import load_scores, save_result_pkl, save_scores

NUM_CLASSES = 4
STREAMS = ('joint', 'limb', 'motion')
SCORES = [f'{stream}/scores.npz' for stream in STREAMS]
VAL = shlex.split('--fit-on val --ann-file val.pkl')
FIT = [*SCORES, *VAL, '--out-dir', 'out']


def scores_of(labels, skill, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(len(labels), NUM_CLASSES))
    logits[np.arange(len(labels)), labels] += skill
    return soften(logits)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Scores of three streams on 60 validation and 30 test clips, in the current folder."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    val, test = (
        {f'{name}_{n}': int(label) for n, label in enumerate(rng.integers(NUM_CLASSES, size=size))}
        for name, size in (('0001', 60), ('0054', 30))
    )
    for s, (stream, skill) in enumerate(zip(STREAMS, (1.5, 1.0, 0.2))):
        save_scores(f'{stream}/scores.npz', list(test), scores_of(list(test.values()), skill, s))
        rows = rng.permutation(60)
        save_scores(
            f'{stream}/val_scores.npz',
            [list(val)[n] for n in rows],
            scores_of(list(val.values()), skill, 10 + s)[rows],
        )
    annotations('val.pkl', val, 'val')
    annotations('test.pkl', test, 'test')
    annotations('mixed.pkl', val | {'0054_3': test['0054_3']}, 'val')
    annotations('none.pkl', dict.fromkeys(val), 'val')
    return tmp_path


def main(*argv, here='.'):
    script.main([str(word) for word in argv], here=script.Path(here).resolve())


def out():
    return answer(script.Path('out'))


def saved_weights():
    return json.loads(script.Path('out/weights.json').read_text())


def lines_with(start, capsys):
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith(start)]


def test_weights_are_chosen_on_val_applied_to_test_and_saved(world, capsys):
    main(*FIT, '--labels', 'test.pkl')
    text, saved = capsys.readouterr().out, saved_weights()
    streams = [load_scores(f'{name}/scores.npz') for name in STREAMS]
    blended = sum(
        w * soften(s.scores, t) for w, t, s in zip(saved['weights'], saved['temperatures'], streams)
    )
    assert out().decode() == ''.join(
        f'{name},{k}\n' for name, k in zip(streams[0].ids, blended.argmax(1))
    )
    assert saved['streams'] == [f'{name}/scores.npz' for name in STREAMS]
    made = saved['made']
    assert (made['fit_on'], made['clips'], made['objective']) == ('val', 60, 'top1')
    assert made['held_out']['folds'] == 5
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[2:7]] == [*STREAMS, 'equal', 'fitted']
    assert 'equal weights ' in lines[-4]


def test_the_printed_command_and_the_saved_weights_give_the_same_bytes(world, capsys):
    main(*FIT, '--objective', 'log_loss')
    (line,) = lines_with('to repeat: ', capsys)
    first = out(), (world / 'out' / 'Submission.zip').read_bytes()
    words = shlex.split(line.removeprefix('to repeat: '))
    assert words[:2] == ['python', 'ensemble/ensemble.py']
    saved = shlex.split('--weights-from out/weights.json --out-dir out')
    for again in (words[2:], [*SCORES, *saved], [*SCORES[::-1], *saved]):
        (world / 'out' / 'Submission.csv').unlink()
        main(*again)
        assert (out(), (world / 'out' / 'Submission.zip').read_bytes()) == first


def test_fitting_twice_gives_the_same_bytes(world):
    main(*FIT)
    first = files(world / 'out')
    main(*FIT)
    assert files(world / 'out') == first


def test_fit_scores_may_be_named_and_may_be_bare_lists_in_the_order_of_the_split(world):
    main(*FIT)
    beside = saved_weights()['made']
    ids = [f'0001_{n}' for n in range(60)]
    for stream in STREAMS:
        scores = load_scores(f'{stream}/val_scores.npz')
        rows = [scores.ids.index(name) for name in ids]
        save_result_pkl(f'{stream}/bare.pkl', scores.scores[rows])
        (world / stream / 'val_scores.npz').rename(world / stream / 'elsewhere.npz')
    main(*FIT, '--fit-scores', *(f'{stream}/elsewhere.npz' for stream in STREAMS))
    named = saved_weights()['made']
    assert named['fitted_weights'] == beside['fitted_weights']
    main(*FIT, '--by-position', '--fit-scores', *(f'{stream}/bare.pkl' for stream in STREAMS))
    assert saved_weights()['made']['fitted_temperatures'] == named['fitted_temperatures']


def test_without_temperature_the_streams_keep_their_sharpness(world):
    main(*FIT, '--no-temperature')
    assert saved_weights()['temperatures'] == [1, 1, 1]


def test_clips_without_labels_do_not_count(world, capsys):
    labels = {f'0001_{n}': (n % NUM_CLASSES if n < 20 else None) for n in range(60)}
    annotations('some.pkl', labels, 'val')
    main(*FIT, '--ann-file', 'some.pkl')
    assert 'on 20 clips of val' in capsys.readouterr().out


def test_temperatures_may_be_given_by_hand(world, capsys):
    main(*SCORES[:2], *shlex.split('--weights 0.4 0.6 --temperatures 2 0.5 --out-dir out'))
    joint, limb = (load_scores(f'{name}/scores.npz') for name in STREAMS[:2])
    blended = 0.4 * soften(joint.scores, 2) + 0.6 * soften(limb.scores, 0.5)
    assert answers() == blended.argmax(1).tolist()
    assert 'weight 0.4  temperature 2  joint/scores.npz' in capsys.readouterr().out


THREE, TWO, ON_VAL = ' '.join(SCORES), ' '.join(SCORES[:2]), ' '.join(VAL)
LOGITS = ' '.join(f'{stream}/logits.npz' for stream in STREAMS)
REFUSALS = {
    'no labels named': (f'{THREE} --fit-on val', '--ann-file'),
    'the test split': (f'{THREE} --fit-on test --ann-file test.pkl', '--fit-on test'),
    'clips that were trained on': (f'{THREE} --fit-on train --ann-file val.pkl', '--fit-on train'),
    'an unknown split': (
        f'{THREE} --fit-on vla --ann-file val.pkl --fit-scores {THREE}',
        "no split 'vla'",
    ),
    'one stream': (f'{SCORES[0]} {ON_VAL}', 'single stream'),
    'no val scores beside': (
        f'{THREE} --fit-on dev --ann-file val.pkl',
        'joint/dev_scores.npz, .*: no such file.*--split dev',
    ),
    'too few val scores': (
        f'{THREE} {ON_VAL} --fit-scores joint/val_scores.npz',
        '1 file for 3 streams',
    ),
    'the same files': (
        f'{THREE} {ON_VAL} --fit-scores {THREE}',
        'joint/scores.npz: is used for the fit and reported, too',
    ),
    'labels of reported clips': (
        f'{THREE} --fit-on val --ann-file mixed.pkl',
        r'mixed.pkl: split val: lists 1 clip \(0054_3\)',
    ),
    'clips that have no label': (
        f'{THREE} --fit-on val --ann-file none.pkl',
        'none.pkl: split val: none of the 60 clips',
    ),
    'logits beside probabilities': (f'{THREE} {ON_VAL} --fit-scores {LOGITS}', 'holds logits'),
    'bare lists': (
        f'{THREE} {ON_VAL} --fit-scores bare.pkl bare.pkl bare.pkl',
        'bare.pkl: a bare list .* --by-position',
    ),
    'too many folds': (f'{THREE} {ON_VAL} --folds 61', '61 folds for 60 labelled clips'),
    'weights, too': (f'{THREE} {ON_VAL} --weights 1 1 1', '--weights and --fit-on'),
    'temperatures, too': (f'{THREE} {ON_VAL} --temperatures 1 1 1', '--temperatures: --fit-on'),
    'fit options alone': (f'{TWO} --objective top1', '--objective: only --fit-on'),
    'a fold count alone': (f'{TWO} --folds 0', '--folds: only --fit-on'),
    'a temperature of 0': (f'{TWO} --temperatures 0 1', 'expected 2 numbers above 0'),
    'one temperature': (f'{TWO} --temperatures 1', 'expected 2 numbers above 0'),
}


@pytest.mark.parametrize('what', REFUSALS)
def test_what_would_deceive_is_refused_and_nothing_is_written(world, what):
    line, says = REFUSALS[what]
    save_result_pkl('bare.pkl', load_scores('joint/val_scores.npz').scores)
    for stream in STREAMS:
        val = load_scores(f'{stream}/val_scores.npz')
        save_scores(f'{stream}/logits.npz', val.ids, 5 * val.scores - 2)
    before = files(world)
    with pytest.raises(UserError, match=says):
        main(*line.split(), '--out-dir', 'out')
    assert files(world) == before


def test_a_submission_that_cannot_be_written_leaves_no_weights(world):
    (world / 'out' / 'Submission.zip').mkdir(parents=True)
    with pytest.raises(UserError, match='Submission.zip'):
        main(*FIT)
    assert sorted(path.name for path in (world / 'out').iterdir()) == ['Submission.zip']


def test_as_a_user_types_it(world):
    done = run('ensemble/ensemble.py', *FIT)
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.splitlines()[-2:] == [
        'wrote out/weights.json',
        'wrote out/Submission.zip (30 rows)',
    ]


# -- What is used of a fit


def two_streams(skills, size=200):
    """val and test scores of streams in folders a, b; their labels in both.pkl."""
    rng = np.random.default_rng(3)
    for split, number in (('val', '0001'), ('test', '0054')):
        labels = rng.integers(NUM_CLASSES, size=size)
        names = [f'{number}_{n}' for n in range(size)]
        for s, (stream, skill) in enumerate(zip('ab', skills)):
            file = 'scores.npz' if split == 'test' else 'val_scores.npz'
            save_scores(
                f'{stream}/{file}', names, scores_of(labels, skill, 20 + s + 2 * (split == 'val'))
            )
        annotations(f'{split}.pkl', dict(zip(names, labels.tolist())), split)
    return ['a/scores.npz', 'b/scores.npz', *VAL, '--out-dir', 'out']


def equal_answers():
    streams = [soften(load_scores(f'{name}/scores.npz').scores) for name in 'ab']
    return np.mean(streams, axis=0).argmax(1).tolist()


def answers():
    return [int(line.split(b',')[1]) for line in out().splitlines()]


def test_equal_weights_are_kept_where_the_gain_may_be_chance(world, capsys):
    main(*two_streams((1.5, 1.5)))
    saved = saved_weights()
    made, fitted = saved['made'], saved['made']['fitted_weights']
    assert (saved['weights'], saved['temperatures'], made['used']) == ([0.5] * 2, [1, 1], 'equal')
    assert made['held_out']['gain_over_equal']['low'] <= 0
    assert sum(fitted) == pytest.approx(1) and fitted != [0.5, 0.5]
    assert answers() == equal_answers()
    (line,) = lines_with('equal weights are kept', capsys)
    assert line.split('nevertheless: ')[1].split()[:3] == ['--weights', *map(str, fitted)]


def test_fitted_weights_are_used_where_their_gain_is_shown_on_clips_they_were_not_fitted_on(
    world, capsys
):
    main(*two_streams((2.5, 0.0)))
    saved = saved_weights()
    made = saved['made']
    assert made['used'] == 'fitted' and saved['weights'] == made['fitted_weights'] != [0.5, 0.5]
    assert made['held_out']['gain_over_equal']['low'] > 0
    assert 'equal weights are kept' not in capsys.readouterr().out


def test_two_runs_of_one_stream_are_fitted_and_a_stream_of_shifted_classes_is_said(world, capsys):
    argv = two_streams((4.0, 4.0))
    main(*argv)
    assert 'warning' not in capsys.readouterr().out
    for file in ('scores.npz', 'val_scores.npz'):
        shifted = load_scores(f'b/{file}')
        save_scores(f'b/{file}', shifted.ids, np.roll(shifted.scores, 1, axis=1))
    main(*argv)
    said = lines_with('warning', capsys)
    assert 'b/val_scores.npz is right on' in said[0]
    assert 'b/scores.npz and a/scores.npz' in said[1]
    assert all('np.roll(scores, -1, axis=1)' in line for line in said)


def test_logits_beside_probabilities_are_said_unless_temperatures_make_them_alike(world, capsys):
    argv = two_streams((1.5, 1.5))[:2]
    logits = load_scores('b/scores.npz')
    save_scores('b/scores.npz', logits.ids, np.log(logits.scores))
    main(*argv, '--out-dir', 'out')
    assert 'b/scores.npz holds logits' in capsys.readouterr().out
    main(*argv, '--out-dir', 'out', '--temperatures', '1', '1')
    assert 'warning' not in capsys.readouterr().out
