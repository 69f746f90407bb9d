"""What looks at a graph network or uses it: the report with its hidden joints, pictures, single
clips, foreign checkpoints.
"""

from __future__ import annotations

import base64
import logging

import numpy as np
import pytest
import tiny
import tiny_graph
import torch
from packed_clips import unpack_clip
from report_data import data_of
from tiny import script
from tiny_graph import EMBEDDING, problem

from pyskl.annotations import open_annotations
from pyskl.apis import TestOptions, TrainOptions, inference_recognizer, init_recognizer, test, train
from pyskl.apis.inference import test_sample
from pyskl.apis.setup import build_split, read_run
from pyskl.drawing.before_after import poses_of
from pyskl.drawing.clip import clip_scene
from pyskl.drawing.graph import adjacency_of, graph_chart, learned_adjacency
from pyskl.drawing.skeleton import in_picture
from pyskl.drawing.stages import find_clip, pass_through
from pyskl.engine.checkpoint import read_checkpoint, write_checkpoint
from pyskl.errors import ConfigError, DataError, UserError
from pyskl.files.libraries import opencv
from pyskl.models import build_model
from pyskl.report import ReportOptions, build_report
from pyskl.report.packing import PackedClip
from pyskl.skeletons import Graph, layout_of, layout_to_draw, topology_of
from pyskl.skeletons.topology import PUBLISHED

