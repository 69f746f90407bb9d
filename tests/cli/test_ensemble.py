"""ensemble/ensemble.py: the published submission, from files anywhere; wrong input is named."""

import json
import pickle
import shlex
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from goldens import SMALL
from tiny import run
from tiny import script as load_script

from pyskl.annotations import make_annotation, write_annotations
from pyskl.errors import UserError
from pyskl.evaluation import ONE_LABEL_METRICS, evaluate
from pyskl.scores.score_file import load_scores, save_scores

SCRIPT = Path(__file__).parents[2] / 'ensemble' / 'ensemble.py'
GOLD = SMALL / 'ensemble'
CSV = (GOLD / 'Submission.csv').read_bytes()
IDS = [line.split(',')[0] for line in CSV.decode().splitlines()]
PUBLISHED = json.loads((GOLD / 'ensemble.json').read_text())
RESULTS = {stream: GOLD / f'result_{stream}.pkl' for stream in ('joint', 'limb')}
WORK_DIRS = Path('work_dirs/posec3d/slowonly_r50_imigue_2dkp_emb20')


script = load_script('ensemble')


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project with an empty ensemble folder; the current folder is elsewhere."""
    for name in ('project/ensemble', 'elsewhere'):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / 'elsewhere')
    return tmp_path / 'project' / 'ensemble'


def published_layout(here, ids=IDS):
    for stream, result in RESULTS.items():
        folder = here / f'posec3d_emb20_{stream}'
        folder.mkdir()
        shutil.copy(result, folder / 'result.pkl')
    (here / 'test_id.txt').write_text('\n'.join(ids))


def work_dirs(here, order=None):
    """Both work dirs with scores.npz; the limb stream's rows in another order."""
    for stream, result in RESULTS.items():
        rows = order if stream == 'limb' and order is not None else np.arange(len(IDS))
        save_scores(
            here.parent / WORK_DIRS / stream / 'scores.npz',
            [IDS[i] for i in rows],
            load_scores(result).scores[rows],
        )


def files(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob('*') if path.is_file()
    }


def refused(here, argv, message):
    """The script refuses, naming what is wrong, and touches nothing."""
    before = files(here.parent)
    with pytest.raises(UserError, match=message):
        script.main([str(a) for a in argv], here=here)
    assert files(here.parent) == before


def answer(here):
    with zipfile.ZipFile(here / 'Submission.zip') as archive:
        assert archive.namelist() == ['Submission.csv']
        assert archive.read('Submission.csv') == (here / 'Submission.csv').read_bytes()
    return (here / 'Submission.csv').read_bytes()


# -- Right input


def test_the_published_layout_gives_the_published_answer(here, capsys):
    published_layout(here)
    script.main([], here=here)
    assert answer(here) == CSV
    assert len(answer(here)) == PUBLISHED['golden']['csv_bytes']
    first, second, warning, last = capsys.readouterr().out.splitlines()
    for line, weight, stream in ((first, 0.4, 'joint'), (second, 0.6, 'limb')):
        file = here / f'posec3d_emb20_{stream}' / 'result.pkl'
        assert line == f'weight {weight}  {file} (matched by position)'
    assert last == f'wrote {here / "Submission.zip"} (60 rows)'
    assert warning.startswith('warning:')  # random scores: the streams have nothing in common


def test_without_published_folders_the_work_dirs_give_the_same_answer_aligned_by_id(here, capsys):
    work_dirs(here, order=np.random.default_rng(0).permutation(60))
    script.main([], here=here)
    assert answer(here) == CSV
    assert 'joint/scores.npz (matched by id)' in capsys.readouterr().out


def test_published_folders_go_before_work_dirs(here, capsys):
    work_dirs(here)
    published_layout(here)
    script.main([], here=here)
    assert 'posec3d_emb20_joint' in capsys.readouterr().out


def test_the_id_list_beside_the_script_sets_the_order_of_the_answers(here):
    work_dirs(here)
    (here / 'test_id.txt').write_text('\n'.join(IDS[::-1]))
    script.main([], here=here)
    assert answer(here).splitlines() == CSV.splitlines()[::-1]


def test_bare_lists_in_work_dirs_need_an_id_list(here):
    for stream, result in RESULTS.items():
        (here.parent / WORK_DIRS / stream).mkdir(parents=True)
        shutil.copy(result, here.parent / WORK_DIRS / stream / 'result.pkl')
    refused(here, [], 'joint/result.pkl: a bare list.*--ids FILE')
    (here / 'test_id.txt').write_text('\n'.join(IDS))
    script.main([], here=here)
    assert answer(here) == CSV


def test_named_files_are_found_in_the_current_folder_then_beside_the_script(here, tmp_path):
    published_layout(here)
    shutil.copy(RESULTS['limb'], tmp_path / 'elsewhere' / 'limb.pkl')
    words = shlex.split('posec3d_emb20_joint/result.pkl limb.pkl --ids test_id.txt --out-dir out')
    script.main(words, here=here)
    assert answer(tmp_path / 'elsewhere' / 'out') == CSV
    assert not (here / 'Submission.csv').exists()


def test_a_bare_list_takes_the_order_of_named_scores_when_told(here):
    work_dirs(here)
    named = here.parent / WORK_DIRS / 'joint' / 'scores.npz'
    refused(here, [named, RESULTS['limb']], 'result_limb.pkl: a bare list.*--by-position')
    script.main([str(named), str(RESULTS['limb']), '--by-position'], here=here)
    assert answer(here) == CSV


def test_many_repeated_ids_are_counted_after_the_first_three(here, capsys):
    published_layout(here, ids=IDS[:30] * 2)
    script.main([], here=here)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith('id 0054_2 appears twice, rows 2 and 32; and 27 more such ids)')


