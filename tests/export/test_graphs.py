"""The graph of an exported file answers as the network does; here torch runs it without a file."""

import copy

import numpy as np
import pytest
import tiny
import tiny_graph
import torch
from export_networks import (
    FRAMES,
    GRAPHS,
    HEATMAPS,
    LATE,
    eager,
    filled,
    frame_config,
    graph_config,
    heatmap_config,
)
from kill_training import same

from pyskl.apis import init_recognizer
from pyskl.apis.export import graph_with_steps
from pyskl.apis.export_check import made_up_clips
from pyskl.apis.inference import class_scores, test_sample
from pyskl.datasets.loader import collate
from pyskl.datasets.pipelines import CenterCrop, PoseCompact, Resize
from pyskl.errors import ConfigError, DataError
from pyskl.export.heatmaps import CompactPose, DrawHeatmaps, size_behind
from pyskl.inputs.heatmaps.reference import render_slowly
from pyskl.inputs.heatmaps.spec import HeatmapSpec
from pyskl.onnx import GraphRecognizer


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('graphs')
    tiny.write_data(folder, 3, 3)
    tiny_graph.write_space(folder, 3, 3)
    return folder


def assert_answers_alike(model, views='all', tolerance=1e-4, clips=slice(1, 8)):
    clips = made_up_clips(model)[clips]
    expected = np.stack(list(class_scores(model, clips, views)))
    answers = np.stack(list(eager(model).class_scores(clips, views)))
    np.testing.assert_allclose(answers, expected, atol=tolerance)
    assert np.ptp(expected, axis=0).max() > 0.1  # the clips differ by much more than that


@pytest.mark.parametrize('name', GRAPHS)
def test_a_graph_network_answers_as_its_recognizer(folder, name):
    assert_answers_alike(filled(graph_config(folder, name)))


@pytest.mark.parametrize('name', ['ST-GCN++', 'bones and joints'])
def test_a_network_in_space_answers_as_its_recognizer(folder, name):
    assert_answers_alike(filled(graph_config(folder, name, in_space=True)))


@pytest.mark.parametrize('name', HEATMAPS)
def test_a_heatmap_network_answers_as_its_recognizer(folder, name):
    assert_answers_alike(filled(heatmap_config(folder, name)))


@pytest.mark.parametrize('name', FRAMES)
def test_a_network_on_frames_answers_as_its_recognizer(tmp_path, name):
    model = filled(frame_config(tmp_path, name))
    assert_answers_alike(model, clips=slice(0, 3, 2))
    assert_answers_alike(model, views=1, clips=slice(1, 4))


def test_each_of_several_answers_has_its_own_output(tmp_path):
    model = filled(frame_config(tmp_path, 'frames and heatmaps'))
    clip = made_up_clips(model)[0]
    graph, _ = graph_with_steps(model)
    assert graph.outputs == model.answers == ('rgb', 'pose')
    rgb, pose = eager(model).answers_of(clip)
    expected = model(collate([test_sample(model, clip)]), return_loss=False)
    np.testing.assert_allclose(rgb, expected['rgb'][0], atol=1e-4)
    np.testing.assert_allclose(pose, expected['pose'][0], atol=1e-4)
    assert np.abs(rgb - pose).max() > 0.05


TWICE = "next(s for s in test_pipeline if s['type'] == 'GeneratePoseTarget')['double'] = True\n"
DRAWN_LAST = 'test_pipeline[-4:-2] = test_pipeline[-3:-5:-1]\n'  # and normalised before


def test_mirrored_frames_and_heatmaps_belong_together(tmp_path):
    model = filled(frame_config(tmp_path, 'frames and heatmaps', TWICE))
    assert graph_with_steps(model)[1].mirrors
    assert_answers_alike(model, clips=slice(0, 3, 2))


@pytest.mark.parametrize(
    ('name', 'extra'),
    [
        ('frames and heatmaps', TWICE),
        ('frames and heatmaps', TWICE + DRAWN_LAST),
        ('PoTion', TWICE),
    ],
    ids=['drawn first', 'drawn last', 'PoTion'],
)
def test_the_one_view_of_all_inputs_is_not_mirrored(tmp_path, name, extra):
    mirrored = filled(frame_config(tmp_path, name, extra))
    config = frame_config(tmp_path, name, extra.replace('True', 'False'))
    plain = init_recognizer(config, device='cpu')
    plain.load_state_dict(mirrored.state_dict())
    clips = made_up_clips(plain)[:2]
    expected = list(class_scores(plain, clips, 1))
    np.testing.assert_array_equal(list(class_scores(mirrored, clips, 1)), expected)
    np.testing.assert_allclose(list(eager(mirrored).class_scores(clips, 1)), expected, atol=1e-4)


