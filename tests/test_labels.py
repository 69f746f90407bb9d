"""Names of classes: which source counts first, and that all tools ask one place."""

import numpy as np
import pytest
from report_data import data_of, made_up_scores, write_clips, write_work_dir
from tiny import ROOT, problem, script, write_config

from pyskl.annotations import About, make_annotation, open_annotations, write_annotations
from pyskl.apis.names import layout_names_of
from pyskl.apis.setup import read_run
from pyskl.datasets import build_dataset
from pyskl.datasets.label_embeddings import default_table_note
from pyskl.engine.checkpoint import write_checkpoint
from pyskl.errors import ConfigError, DataError
from pyskl.labels import (
    IMIGUE_LABELS,
    KNOWN_LABELS,
    NTU60_LABELS,
    NTU120_LABELS,
    class_names,
    known_names,
    names_of,
)
from pyskl.recipe import dump_config, load_config
from pyskl.recipe.layouts import layout_names
from pyskl.report import ReportOptions, build_report

AB, CD = ['a', 'b'], ('c', 'd')
OWN = [f'own {k}' for k in range(32)]


def test_the_first_who_says_names_is_believed():
    nobody = ('config', None)
    assert class_names(2, nobody, ('data', AB), ('checkpoint', CD)) == AB
    assert class_names(2, nobody, nobody, ('checkpoint', CD)) == ['c', 'd']
    assert class_names(60, ('config', 'ntu60'), ('data', AB)) == list(NTU60_LABELS)
    assert class_names(3, nobody, nobody) == ['class 0', 'class 1', 'class 2']
    assert known_names(3, nobody) is None and known_names(None, ('data', AB)) == AB


@pytest.mark.parametrize(
    'num_classes, layouts, imigues',
    [
        (32, ['imigue22', 'imigue22'], True),
        (32, [], False),
        (32, ['imigue22', 'coco17'], False),
        (33, ['imigue22'], False),
    ],
)
def test_imigues_names_are_for_its_layout_and_its_number_of_classes(num_classes, layouts, imigues):
    names = class_names(num_classes, ('data', None), layouts=layouts)
    assert names == (list(IMIGUE_LABELS) if imigues else [f'class {k}' for k in range(num_classes)])
    # Not even then where somebody says others.
    assert class_names(32, ('data', OWN), layouts=['imigue22']) == OWN


@pytest.mark.parametrize('names', [['a'], ['a', 'b', 'c'], 'imigue', 'ntu120'])
def test_another_number_of_names_than_of_classes_is_told_with_both(names):
    with pytest.raises(DataError, match=rf'mine.pkl: {len(names_of(names, ""))} .*2 classes'):
        class_names(2, ('mine.pkl', names), ('checkpoint', AB))


def test_names_are_a_list_a_file_or_known(tmp_path):
    (tmp_path / 'names.txt').write_text('wave\n  shake  hands \n', encoding='utf-8')
    for value in (str(tmp_path / 'names.txt'), tmp_path / 'names.txt', ('wave', 'shake  hands')):
        assert [' '.join(name.split()) for name in names_of(value, 'x')] == ['wave', 'shake hands']
    assert {name: len(names_of(name, 'x')) for name in KNOWN_LABELS} == dict(
        imigue=32, ntu60=60, ntu120=120, gestures=40
    )
    assert names_of('ntu120', 'x') == list(NTU120_LABELS)


@pytest.mark.parametrize(
    'value, facts',
    [
        ('none.txt', 'here: none.txt'),
        ('ntu6', 'Did you mean ntu60'),
        ('/dev/zero', 'regular file'),
        (str(ROOT / 'tests'), 'folder'),
        *((value, 'list of texts') for value in ([], [1, 2], ['a', ' '], b'ab', 7)),
    ],
)
def test_what_are_no_names_is_told(value, facts):
    with pytest.raises(DataError, match=facts):
        names_of(value, 'here')


def test_layouts_are_found_wherever_a_config_speaks_of_them():
    named = dict(name='imigue22', first_hand='left')
    arm = dict(name='imigue22', joints=['a', 'b'], bones=[(1, 0)], mirror=[], centre='a')
    pipeline = [dict(layout='coco17'), dict(dataset='nturgb+d'), dict(layout=None)]
    config = dict(
        model=dict(backbone=dict(graph_cfg=dict(layout=named))),
        train=dict(type='RepeatDataset', dataset=dict(pipeline=pipeline)),
        own=dict(layout=arm),
    )
    assert list(layout_names(config)) == ['imigue22', 'coco17', 'nturgb+d', 'own']
    assert not list(layout_names(None))