def test_any_number_of_streams_is_blended_with_its_weights(here, capsys):
    rng = np.random.default_rng(0)
    streams = [rng.random((5, 4), dtype=np.float32) for _ in range(3)]
    for n, scores in enumerate(streams):
        save_scores(here / f'{n}.npz', IDS[:5], scores)
    words = shlex.split('0.npz 1.npz 2.npz --weights 0.5 -1 2 --save-scores mix.npz')
    script.main(words, here=here)
    mix = load_scores('mix.npz')
    expected = 0.5 * streams[0] - streams[1] + 2 * streams[2]
    np.testing.assert_allclose(mix.scores, expected, rtol=1e-6)
    assert mix.ids == tuple(IDS[:5])
    said = capsys.readouterr().out.splitlines()[:3]
    assert [line.split()[1] for line in said] == ['0.5', '-1', '2']


def annotations(path, labels, split='test'):
    clips = [
        make_annotation(name, np.ones((1, 2, 22, 2)), label=label, img_shape=(9, 9))
        for name, label in labels.items()
    ]
    write_annotations(path, {split: list(labels)}, clips)


def test_with_labels_every_stream_and_the_blend_are_measured(here, capsys):
    work_dirs(here)
    labels = {name: int(n % 32) for n, name in enumerate(IDS)} | {'unused': 3, IDS[7]: None}
    annotations(here / 'labels.pkl', dict(reversed(labels.items())))
    script.main(['--labels', 'labels.pkl'], here=here)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[3:6]]
    truth = np.array([-1 if labels[name] is None else labels[name] for name in IDS])
    joint, limb = (load_scores(path).scores for path in RESULTS.values())
    for row, scores in zip(rows, (joint, limb, 0.4 * joint + 0.6 * limb)):
        assert [float(cell) for cell in row[1:]] == pytest.approx(
            list(evaluate(scores, truth, ONE_LABEL_METRICS).values()), abs=6e-5
        )
    assert rows[2][0] == 'blend'


def test_unknown_labels_are_counted_or_refused(here, capsys):
    work_dirs(here)
    annotations(here / 'some.pkl', {name: 1 if n else None for n, name in enumerate(IDS)})
    script.main(['--labels', 'some.pkl'], here=here)
    assert '(1 of 60 clips have no label and do not count)' in capsys.readouterr().out
    annotations(here / 'none.pkl', dict.fromkeys(IDS))
    refused(here, ['--labels', 'none.pkl'], 'none.pkl: none of the 60 clips has a label')


# -- Wrong input: what the published script does with it stands in ensemble.json


def cut(path, rows):
    path.write_bytes(pickle.dumps(list(load_scores(path).scores[:rows])))


def test_fewer_scores_than_ids_are_refused_where_the_published_script_leaves_half_a_csv(here):
    assert PUBLISHED['fewer_scores_than_ids']['zip'] is None
    published_layout(here)
    for stream in ('joint', 'limb'):
        cut(here / f'posec3d_emb20_{stream}' / 'result.pkl', 50)
    refused(here, [], r'joint/result.pkl: 50 rows for the 60 ids of .*test_id.txt')


def test_a_folder_without_scores_and_no_folders_at_all_are_named(here):
    refused(here, [], r'joint: holds neither scores.npz nor result.pkl. Test both streams first')
    published_layout(here)
    shutil.rmtree(here / 'posec3d_emb20_limb')
    refused(here, [], 'posec3d_emb20_limb: holds neither result.pkl nor scores.npz')


def test_a_broken_file_leaves_the_earlier_answer_as_it_was(here):
    published_layout(here)
    script.main([], here=here)
    (here / 'posec3d_emb20_limb' / 'result.pkl').write_bytes(RESULTS['limb'].read_bytes()[:500])
    refused(here, [], 'limb/result.pkl: cannot be read')
    assert answer(here) == CSV


# -- As users call it


def test_a_copy_of_the_script_blends_what_lies_beside_it_from_any_folder(here, tmp_path):
    published_layout(here)
    shutil.copy(SCRIPT, here)
    done = run(here / 'ensemble.py', cwd=tmp_path / 'elsewhere')  # an absolute path
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.endswith(f'wrote {here / "Submission.zip"} (60 rows)\n')
    assert answer(here) == CSV
    assert list((tmp_path / 'elsewhere').iterdir()) == []


# -- Lists and files as people have them


def test_the_ids_may_be_those_of_an_annotation_file_and_a_part_may_be_named(here):
    joint, limb = (load_scores(path).scores for path in RESULTS.values())
    (here / 'both.pkl').write_bytes(
        pickle.dumps([{'rgb': a, 'pose': b} for a, b in zip(joint, limb)])
    )
    annotations(here / 'ann.pkl', dict.fromkeys(IDS, 1))
    script.main(shlex.split('both.pkl:rgb both.pkl:pose --ids ann.pkl:test'), here=here)
    assert answer(here) == CSV


def test_no_refusal_is_long_whatever_the_files_hold(here):
    """A file of ids, weights or scores on an endless line is not repeated in the message."""
    work_dirs(here)
    long = '"' + 'x' * 40_000
    texts = {
        'ids.txt': long,
        'ids.json': f'[{long}"]',
        'w.json': f'{{"streams": [{long}"], "weights": [1], "temperatures": [1]}}',
        'v.json': '{"streams": ["a"], "weights": [' + '1' * 4000 + '], "temperatures": [-1]}',
    }
    for name, text in texts.items():
        (here / name).write_text(text)
        with pytest.raises(UserError) as error:
            script.main(['--ids' if name.startswith('ids') else '--weights-from', name], here=here)
        assert len(str(error.value)) < 700