def test_a_spotting_network_answers_as_its_recognizer():
    assert_answers_alike(filled(tiny.ROOT / 'configs' / 'spotting' / 'demo.py'))


@pytest.mark.parametrize('name', ['joint', 'graph'])
def test_one_view_is_the_same_view(folder, name):
    config = heatmap_config(folder, name) if name == 'joint' else graph_config(folder, 'ST-GCN++')
    assert_answers_alike(filled(config), views=1)


def test_what_looks_at_each_frame_alone_is_inside(folder):
    def inside(config):
        graph, about = graph_with_steps(init_recognizer(config, device='cpu'))
        return [step['type'] for step in about.steps], graph.inputs

    sampled = ['UniformSample', 'PoseDecode', 'FormatGCNInput']
    assert inside(graph_config(folder, 'bones and joints')) == (sampled, ('keypoint', 'img_shape'))
    motion = ['PreNormalize2D', 'GenSkeFeat', *sampled], ('keypoint',)
    assert inside(graph_config(folder, 'bones in motion')) == motion
    in_space = ['PreNormalize3D', *sampled], ('keypoint',)
    assert inside(graph_config(folder, 'bones and joints', in_space=True)) == in_space
    assert inside(heatmap_config(folder, 'joint'))[0] == ['UniformSampleFrames', 'PoseDecode']


def test_the_model_stays_as_it_is(folder):
    model = filled(heatmap_config(folder, 'joint'))
    kinds = [type(module) for module in model.modules()]
    before = copy.deepcopy(dict(model.state_dict()))
    graph, _ = graph_with_steps(model, 'fp16')
    assert [type(module) for module in model.modules()] == kinds
    assert same(dict(model.state_dict()), before)
    names = {type(module).__module__ for module in graph.modules()}
    assert not any(name.startswith('pyskl.models.cpu') for name in names)


# -- drawing ---------------------------------------------------------------------------------------


def marks(rng, people=2, frames=3, joints=6, size=24):
    """Key points in and around a picture, some far away, NaN or faint."""
    xy = rng.uniform(-6, size + 6, (people, frames, joints, 2)).astype(np.float32)
    xy[rng.random(xy.shape[:3]) < 0.2] = np.round(xy[0, 0, 0])
    xy[0, 0, 0], xy[0, 1, 1], xy[1, 0, 2] = np.nan, np.inf, 1e12
    xy[0, 2, 1] = xy[0, 2, 0] + 0.3  # a limb shorter than a pixel
    score = rng.choice([0, 5e-4, 0.3, 1], (people, frames, joints)).astype(np.float32)
    return xy, score


@pytest.mark.parametrize('settings', [
    {}, dict(with_limb=True), dict(with_kp=False, with_limb=True), dict(sigma=1.7, with_limb=True),
    dict(motion=True), dict(use_score=False), dict(scaling=0.5),
], ids=str)  # fmt: skip
def test_operations_draw_what_the_slow_renderer_draws(settings):
    spec = HeatmapSpec(
        skeletons=((0, 1), (1, 2), (3, 4), (4, 5)), left_kp=(1, 2), right_kp=(3, 4), left_limb=(0,),
        right_limb=(2,), double=True, **settings,
    )  # fmt: skip
    draw = DrawHeatmaps(spec, (24, 24), 6)
    rng = np.random.default_rng(0)
    for _ in range(5):
        xy, score = marks(rng)
        expected = render_slowly(xy, score, (24, 24), spec)
        both = [torch.from_numpy(np.stack([part, part])) for part in (xy, score)]
        drawn = draw(*both, torch.tensor([False, True])).transpose(1, 2).flatten(0, 1).numpy()
        np.testing.assert_allclose(drawn, expected, atol=2e-6)


