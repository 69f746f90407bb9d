"""Inference: all forms of clips, several at once, people apart, all forms of answers."""

import logging
import re

import numpy as np
import pytest
import tiny_graph
import torch
from tiny import ROOT, problem, write_config

from pyskl.annotations import (
    About,
    make_annotation,
    open_annotations,
    write_annotations,
    write_packed,
)
from pyskl.apis import TrainOptions, inference, inference_recognizer, init_recognizer, train
from pyskl.engine.checkpoint import read_checkpoint, write_checkpoint
from pyskl.errors import ConfigError, DataError
from pyskl.labels import IMIGUE_LABELS

SIZE = (240, 320)
NAMES = ('wave', 'nod', 'point')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('inference')
    problem(folder)
    return folder


@pytest.fixture(scope='module')
def model(folder):
    torch.manual_seed(0)
    return init_recognizer(folder / 'tiny.py', device='cpu')


@pytest.fixture(scope='module')
def clips(folder):
    """Thirteen clips of one person, as an annotation file holds them."""
    return list(open_annotations(folder / 'test.pkl'))


@pytest.fixture
def said(monkeypatch):
    """What was warned of."""
    lines = []
    monkeypatch.setattr(
        logging.getLogger('pyskl'), 'warning', lambda text, *a: lines.append(text % a)
    )
    return lambda: lines


def xys(clip):
    """(M, T, V, 3) x, y, score."""
    return np.concatenate([clip['keypoint'], clip['keypoint_score'][..., None]], -1)


def same(answer, expected):
    assert [name for name, _ in answer] == [name for name, _ in expected]
    np.testing.assert_allclose([p for _, p in answer], [p for _, p in expected], atol=1e-6)


def empty_like(clip, **fields):
    return {**clip, 'keypoint': np.zeros_like(clip['keypoint']), **fields}


# -- forms of one clip


def test_a_clip_is_recognised_in_whatever_form_it_comes(model, clips, tmp_path):
    clip = clips[1]
    whole, (xy, score) = xys(clip), (clip['keypoint'], clip['keypoint_score'])
    expected = inference_recognizer(model, whole, SIZE)
    np.save(tmp_path / 'clip.npy', whole)
    np.savez(tmp_path / 'clip.npz', keypoint=xy, keypoint_score=score, img_shape=np.array(SIZE))
    # As PYSKL's demo makes it.
    demo = dict(
        frame_dir='', label=-1, img_shape=SIZE, original_shape=SIZE, start_index=0, modality='Pose',
        total_frames=20, keypoint=xy, keypoint_score=score,
    )  # fmt: skip
    forms = {
        'nested lists': (whole.tolist(), SIZE),
        'tensor': (torch.from_numpy(whole), SIZE),
        'one person': (whole[0], SIZE),
        'frame.shape': (whole, (*SIZE, 3)),
        'annotation': (clip,),
        'demo': (demo,),
        'the size said twice': (demo, SIZE),
        'one person, scores apart': (dict(keypoint=xy[0], keypoint_score=score[0]), SIZE),
        'x, y, score in a dict': (dict(keypoint=whole), SIZE),
        'no size of its own': (dict(keypoint=xy.tolist(), keypoint_score=score.tolist()), SIZE),
        'npy': (str(tmp_path / 'clip.npy'), SIZE),
        'npz': (tmp_path / 'clip.npz',),
    }
    for form, given in forms.items():
        assert inference_recognizer(model, *given) == expected, form

    sure = np.concatenate([xy, np.ones_like(xy[..., :1])], -1)
    assert inference_recognizer(model, xy[0], SIZE) == inference_recognizer(model, sure, SIZE)


def test_nan_is_a_missing_joint(model, clips):
    missing, zero = (xys(clips[0]) for _ in range(2))
    missing[:, 3:9, 4], zero[:, 3:9, 4] = np.nan, 0
    assert inference_recognizer(model, missing, SIZE) == inference_recognizer(model, zero, SIZE)
    half = xys(clips[0])
    half[:, 3:9, 4, 0] = np.nan
    assert inference_recognizer(model, half, SIZE) == inference_recognizer(model, zero, SIZE)


