"""What a user can get wrong with a graph network: said in one message before training, or handled."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_graph
from tiny import write_data

from pyskl.annotations import read_annotations, write_annotations
from pyskl.apis import TestOptions, TrainOptions, test, train
from pyskl.errors import ConfigError, DataError, UserError
from pyskl.recipe import load_config, read_recipe


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Clips in pictures and in space."""
    path = tmp_path_factory.mktemp('wrong')
    write_data(path, num_train=8, num_test=4)
    tiny_graph.write_space(path, num_train=8, num_test=4)
    return path


def says(error: Exception, words: str) -> None:
    missing = [word for word in words.split(' | ') if word not in str(error)]
    assert not missing, f'the message says nothing of {missing}:\n{error}'


def refused(config, kind: type[UserError], words: str) -> None:
    """Training says all these words in one message, and writes nothing."""
    with pytest.raises(kind) as error:
        train(config)
    says(error.value, words)
    assert not (config.parent / 'run').exists()


def test_key_points_in_a_picture_under_a_pipeline_for_space(folder):
    config = tiny_graph.write_config(folder, 'flat.py', in_space=True)
    config.write_text(config.read_text().replace('space_', ''))
    refused(config, DataError, 'train_ | PreNormalize3D | (1, 20, 5, 2) | PreNormalize2D')


def test_key_points_in_space_under_a_pipeline_for_pictures(folder):
    config = tiny_graph.write_config(folder, 'space.py')
    for split in ('train', 'val', 'test'):
        config.write_text(config.read_text().replace(f'/{split}.pkl', f'/space_{split}.pkl'))
    refused(config, DataError, 'train.pkl | PreNormalize2D | (1, 20, 5, 3) | PreNormalize3D')


# What a line of the config makes wrong, and what is said of it.
READ = 'read'  # before any data are read
MISTAKES = {
    'joints of graph_cfg': (
        "model['backbone']['graph_cfg'] = dict(layout='coco')\n",
        None, "graph.py | 5 joints | layout 'coco' | 17 | graph_cfg=dict(layout=...)"),
    'joints of bones': (
        "model['backbone']['graph_cfg'] = dict(layout='coco')\nprepare[1]['feats'] = ['b']\n",
        READ, "graph.py | data.train.pipeline (GenSkeFeat) | 5 joints | 'coco' | 17"),
    'bones of other joints than the data have': (
        "prepare[1].update(dataset='coco', feats=['jm', 'bm'])\n"
        "model['backbone'].update(graph_cfg=dict(layout='coco'), in_channels=6)\n",
        None, 'train_ | 5 joints | coco | 17'),
    'an unknown layout': (
        "model['backbone']['graph_cfg'] = dict(layout='nturgbd')\n",
        READ, "graph.py | model.backbone.graph_cfg | 'nturgbd' | Did you mean nturgb+d?"),
    'an unknown layout of features': (
        "prepare[1]['dataset'] = 'cocoo'\n", READ, "graph.py | GenSkeFeat | 'cocoo' | coco?"),
    'channels': (
        "prepare[1]['feats'] = ['j', 'b']\n",
        None, 'graph.py | 6 channels | in_channels = 3 | in_channels=6'),
    'FormatGCNInput forgotten': (
        'del finish[1]\nfor pipeline in (train_pipeline, test_pipeline):\n    del pipeline[-3]\n',
        None, 'graph.py | data.train | FormatGCNInput in front of Collect'),
    'keypoint not collected': (
        "finish[2]['keys'] = finish[3]['keys'] = ['label']\n", READ, "graph.py | Collect | 'keypoint' | RecognizerGCN"),
    'a pipeline of heatmaps': (
        "heat = [dict(type='UniformSample', clip_len=8), dict(type='PoseDecode'),\n"
        "        dict(type='GeneratePoseTarget', layout=layout), dict(type='FormatShape', input_format='NCTHW_Heatmap'),\n"
        "        dict(type='Collect', keys=['imgs', 'label'], meta_keys=[])]\n"
        "for split in ('train', 'val', 'test'):\n    data[split]['pipeline'] = heat\n",
        READ, "graph.py | data.train.pipeline | 'keypoint' | RecognizerGCN needs"),
    'people of a network that normalises each apart': (
        "finish[1]['num_person'] = 2\nmodel['backbone'] = dict(\n"
        "    type='CTRGCN', base_channels=16, num_stages=2, inflate_stages=[2], num_person=1, graph_cfg=dict(layout=layout))\n",
        READ, 'graph.py | FormatGCNInput | num_person = 2 | model.backbone.num_person = 1 | CTRGCN'),
    'people, by data_bn_type': (
        "finish[1]['num_person'] = 2\nmodel['backbone']['data_bn_type'] = 'MVC'\n",
        READ, 'graph.py | num_person = 2 | model.backbone.num_person = 1 | STGCN'),
    'an unknown setting of a unit': (
        "model['backbone']['gcn_adaptve'] = 'init'\n",
        READ, "graph.py | model.backbone | 'gcn_adaptve' | Did you mean gcn_adaptive?"),
    'an unknown value of one': (
        "model['backbone']['gcn_adaptive'] = 'initial'\n",
        READ, "graph.py | model.backbone | 'initial' | init, offset, importance"),
    'an unknown unit': (
        "model['backbone']['tcn_type'] = 'mstcnn'\n", READ, 'graph.py | tcn_type | Did you mean mstcn?'),
    'an unknown stream': ("stream = 'x'\n", READ, "graph.py | stream = 'x' | Known: j, b, jm, bm, k, km"),
    'a stream of a pipeline that makes no features': (
        "stream = 'b'\nfor pipeline in (train_pipeline, test_pipeline):\n    del pipeline[1]\n",
        READ, "graph.py | stream = 'b' | GenSkeFeat"),
    'a stream of one pipeline that makes no features': (
        "stream = 'b'\ntrain_pipeline = [prepare[0], *train_pipeline[2:]]\ndata['train']['pipeline'] = train_pipeline\n",
        READ, "graph.py | stream = 'b' | data.train.pipeline has none"),
    'other features in training than in the test': (
        "data['train']['pipeline'] = [prepare[0], dict(prepare[1], feats=['b']), *train_pipeline[2:]]\n",
        READ, "graph.py | data.val.pipeline (GenSkeFeat) | ['j'] | ['b'] in graph.py: data.train.pipeline"),
    'frames of a network for clips of one length': (
        "model.update(backbone=dict(type='SGN', T=30, V=5, base_channels=8), cls_head=dict(type='GCNHead', num_classes=3, "
        "in_channels=64))\n",
        None, 'graph.py | SGN | (None, 1, 8, 5, 3) | (30, 5, 3) | clip_len'),
    'joints of the contrastive loss': (
        tiny_graph.PROTOGCN.replace('joint_cfg=layout', "joint_cfg='coco'").replace('{people}', '1'),
        READ, "graph.py | model.cls_head.joint_cfg has 17 joints | 'five' | 5"),
    'features alone while training': (
        "model['test_cfg'] = dict(score_ext=True, pool_opt='t')\n", None, 'graph.py | features are not class scores'),
    'the width of the head': (
        "model['cls_head']['in_channels'] = 32\n", None, 'in_channels = 32 | the backbone gives 24'),
}  # fmt: skip