@pytest.mark.parametrize('settings', [
    {}, dict(hw_ratio=1.0), dict(hw_ratio=(0.5, 2.0), padding=0.1), dict(allow_imgpad=False),
    dict(threshold=40),
], ids=str)  # fmt: skip
def test_boxes_are_those_of_the_step(settings):
    step = PoseCompact(**settings)
    rng = np.random.default_rng(1)
    for spread in (60, 3, 20, 0):
        xy = rng.normal(100, spread, (2, 4, 5, 2)).astype(np.float32)
        xy[0, 1, 2], xy[1, 0, 0] = 0, np.nan
        if spread == 0:
            xy[:] = 0
        expected = step({'keypoint': xy, 'img_shape': (180, 220)})
        views = torch.from_numpy(xy.reshape(2, 2, 2, 5, 2).swapaxes(0, 1).copy())[None]
        moved, size = CompactPose(step)(views, torch.tensor([[220.0, 180.0]]).double())
        moved = moved[0].transpose(0, 1).flatten(1, 2).numpy()
        np.testing.assert_array_equal(moved, expected['keypoint'])
        assert tuple(int(edge) for edge in size[0]) == expected['img_shape'][::-1]


# -- refused ---------------------------------------------------------------------------------------

WITHOUT_NORMALIZE = 'test_pipeline.remove(normalize)\n'
FLOW = 'normalize.update(mean=[128.0] * 2, std=[64.0] * 2)\n'
OWN_SIZE = "test_pipeline[3] = dict(type='Resize', scale=(-1, 32))\n"
FROM_FOLDERS = "test_pipeline[:3] = [test_pipeline[1], dict(type='RawFrameDecode')]\n"


@pytest.mark.parametrize('name, change, facts', [
    ('frames', WITHOUT_NORMALIZE, 'Expected Normalize or GeneratePoseTarget'),
    ('single frames', WITHOUT_NORMALIZE, 'Expected Normalize, or GeneratePoseTarget and Heatmap'),
    ('frames and heatmaps', WITHOUT_NORMALIZE, 'GeneratePoseTarget and Normalize.*found Generate'),
    ('frames and heatmaps', OWN_SIZE, 'size of the heatmaps depends on the clip'),
    ('frames', FLOW, 'optical flow'),
    ('frames', FROM_FOLDERS, 'RawFrameDecode'),
])  # fmt: skip
def test_inputs_that_no_file_can_hold_are_refused(tmp_path, name, change, facts):
    config = frame_config(tmp_path, name, change)
    with pytest.raises(ConfigError, match=f'{config.name}: .*{facts}'):
        graph_with_steps(init_recognizer(config, device='cpu'))


@pytest.mark.parametrize('change, facts', [
    ("sizes = [dict(type='Resize', scale=(-1, 18))]\n", 'size of the heatmaps depends on the clip'),
    ("head.append(dict(type='Flip', flip_ratio=1.0, left_kp=[], right_kp=[]))\n", 'Flip'),
    ("model['test_cfg'] = dict(feat_ext=True)\n", 'probabilities'),
])  # fmt: skip
def test_what_no_file_can_hold_is_refused(folder, change, facts):
    early = "sizes = [dict(type='Resize', scale=(16, 16), keep_ratio=False)]\n"
    config = tiny.write_config(folder, 'refused.py', extra=early + change + LATE)
    with pytest.raises(ConfigError, match=f'refused.py.*{facts}'):
        graph_with_steps(init_recognizer(config, device='cpu'))


def test_a_graph_without_key_points_or_frames_is_refused(folder):
    _, about = graph_with_steps(init_recognizer(heatmap_config(folder, 'joint'), device='cpu'))
    with pytest.raises(DataError, match='any.onnx: its graph takes x; expected keypoint or imgs'):
        GraphRecognizer(about, 'any.onnx', list, {'x': [1]})


def test_sizes_are_known_where_the_last_step_fixes_them():
    fixed = Resize((48, 32), keep_ratio=False)
    assert size_behind([PoseCompact(), fixed]) == (32, 48)
    assert size_behind([fixed, Resize(0.5)]) == (16, 24)
    assert size_behind([Resize((-1, 64)), CenterCrop((40, 50))]) == (50, 40)
    assert size_behind([fixed, PoseCompact()]) is None
    assert size_behind([]) is None