@pytest.mark.parametrize('change, facts', [
    (dict(keypoint=np.ones((1, 20, 17, 2)), keypoint_score=None), '17 joints.* takes 5'),
    (dict(img_shape=(480, 640)), r'\(480, 640\).*\(240, 320\)'),
    (dict(img_shape='large'), 'img_shape'),
    (dict(keypoint='arm'), 'not an array of numbers'),
    (dict(keypoint=None), 'keypoint'),
    (dict(keypoint=np.ones((20, 5))), r'\(20, 5\)'),
    (dict(keypoint=np.ones((2, 1, 20, 5, 3))), 'as a list'),
    (dict(total_frames=0), 'total_frames is 0'),
])  # fmt: skip
def test_a_clip_that_does_not_fit_is_refused(model, clips, change, facts):
    with pytest.raises(DataError, match=f'clip test_0.*{facts}'):
        inference_recognizer(model, {**clips[0], **change}, SIZE)


def test_what_is_no_clip_is_refused(model, tmp_path):
    with pytest.raises(DataError, match='int'):
        inference_recognizer(model, 3)
    np.savez(tmp_path / 'other.npz', scores=np.ones(3))
    with pytest.raises(DataError, match=r'walk.MP4.*extract_pose\.py'):
        inference_recognizer(model, 'walk.MP4')
    for name in ('none.npy', 'none.npz', 'none.pkl', 'other.npz'):
        with pytest.raises(DataError, match=name):
            inference_recognizer(model, tmp_path / name, SIZE)


def test_joints_are_counted_without_a_layout_and_for_limbs(folder):
    limbs = init_recognizer(write_config(folder, 'limb.py', limbs=True), device='cpu')
    assert len(inference_recognizer(limbs, np.full((1, 9, 5, 3), 50.0), SIZE)) == 3


# -- nobody


def test_nobody_seen_is_no_class(model, clips, said):
    clip = clips[0]
    unsure = {**clip, 'keypoint_score': np.zeros_like(clip['keypoint_score'])}
    beyond = xys(clip)
    beyond[:, :12] = 0
    for form, given in {
        'nobody': np.zeros((0, 20, 5, 3)),
        'zeros': np.zeros((2, 20, 5, 3)),
        'NaN': np.full((1, 20, 5, 3), np.nan),
        'without scores': np.zeros((20, 5, 2)),
        'all scores 0': unsure,
        'frames that do not count': dict(keypoint=beyond, total_frames=12),
    }.items():
        assert inference_recognizer(model, given, SIZE) == [], form
    assert len(said()) == 6 and all('nobody is seen in 1 of 1 clip' in line for line in said())


# -- several


def test_several_clips_have_answers_in_order(model, folder, clips, tmp_path, said):
    gap = empty_like(clips[0], frame_dir='gap')
    given = [clips[0], gap, *clips[1:]]
    answers = inference_recognizer(model, given)
    assert len(answers) == 14 and answers[1] == [] and said() == [
        'nobody is seen in 1 of 14 clips (gap): every joint is missing in all frames, so the '
        'answer is empty.'
    ]  # fmt: skip
    for clip, answer in zip(clips, answers[:1] + answers[2:]):
        same(answer, inference_recognizer(model, clip))

    # A file of clips, and its packed form.
    expected = inference_recognizer(model, clips)
    write_packed(tmp_path / 'test.packed', clips, {})
    for path in (folder / 'test.pkl', str(folder / 'test.pkl'), tmp_path / 'test.packed'):
        assert inference_recognizer(model, open_annotations(path)) == expected
        assert inference_recognizer(model, path) == expected
    arrays = [xys(clip) for clip in clips[:3]]
    assert inference_recognizer(model, arrays, SIZE) == inference_recognizer(model, clips[:3])
    same(*inference_recognizer(model, arrays[:1], SIZE), expected[0])
    assert inference_recognizer(model, []) == []


def test_several_clips_pass_the_network_together(model, clips, monkeypatch):
    sizes, predict = [], inference.predict

    def noted(model, batch, device):
        sizes.append(len(batch['imgs']))
        return predict(model, batch, device)

    monkeypatch.setattr(inference, 'predict', noted)
    inference_recognizer(model, clips)
    assert sizes == [8, 5]  # videos_per_gpu


# -- views, people, form


def test_one_view_passes_the_network_once(model, clips, monkeypatch):
    volumes, forward = [], model.backbone.forward
    monkeypatch.setattr(model.backbone, 'forward', lambda x: volumes.append(len(x)) or forward(x))
    every = inference_recognizer(model, clips[0], views='all')
    assert sum(volumes) == 4 and every == inference_recognizer(model, clips[0])  # 2 views, mirrored
    volumes.clear()
    one = inference_recognizer(model, clips[0], views=1)
    assert sum(volumes) == 1 and sum(p for _, p in one) == pytest.approx(1, abs=1e-5)

    # It is the view in the middle, not mirrored.
    imgs = inference.test_sample(model, clips[0])['imgs'].draw()[:, 1:2]
    scores = np.sort(model(imgs, return_loss=False)[0])[::-1]
    np.testing.assert_allclose([p for _, p in one], scores, atol=1e-6)