@pytest.mark.parametrize('fault', MISTAKES)
def test_a_mistake_in_a_config_is_one_message(folder, fault):
    extra, when, words = MISTAKES[fault]
    config = tiny_graph.write_config(folder, extra=extra)
    if when == READ:
        with pytest.raises(ConfigError) as error:
            read_recipe(load_config(config))
        says(error.value, words)
    refused(config, DataError if 'data have' in fault else ConfigError, words)


@pytest.mark.parametrize(
    'step, told',
    [
        ("dataset=dict(layout, bones=[(0, 1), (1, 2), (3, 1), (4, 1)]), feats=['b']", None),
        ("dataset=dict(layout, name='seated', bones=[(0, 2), (1, 2), (3, 1), (4, 1)]), feats=['b']", 1),
        ("dataset=dict(layout, bones=[(0, 2), (1, 2), (3, 1), (4, 1)]), feats=['j']", None),
    ],
)  # fmt: skip
def test_bones_along_other_edges_than_the_graphs_are_noted(folder, step, told):
    """Both have five joints; edges count, not their direction, and only where bones are made."""
    extra = f'prepare[1].update({step})\n'
    notes = read_recipe(load_config(tiny_graph.write_config(folder, extra=extra))).notes
    if told is None:
        assert notes == ()
    else:
        (note,) = notes
        assert f"lacks {told} edge(s) of 'five'" in note


# -- clips that are odd, not wrong -----------------------------------------------------------------


def scores(folder, tmp_path, change, people=1):
    """Train for an epoch on copies of the clips, each of them changed, and return the test's
    scores.
    """
    tmp_path.mkdir(exist_ok=True)
    for split in ('train', 'val', 'test'):
        clips = read_annotations(folder / f'{split}.pkl')['annotations']
        clips = [change(dict(clip)) for clip in clips]
        write_annotations(
            tmp_path / f'{split}.pkl', {split: [c['frame_dir'] for c in clips]}, clips
        )
    np.save(tmp_path / 'labels.npy', np.eye(3, 6, dtype=np.float32))
    config = tiny_graph.write_config(tmp_path, people=people, extra='total_epochs = 1\n')
    train(config, TrainOptions(allow_odd_data=True))
    found = test(config, TestOptions(device='cpu')).scores
    assert found.shape == (4, 3) and np.isfinite(found).all()
    return found


def without_score(clip):
    del clip['keypoint_score']
    return clip


def no_people(clip):
    return {**clip, **{key: clip[key][:0] for key in ('keypoint', 'keypoint_score')}}


def one_frame(clip):
    parts = {key: clip[key][:, :1] for key in ('keypoint', 'keypoint_score')}
    return {**clip, **parts, 'total_frames': 1}


@pytest.mark.parametrize('change', [without_score, no_people, one_frame])
def test_a_clip_without_scores_people_or_movement_is_trained_on(folder, tmp_path, change):
    found = scores(folder, tmp_path, change)
    if change is no_people:  # nothing tells one clip from another
        np.testing.assert_array_equal(found, found[:1].repeat(4, 0))


def test_a_missing_score_counts_as_one(folder, tmp_path):
    def ones(clip):
        return {**clip, 'keypoint_score': np.ones_like(clip['keypoint_score'])}

    np.testing.assert_array_equal(
        *(scores(folder, tmp_path / change.__name__, change) for change in (without_score, ones))
    )


def test_of_three_people_the_first_two_are_seen(folder, tmp_path):
    def crowd(third):
        def change(clip):
            people = [clip['keypoint'], clip['keypoint'][:, ::-1], clip['keypoint'] + third]
            score = clip['keypoint_score'].repeat(3, 0)
            return {**clip, 'keypoint': np.concatenate(people), 'keypoint_score': score}

        return change

    np.testing.assert_array_equal(
        *(scores(folder, tmp_path / str(third), crowd(third), people=2) for third in (5, 20))
    )