@pytest.mark.parametrize(
    'name',
    ['demo/gcn', 'posec3d/slowonly_r50_imigue22/limb_motion', 'protogcn/imigue22', 'sgn/imigue22'],
)
def test_configs_of_imigue_speak_of_its_layout_as_they_are_and_written_out(name, tmp_path):
    recipe = read_run(ROOT / f'configs/{name}.py').recipe
    assert layout_names_of(recipe) == {'imigue22'}
    (tmp_path / 'whole.py').write_text(dump_config(recipe.effective()))
    assert layout_names_of(read_run(tmp_path / 'whole.py').recipe) == {'imigue22'}


def test_a_config_may_say_names_in_any_form(tmp_path):
    for labels in (['a', 'b', 'c'], 'ntu60', None):
        recipe = read_run(write_config(tmp_path, extra=f'labels = {labels!r}\n')).recipe
        assert recipe.labels == labels == recipe.effective()['labels']
    with pytest.raises(ConfigError, match='labels'):
        read_run(write_config(tmp_path, extra='labels = 3\n'))


# -- data sets and label vectors


def test_joined_data_sets_must_name_their_classes_alike(tmp_path):
    config = load_config(problem(tmp_path, num_train=3, num_test=3))
    clips = list(open_annotations(tmp_path / 'test.pkl'))
    parts = [dict(config.data.test, ann_file=str(tmp_path / f'{name}.pkl')) for name in 'ab']

    def names(*said):
        for part, label_names in zip(parts, said):
            write_annotations(part['ann_file'], {}, clips, about=About(label_names))
        return build_dataset(dict(type='ConcatDataset', datasets=parts)).classes.names

    abc = ('a', 'b', 'c')
    assert names(None, abc) == names(abc, None) == abc and names(None, None) is None
    with pytest.raises(ConfigError, match='label_names'):
        names(abc, ('a', 'c', 'b'))


def test_vectors_of_imigues_names_for_other_classes_are_warned_of():
    assert 'WARNING' not in default_table_note(None, IMIGUE_LABELS)
    assert default_table_note(None, None) == default_table_note(None, IMIGUE_LABELS)
    note = default_table_note(None, OWN)
    assert 'WARNING' in note and 'own 0' in note and 'embed_labels.py' in note


def test_zero_shot_learns_from_the_names_of_its_own_classes(tmp_path):
    tool, names = script('zero_shot'), ['a', 'b', 'c']
    extra = f'labels = {names}\n'
    config = problem(tmp_path, num_train=3, num_test=3, extra=extra)
    assert tool.class_names(tool.parse_args([str(config)])) == names
    bare = write_config(tmp_path, extra=extra + "data['test'].pop('label_embeddings')\n")
    with pytest.raises(ConfigError, match=r'a, b, c.*embed_labels\.py'):
        tool.class_names(tool.parse_args([str(bare)]))
    fold = tool.Fold([0, 2], np.array([0, 1, 2]), *(np.eye(3) for _ in range(3)))
    for known, cell in ((names, '| 0 a, 2 c |'), (None, '| 0, 2 |')):
        assert cell in tool.table([fold], known)


def test_label_vectors_are_made_of_a_files_own_names(tmp_path):
    tool, mine, bare = script('embed_labels'), tmp_path / 'mine.pkl', tmp_path / 'bare.pkl'
    clip = make_annotation('x', np.ones((4, 3, 2)), label=0, img_shape=(9, 9))
    write_annotations(mine, {}, [clip], about=About(CD))
    write_annotations(bare, {}, [clip])
    assert tool.names_in(str(mine)) == list(CD)
    assert tuple(tool.names_in('imigue')) == IMIGUE_LABELS
    with pytest.raises(DataError, match='bare.pkl'):
        tool.names_in(str(bare))
    glove, out = tmp_path / 'glove.txt', tmp_path / 'table.npy'
    glove.write_text('c 1 0\nd 0 2\n')
    tool.main([f'--glove={glove}', f'--labels={mine}', f'--out={out}', '--dim', '2'])
    assert np.load(out).tolist() == [[1, 0], [0, 2]]


# -- pictures


@pytest.fixture
def title(tmp_path, monkeypatch):
    """Return the title of the picture that visualize draws for these words."""
    titles = []
    monkeypatch.setattr(
        'pyskl.cli.pictures.write_scene',
        lambda scene, *_: titles.append(scene.title.split('  ')[0]),
    )

    def drawn(*words):
        script('visualize').main([*map(str, words), '-o', str(tmp_path / 'x.png')])
        return titles.pop()

    return drawn