def test_people_apart_have_an_answer_each(model, clips, said):
    pair = np.concatenate([xys(clips[0]), np.zeros((1, 20, 5, 3)), xys(clips[2])])
    apart = inference_recognizer(model, pair, SIZE, people='apart')
    assert len(apart) == 3 and apart[1] == [] and not said()
    for clip, answer in zip((clips[0], clips[2]), apart[::2]):
        same(answer, inference_recognizer(model, clip))
    together = inference_recognizer(model, pair, SIZE, people='together')
    assert together == inference_recognizer(model, pair, SIZE) != apart[0]
    nested = inference_recognizer(model, [pair, clips[0]], SIZE, people='apart')
    assert [len(answers) for answers in nested] == [3, 1]
    same(nested[1][0], apart[0])


def test_an_answer_is_names_or_indices_as_many_as_wanted(model, clips):
    named = inference_recognizer(model, clips[0], labels=NAMES)
    numbered = inference_recognizer(model, clips[0], indices=True)
    assert [(NAMES[k], p) for k, p in numbered] == named and len(named) == 3
    assert NAMES[numbered[0][0]] == named[0][0]
    assert inference_recognizer(model, clips[0], labels=NAMES, top_k=1) == named[:1]
    assert inference_recognizer(model, clips[0], labels=NAMES, top_k=None) == named