FIVE = dict(
    name='five', joints=['head', 'chest', 'hip', 'left hand', 'right hand'],
    bones=[(0, 1), (2, 1), (3, 1), (4, 1)], mirror=[(3, 4)], centre='chest',
)  # fmt: skip
BONES = "prepare[1]['feats'] = ['b']\n"
SPACES = pytest.mark.parametrize('space', [False, True], ids=['x y score', 'x y z'])


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A bone stream in pictures and one in space, trained a little and tested."""
    runs = {}
    for space in (False, True):
        folder = tmp_path_factory.mktemp('space' if space else 'flat')
        config = problem(folder, BONES, space=space, num_train=24, num_test=6)
        train(config, TrainOptions(validate=False), ['total_epochs=10'])
        test(config, TestOptions(device='cpu'))
        runs[space] = (folder, config)
    return runs


def recognizer(run):
    folder, config = run
    return init_recognizer(config, folder / 'run' / 'latest.pth', 'cpu')


def test_file(run, space):
    return run[0] / ('space_test.pkl' if space else 'test.pkl')


test_file.__test__ = False


def report_of(folder, tmp_path, *others, **options):
    return build_report(
        [folder / 'run', *others],
        ReportOptions(out=str(tmp_path / 'r.html'), device='cpu', **options),
    )


# -- the report ------------------------------------------------------------------------------------


@SPACES
def test_a_hidden_joint_is_missing_before_the_pipeline(trained, tmp_path, space):
    """Counted by hand: the annotation without the joint, the pipeline, the view in the middle of
    three.
    """
    folder, _ = trained[space]
    report = report_of(folder, tmp_path, occlusion=True, occlusion_clips=2)
    found = data_of(report.path)['occlusion']
    assert 'before the pipeline' in found['hidden'][0]
    assert not any('checkpoint' in note for note in report.notes)

    model = recognizer(trained[space])
    clips = open_annotations(test_file(trained[space], space))

    def answer(clip, without):
        clip = {key: np.array(v) if isinstance(v, np.ndarray) else v for key, v in clip.items()}
        clip['keypoint'][:, :, without] = 0
        clip['keypoint_score'][:, :, without] = 0
        middle = test_sample(model, clip)['keypoint'][1:2]
        with torch.inference_mode():
            return model.predict({'keypoint': middle[None]})['score'][0].numpy()

    masks = [[0], [1], [2], [3], [4], [0, 1], [2, 1], [3, 1], [4, 1]]
    lost = [
        [answer(clip, [])[clip['label']] - answer(clip, mask)[clip['label']] for clip in clips]
        for mask in masks
    ]
    expected = np.mean(lost, axis=1)
    np.testing.assert_allclose(found['all']['joints'] + found['all']['limbs'], expected, atol=2e-5)
    assert np.abs(expected).max() > 1e-3


@SPACES
def test_the_page_shows_the_streams_own_skeleton_and_its_clips(trained, tmp_path, space):
    folder, _ = trained[space]
    report = report_of(folder, tmp_path)
    page = data_of(report.path)
    assert page['layout']['name'] == 'five'
    assert page['layout']['bones'] == [list(bone) for bone in FIVE['bones']]
    text = report.path.read_text().split('id="frames">')[1].split('<')[0].strip()
    first, clips = page['clips']['lengths'][0], page['clips']
    packed = PackedClip(
        base64.b64decode(text[:first]), tuple(clips['boxes'][0]), tuple(clips['shapes'][0])
    )
    xy, score = unpack_clip(packed, clips['bits'])
    clip = open_annotations(test_file(trained[space], space))[0]
    drawn = clip['keypoint'][..., :2] * ((1000, -1000) if space else (1, 1))
    np.testing.assert_allclose(xy, drawn, atol=clips['boxes'][0][2] / 1000)
    assert (score > 0).all() and (xy[0, :, 0, 1] < xy[0, :, 2, 1]).all()  # head above hip
    assert any('x, y, z' in note for note in report.notes) == space


def test_streams_say_apart_how_their_joints_were_hidden(trained, tmp_path):
    folder, _ = trained[False]
    heatmaps = tiny.write_config(folder, extra=f"total_epochs = 1\nwork_dir = '{tmp_path}/heat'\n")
    train(heatmaps, TrainOptions(validate=False))
    test(heatmaps, TestOptions(device='cpu'))
    report = report_of(folder, tmp_path, tmp_path / 'heat', occlusion=True, occlusion_clips=1)
    page = data_of(report.path)
    assert [line.partition(':')[0] for line in page['occlusion']['hidden']] == ['graph', 'tiny']
    assert len(page['occlusion']['all']['limbs']) == 4 and page['layout']['name'] == 'five'


# -- pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize('name', [*PUBLISHED, 'imigue22', 'natops8', 'ntu25'])
def test_every_layout_can_be_drawn_by_its_own_edges(name):
    layout, topology = layout_to_draw(name), topology_of(name)
    assert layout.num_joints == topology.num_joints and layout.bones == topology.edges
    assert layout.centre == topology.centre
    graph = Graph(name, 'spatial')
    picture = graph_chart(layout, graph, adjacency_of(graph))
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.std() > 0


def test_published_joints_have_the_names_and_places_of_ours():
    assert layout_to_draw('nturgb+d').joints == layout_of('ntu25').joints
    assert layout_to_draw('coco').pose == layout_of('coco17').pose
    assert layout_to_draw('coco_new').joints[19] == 'joint 19'
    with pytest.raises(ConfigError, match=r'Did you mean nturgb\+d'):
        layout_to_draw('nturgbd')


@pytest.mark.parametrize(
    ('adaptive', 'says'), [('init', 'A of'), ('offset', 'A + PA of'), ('importance', 'A * PA of')]
)
def test_what_was_learnt_is_what_the_layer_computes_with(tmp_path, adaptive, says):
    config = problem(
        tmp_path, f"model['backbone']['gcn_adaptive'] = '{adaptive}'\n", num_train=1, num_test=1
    )
    backbone = build_model(read_run(config).recipe.model).backbone
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.uniform_(-1, 1)
    for layer, place in ((0, 0), (2, 2), (-1, 2)):
        found = learned_adjacency(backbone, layer)
        np.testing.assert_array_equal(found.A, backbone.gcn[place].gcn.graph().detach().numpy())
        assert found.title == f'{says} gcn.{place}.gcn (layer {place} of 0 to 2)'
    with pytest.raises(
        ConfigError, match='--layer 3: of the graph convolutions of STGCN, expected 0 to 2'
    ):
        learned_adjacency(backbone, 3)


def test_the_script_draws_graphs_clips_and_pipelines(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def draw(*words):
        script('visualize').main([str(word) for word in words])
        name = capsys.readouterr().out.split()[1]
        picture = opencv().imread(name)
        assert picture.std() > 0
        return picture

    draw('graph', 'nturgb+d')
    draw('graph', FIVE, '--mode', 'stgcn_spatial')
    for space in (False, True):
        folder, config = trained[space]
        start = draw('graph', config)
        learnt = draw('graph', config, '-C', folder / 'run' / 'latest.pth', '--layer', '0')
        assert not np.array_equal(start, learnt)
        draw('clip', test_file(trained[space], space), 'test_1', '--layout', FIVE)
        draw('pipeline', config, 'test_1', '--split', 'test')


@pytest.mark.parametrize(
    ('words', 'complaint'),
    [
        (['graph', 'nturgbd'], r'Did you mean nturgb\+d'),
        (['graph', "{'name': 'x'}"], "skeleton layout 'x' is unknown"),
        (['graph', 'coco', '--layer', '1'], '--layer belongs to a checkpoint'),
        (['graph', 'coco', '-C', 'x.pth'], '-C belongs to a config file'),
        (['graph', 'CONFIG', '--mode', 'spatial'], '--mode belongs to a layout'),
        (['graph', 'CONFIG', '-C', 'none.pth'], 'no such checkpoint'),
        (['graph', 'CONFIG', '-C', 'CHECKPOINT', '--layer', '9'], '--layer 9'),
        (
            ['graph', 'HEATMAPS'],
            r'tiny\.py: model\.backbone \(ResNet3dSlowOnly\) has no graph to draw',
        ),
        (['graph', 'none.py'], 'none.py'),
        (['graph', 'coco', '-o', 'x.gif'], r'Expected \.png'),
        (['heatmap', 'CONFIG', 'test_1'], 'draws no heatmaps'),
    ],
)
def test_a_users_mistake_is_one_message_and_no_file(
    trained, tmp_path, monkeypatch, words, complaint
):
    monkeypatch.chdir(tmp_path)
    folder, config = trained[False]
    places = {
        'CONFIG': config,
        'CHECKPOINT': folder / 'run' / 'latest.pth',
        'HEATMAPS': tiny.write_config(folder),
    }
    with pytest.raises(UserError, match=complaint):
        script('visualize').main([str(places.get(word, word)) for word in words])
    assert not list(tmp_path.iterdir())


def test_x_y_z_are_drawn_along_z_with_y_upwards(trained):
    folder, _ = trained[True]
    clip = dict(open_annotations(folder / 'space_test.pkl')[0])
    clip['keypoint'] = clip['keypoint'].copy()
    clip['keypoint'][:, 3, 2] = 0  # a missing hip
    clip['keypoint'][:, 4, 2] = (0.0, 0.0, 5.0)  # one on the axis of the camera
    xy, score = in_picture(clip)
    x, y, _ = np.moveaxis(clip['keypoint'], -1, 0)
    np.testing.assert_allclose(xy, np.stack([1000 * x, -1000 * y], -1), rtol=1e-6)
    assert score[0, 3, 2] == 0 and score[0, 4, 2] == 1 and score.sum() == score.size - 1
    scene = clip_scene(clip, layout_of(FIVE), 100)
    assert 'seen along z, y up' in scene.title and scene.panel(0).std() > 0
    with pytest.raises(DataError, match='without --whole'):
        clip_scene(clip, layout_of(FIVE), 100, whole=True)


@SPACES
def test_stages_of_a_graph_pipeline_are_drawn_where_they_lie(trained, space):
    """Pixels in their picture; what is normalised or a feature around itself; behind PreNormalize3D
    z is up.
    """
    _, config = trained[space]
    recipe = read_run(config, ['stream=j']).recipe
    stages = pass_through(*find_clip(build_split(recipe, 'test'), recipe.data.test, 'test_1'))
    drawn = [poses_of(stages, i) for i in range(len(stages))]
    assert [poses.size for poses in drawn] == [None if space else (240, 320)] + [None] * 7
    assert [poses.keypoint.shape for poses in drawn][-3:] == [(1, 8, 5, 2)] * 3
    normal = np.asarray(stages[1].results['keypoint'])
    if space:
        np.testing.assert_allclose(drawn[1].keypoint, normal[..., [0, 2]] * (1, -1))
        head, hip = drawn[1].keypoint[..., 0, 1], drawn[1].keypoint[..., 2, 1]
        assert (head < hip).all()
    else:
        np.testing.assert_array_equal(drawn[1].keypoint, normal[..., :2])
        np.testing.assert_array_equal(drawn[1].score, normal[..., 2])


# -- one clip, in Python ---------------------------------------------------------------------------


@SPACES
def test_one_clip_is_recognised_as_the_test_recognised_it(trained, tmp_path, space):
    folder, config = trained[space]
    tested = test(config, TestOptions(out=str(tmp_path / 'x.pkl'), device='cpu'))
    model = recognizer(trained[space])
    for row, clip in enumerate(open_annotations(test_file(trained[space], space))):
        keypoints = clip['keypoint']
        if not space:
            keypoints = np.concatenate([keypoints, clip['keypoint_score'][..., None]], -1)
        found = inference_recognizer(model, keypoints, None if space else (240, 320), [*'abc'])
        order = np.argsort(-tested.scores[row], kind='stable')
        assert [name for name, _ in found] == ['abc'[k] for k in order]
        np.testing.assert_allclose([p for _, p in found], tested.scores[row][order], atol=1e-5)


CLIP = np.random.default_rng(0).uniform(1, 2, (1, 20, 5, 3))


@pytest.mark.parametrize(
    ('space', 'clip', 'img_shape', 'told'),
    [
        (False, CLIP, None, 'img_shape = None .*PreNormalize2D'),
        (False, CLIP[:, :, :4], (240, 320), '4 joints'),
        (False, CLIP * (1, 1, 0) - (0, 0, 2), (240, 320), 'third number.*img_shape=None'),
        (True, CLIP, (240, 320), r'img_shape = \(240, 320\) .*PreNormalize3D'),
        (True, CLIP[..., :2], None, 'x, y, z'),
    ],
)
def test_a_clip_of_the_wrong_kind_is_told(trained, space, clip, img_shape, told):
    with pytest.raises(DataError, match=told):
        inference_recognizer(recognizer(trained[space]), clip, img_shape)


def test_a_network_that_wants_pictures_is_given_one(tmp_path):
    model = init_recognizer(tiny.problem(tmp_path, num_train=1, num_test=1), device='cpu')
    with pytest.raises(DataError, match='img_shape = None .*PoseCompact'):
        inference_recognizer(model, CLIP, None)


# -- checkpoints -----------------------------------------------------------------------------------


def pyskls_own(checkpoint, path):
    """Write a checkpoint as PYSKL does: meta by mmcv, an optimiser, class scores alone."""
    saved = read_checkpoint(checkpoint)
    meta = dict(mmcv_version='1.5.0', time='Mon Jan  1 00:00:00 2024', epoch=16, iter=80,
        config='model = dict()',
                hook_msgs=dict(last_ckpt='x/latest.pth', best_score=np.float64(0.9)))  # fmt: skip
    weights = {key: value for key, value in saved['state_dict'].items() if 'emb_fc' not in key}
    torch.save({'meta': meta, 'state_dict': weights, 'optimizer': saved['optimizer']}, path)


def test_a_checkpoint_of_pyskls_own_is_tested_started_from_and_used(trained, tmp_path, capfd):
    """Also with a config whose pipelines collect `emb`: the checkpoint has no embedding, so there
    is none.
    """
    folder, config = trained[False]
    pyskls_own(folder / 'run' / 'latest.pth', tmp_path / 'j.pth')
    out = TestOptions(checkpoint=str(tmp_path / 'j.pth'), out=str(tmp_path / 'x.pkl'), device='cpu')
    expected = test(config, TestOptions(out=str(tmp_path / 'y.pkl'), device='cpu')).scores
    with_emb = tiny_graph.write_config(folder, 'emb.py', BONES + EMBEDDING)
    for own in (config, with_emb):
        np.testing.assert_array_equal(test(own, out).scores, expected)
        model = init_recognizer(own, tmp_path / 'j.pth', 'cpu')
        assert not model.cls_head.has_embedding
        assert len(inference_recognizer(model, np.ones((1, 20, 5, 3)), (240, 320))) == 3
    capfd.readouterr()
    options = [f'load_from={tmp_path}/j.pth', 'optimizer.lr=0.0', 'total_epochs=1']
    train(config, TrainOptions(work_dir=str(tmp_path / 'a'), validate=False), options)
    assert 'load_from' not in capfd.readouterr().err
    a, b = (
        read_checkpoint(path)['state_dict']
        for path in (tmp_path / 'j.pth', tmp_path / 'a' / 'latest.pth')
    )
    learnt = [key for key in a if 'running' not in key and 'num_batches' not in key]
    assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in learnt)
    train(with_emb, TrainOptions(work_dir=str(tmp_path / 'b'), validate=False), options)
    assert 'keys missing: cls_head.emb_fc.weight' in capfd.readouterr().err


def test_a_checkpoint_remembers_its_skeleton(trained, tmp_path):
    folder, _ = trained[False]
    meta = read_checkpoint(folder / 'run' / 'latest.pth')['meta']
    assert meta['features'] == ['b']
    assert meta['skeleton'] == {
        'name': 'five',
        'num_joints': 5,
        'edges': [[0, 1], [2, 1], [3, 1], [4, 1]],
        'centre': 1,
        'bone_partner': [1, 1, 1, 1, 1],
        'mirror': [[3, 4]],
    }


OTHER = "layout.update(bones=[(0, 1), (1, 2), (3, 1), (4, 1)], centre='hip')\n"


@pytest.mark.parametrize(
    ('extra', 'told'),
    [
        (BONES, ''),
        (BONES + OTHER, 'was trained on the skeleton five'),
        ('', 'was trained on the features'),  # shapes are the same, scores are not
    ],
    ids=['the same', 'skeleton', 'features'],
)
def test_what_differs_from_the_checkpoint_is_said_once_wherever_it_is_used(
    trained, tmp_path, caplog, capfd, extra, told
):
    folder, _ = trained[False]
    config = tiny_graph.write_config(folder, 'other.py', extra)
    checkpoint = str(folder / 'run' / 'latest.pth')

    def said(call, *arguments):
        logging.getLogger('pyskl').propagate = True
        caplog.clear()
        capfd.readouterr()
        call(*arguments)
        out = ''.join(capfd.readouterr())
        return max(text.count('was trained on the ') for text in (out, caplog.text))

    start = TrainOptions(work_dir=str(tmp_path / 'start'), validate=False)
    going_on = TrainOptions(work_dir=str(tmp_path / 'on'), resume=checkpoint, validate=False)
    out = TestOptions(checkpoint=checkpoint, out=str(tmp_path / 'x.pkl'), device='cpu')
    for call, *arguments in (
        (test, config, out),
        (train, config, start, [f'load_from={checkpoint}', 'total_epochs=1']),
        (train, config, going_on),
        (init_recognizer, config, checkpoint, 'cpu'),
    ):
        assert said(call, *arguments) == bool(told), call


@pytest.mark.parametrize(
    'skeleton', [None, 3, [], {}, {'edges': 'x', 'name': ['y']}, {'num_joints': {}}]
)
def test_an_unreadable_skeleton_in_a_checkpoint_does_no_harm(trained, tmp_path, skeleton):
    folder, config = trained[False]
    saved = read_checkpoint(folder / 'run' / 'latest.pth')
    saved['meta']['skeleton'] = saved['meta']['features'] = skeleton
    write_checkpoint(tmp_path / 'x.pth', saved)
    place = str(tmp_path / 'x')
    options = TestOptions(checkpoint=f'{place}.pth', out=f'{place}.pkl', device='cpu')
    assert test(config, options).scores.shape == (6, 3)