def test_pictures_name_classes_as_option_or_data_say(tmp_path, title):
    xy = np.random.default_rng(0).uniform(9, 400, (60, 22, 2))
    clip = make_annotation('clip_2', xy, label=2, img_shape=(480, 640))
    bare, mine, few = (tmp_path / name for name in ('bare.pkl', 'mine.pkl', 'few.pkl'))
    write_annotations(bare, {}, [clip])
    write_annotations(mine, {}, [clip], about=About(('a', 'b', 'c', 'd'), 'imigue22'))
    write_annotations(few, {}, [clip], about=About(CD))
    for words, shown in (
        ([bare], 'class 2'),
        ([bare, '--layout', 'imigue22'], 'class 2'),  # 22 joints may be anybody's
        ([mine], '2 c'),
        ([mine, '--labels', 'imigue'], '2 touch hat'),
        ([few, '--labels', 'ntu60'], '2 brush teeth'),
    ):
        file, *options = words
        assert title('clip', file, 'clip_2', *options) == f'clip_2: {shown}'
    with pytest.raises(DataError, match='2 class names.*3 classes'):
        title('clip', few, 'clip_2')


def test_pictures_name_classes_as_a_config_says(tmp_path, title):
    problem(tmp_path, num_train=3, num_test=3)
    for extra, shown in (('', 'class 2'), ("labels = ['a', 'b', 'c']\n", '2 c')):
        config = write_config(tmp_path, extra=extra)
        assert title('heatmap', config, 'test_2') == f'test_2: {shown}'


# -- the report


@pytest.fixture(scope='module')
def tested(tmp_path_factory):
    """Forty clips of 32 classes in two files, one of them with names and layout; their scores."""
    folder = tmp_path_factory.mktemp('tested')
    labels = write_clips(folder / 'bare.pkl', 40)
    clips = list(open_annotations(folder / 'bare.pkl'))
    write_annotations(folder / 'bare.pkl', {}, clips)
    write_annotations(folder / 'own.pkl', {}, clips, about=About(tuple(OWN), 'imigue22'))
    write_annotations(folder / 'imigue.pkl', {}, clips, about=About(None, 'imigue22'))
    return folder, [clip['frame_dir'] for clip in clips], made_up_scores(labels)


def report_of(tested, file, options=None, **test):
    folder, ids, scores = tested
    work_dir = write_work_dir(folder, f'run_{file}', folder / f'{file}.pkl', ids, scores, **test)
    return data_of(build_report([work_dir], options or ReportOptions()).path)


@pytest.mark.parametrize('file, test, names', [
    ('bare', {}, None), ('imigue', {}, list(IMIGUE_LABELS)), ('own', {}, OWN),
    ('bare', dict(pipeline=[dict(type='GeneratePoseTarget', layout='imigue22')]),
        list(IMIGUE_LABELS)),
    ('bare', dict(pipeline=[dict(type='GenSkeFeat', dataset='openpose')]), None)])  # fmt: skip
def test_a_report_names_classes_as_config_or_data_say(tested, file, test, names):
    data = report_of(tested, file, **test)
    assert [row['name'] for row in data['classes']] == (names or [f'class {k}' for k in range(32)])
    # The package's label vectors are of iMiGUE's names, so they say nothing about other classes.
    assert bool(data.get('semantics')) == (names == list(IMIGUE_LABELS))


def test_a_reports_option_and_a_configs_labels_come_first(tested):
    data = report_of(tested, 'own', ReportOptions(labels='imigue'))
    assert [row['name'] for row in data['classes']] == list(IMIGUE_LABELS)
    upper = [name.upper() for name in OWN]
    with (tested[0] / 'run_own' / 'run_own.py').open('a') as config:
        config.write(f'labels = {upper}\n')
    data = data_of(build_report([tested[0] / 'run_own']).path)
    assert [row['name'] for row in data['classes']] == upper


def test_a_report_says_when_data_and_checkpoint_name_their_classes_differently(tested):
    report_of(tested, 'own')
    checkpoint = tested[0] / 'run_own' / 'latest.pth'
    for names, complains in (([OWN[1], OWN[0], *OWN[2:]], True), (OWN, False)):
        write_checkpoint(checkpoint, {'meta': {'label_names': names}, 'state_dict': {}})
        data = data_of(build_report([checkpoint.parent]).path)
        assert any('other class names' in note for note in data['notes']) == complains
    checkpoint.unlink()