@pytest.mark.parametrize(
    'wrong',
    [
        *(dict(top_k=value) for value in (0, '5', True)),
        *(dict(views=value) for value in (2, True, 'one', np.array([1, 2]))),
        *(dict(people=value) for value in ('alone', np.array(['apart', 'x']))),
    ],
    ids=str,
)
def test_an_argument_that_is_not_known_is_refused(model, clips, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        inference_recognizer(model, clips[0], **wrong)


def test_numbers_and_tensors_may_be_of_any_library(model, clips):
    assert len(inference_recognizer(model, clips[0], top_k=np.int64(2))) == 2
    half = torch.tensor(xys(clips[0])).bfloat16()
    same(inference_recognizer(model, half, SIZE), inference_recognizer(model, half.float(), SIZE))


def test_what_looks_odd_is_said_once(folder, clips, said):
    own = init_recognizer(folder / 'tiny.py', device='cpu')
    small = clips[0]['keypoint'] / 400
    for _ in range(2):
        inference_recognizer(own, dict(keypoint=small, frame_dir='tiny_clip'), SIZE)
    assert len(said()) == 1 and 'tiny_clip' in said()[0] and 'x * width' in said()[0]


def test_a_clip_in_space_may_be_an_annotation(tmp_path):
    model = init_recognizer(tiny_graph.problem(tmp_path, space=True), device='cpu')
    path = tmp_path / 'space_test.pkl'
    clips = list(open_annotations(path))
    answers = inference_recognizer(model, path)
    for clip, answer in zip(clips[:3], answers):
        same(inference_recognizer(model, clip), answer)
        same(inference_recognizer(model, clip['keypoint'][0]), answer)
    one = inference_recognizer(model, clips[0], views=1)
    assert sum(p for _, p in one) == pytest.approx(1, abs=1e-5) and one != answers[0]
    with pytest.raises(DataError, match='PreNormalize3D'):
        inference_recognizer(model, {**clips[0], 'keypoint': clips[0]['keypoint'][..., :2]})
    with pytest.raises(DataError, match='7 joints.*takes 5'):
        inference_recognizer(model, np.ones((1, 20, 7, 3)))


def test_a_clip_may_be_in_the_compressed_form(folder, clips):
    extra = "test_pipeline.insert(0, dict(type='DecompressPose', squeeze=False))\n"
    model = init_recognizer(write_config(folder, 'boxes.py', extra=extra), device='cpu')
    boxes = dict(
        keypoint=xys(clips[0])[0], frame_inds=np.arange(20), total_frames=20, frame_dir='boxes'
    )
    plain = init_recognizer(folder / 'tiny.py', device='cpu')
    plain.load_state_dict(model.state_dict())
    same(inference_recognizer(model, boxes, SIZE), inference_recognizer(plain, clips[0]))
    assert inference_recognizer(model, {**boxes, 'keypoint': boxes['keypoint'] * 0}, SIZE) == []
    with pytest.raises(DataError, match='boxes: people'):
        inference_recognizer(model, boxes, SIZE, people='apart')


# -- names


def test_names_travel_from_the_data_through_the_checkpoint(tmp_path):
    config = problem(tmp_path, num_train=8, num_test=3, extra='total_epochs = 1\n')
    for split in ('train', 'val', 'test'):
        clips = list(open_annotations(tmp_path / f'{split}.pkl'))
        write_annotations(tmp_path / f'{split}.pkl', {}, clips, about=About(NAMES))
    train(config, TrainOptions(device='cpu'))
    latest = tmp_path / 'run' / 'latest.pth'
    assert read_checkpoint(latest)['meta']['label_names'] == list(NAMES)

    # No data are needed, and neither are the names of a file of another data set.
    for split in ('train', 'val', 'test'):
        (tmp_path / f'{split}.pkl').unlink()
    write_annotations(tmp_path / 'others.pkl', {}, clips, about=About(('a', 'b', 'c')))

    def names_of(model, given, **options):
        [answer] = inference_recognizer(model, given, **options)[:1]
        return {name for name, _ in answer}

    others = open_annotations(tmp_path / 'others.pkl')
    for extra, names in (('', NAMES), ("labels = ['x', 'y', 'z']", 'xyz')):
        model = init_recognizer(write_config(tmp_path, extra=extra), latest, 'cpu')
        assert names_of(model, clips[:1]) == names_of(model, others) == set(names)
        assert names_of(model, clips[:1], labels=list('pqr')) == set('pqr')
    bare = init_recognizer(write_config(tmp_path), None, 'cpu')
    assert names_of(bare, others) == set('abc')
    assert names_of(bare, clips[:1]) == {'class 0', 'class 1', 'class 2'}
    with pytest.raises(DataError, match='2 class names for 3 classes'):
        inference_recognizer(bare, clips[0], labels=['a', 'b'])


def test_training_refuses_names_for_another_number_of_classes(tmp_path):
    config = problem(tmp_path, num_train=8, num_test=3, extra="labels = ['a', 'b', 'c', 'd']\n")
    with pytest.raises(DataError, match='4 class names for 3 classes'):
        train(config, TrainOptions(device='cpu'))
    assert not (tmp_path / 'run').exists()


# -- what the docs show


def block_of(page, *, with_words):
    blocks = re.findall(r'```python\n(.*?)```', (ROOT / page).read_text('utf-8'), re.DOTALL)
    return next(block for block in blocks if with_words in block)


def test_the_example_of_the_readme_runs_behind_the_demo(tmp_path, monkeypatch, capsys):
    """With the demo's config, and what the demo leaves: clips of 22 joints and a checkpoint."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    for place in ('data/demo', 'work_dirs/demo/joint'):
        (tmp_path / place).mkdir(parents=True)
    xy = np.random.default_rng(0).uniform(100, 900, (3, 1, 30, 22, 2))
    clips = [make_annotation(f'000{i}_0', xy[i], img_shape=(1080, 1920)) for i in range(3)]
    write_annotations('data/demo/imigue_val.pkl', {}, clips)
    weights = init_recognizer('configs/demo/joint.py', device='cpu').state_dict()
    write_checkpoint('work_dirs/demo/joint/latest.pth', {'meta': {}, 'state_dict': weights})
    found = {}
    exec(block_of('README.md', with_words='inference_recognizer'), found)
    assert [len(answer) for answer in found['every']] == [5, 5, 5]
    assert {name for answer in found['every'] for name, _ in answer} <= set(IMIGUE_LABELS)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_recipe_for_a_clip_a_person_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data').mkdir()
    xy = np.random.default_rng(0).uniform(1, 99, (2, 6, 5, 2)).astype(np.float32)
    pair = make_annotation('pair', xy, label=1, img_shape=(100, 100))
    lone = make_annotation('lone', xy[:1], label=0, img_shape=(100, 100))
    write_annotations('data/mine.pkl', {'train': ['pair'], 'val': ['lone']}, [pair, lone])
    exec(block_of('docs/inference.md', with_words='data/apart.pkl'), {})
    apart = open_annotations('data/apart.pkl')
    assert list(apart.ids) == ['pair_person0', 'pair_person1', 'lone_person0']
    assert list(apart.split('train').ids) == ['pair_person0', 'pair_person1']
    np.testing.assert_array_equal(apart[1]['keypoint'], xy[1:])
