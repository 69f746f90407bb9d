"""tools/visualize.py: pictures show what the data and the pipelines say."""

import re
import shlex

import numpy as np
import pytest
from tiny import problem, run, write_config
from tiny import script as load_script

from pyskl.annotations import make_annotation, open_annotations, write_annotations
from pyskl.apis.setup import build_split, read_run
from pyskl.datasets import build_dataset
from pyskl.datasets.loader import seed_everything
from pyskl.datasets.pipelines import Compose
from pyskl.drawing.before_after import _caption, _next_crop, pipeline_scene
from pyskl.drawing.clip import clip_scene, title_of
from pyskl.drawing.colours import BLUE, ON_VIDEO, VERMILLION
from pyskl.drawing.network import People, heatmap_scene
from pyskl.drawing.skeleton import layout_for
from pyskl.drawing.stages import drawing_stage, find_clip, frames_of, heatmaps_of, pass_through
from pyskl.drawing.video import Video
from pyskl.drawing.writing import write_moving
from pyskl.errors import ConfigError, DataError, UserError
from pyskl.files.libraries import opencv
from pyskl.recipe.layout_option import read_layout
from pyskl.skeletons import get_layout

LAYOUT = get_layout('imigue22')
FRAMES, SIZE = 12, (540, 960)


def keypoints(frames=FRAMES):
    """Somebody who walks 10 pixels to the right each frame."""
    walk = np.stack([np.arange(frames) * 10, np.zeros(frames)], -1)[None, :, None]
    return np.rint(np.array(LAYOUT.pose) * 400 + (200, 60)) + walk


@pytest.fixture(scope='module')
def script():
    return load_script('visualize')


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    """a.pkl with three clips of imigue22, and the tiny problem's data and config."""
    folder = tmp_path_factory.mktemp('visualize')
    filled, empty = keypoints(), np.zeros_like(keypoints())
    filled[:, 9:] = 0
    poses = dict(whole=keypoints(), filled=filled, empty=empty)
    clips = [
        make_annotation(f'clip_{name}', xy, (xy != 0).any(-1), label=3, img_shape=SIZE)
        for name, xy in poses.items()
    ]
    write_annotations(folder / 'a.pkl', {'val': ['clip_whole']}, clips)
    problem(folder)
    return folder


@pytest.fixture(scope='module')
def recipe(files):
    return read_run(files / 'tiny.py').recipe


def stages(recipe, split='test', name='test_3', seed=0):
    dataset = build_split(recipe, split)
    return pass_through(*find_clip(dataset, getattr(recipe.data, split), name), seed)


def clip_of(files, name):
    clips = open_annotations(files / 'a.pkl')
    return clips[list(clips.ids).index(f'clip_{name}')]


# -- clip


def test_a_clip_is_drawn_as_users_run_it(files, tmp_path):
    done = run('tools/visualize.py', 'clip', files / 'a.pkl', 'clip_whole', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == 'wrote clip_clip_whole.png\n'
    picture = opencv().imread(str(tmp_path / 'clip_clip_whole.png'))[..., ::-1]
    for colour in (BLUE, VERMILLION):
        assert (picture == colour).all(-1).sum() > 12 * 50


@pytest.mark.parametrize('name, count', [('whole', 12), ('filled', 9)])
def test_a_film_of_a_clip_has_every_frame_that_shows_anybody(script, files, tmp_path, name, count):
    words = ['clip', str(files / 'a.pkl'), f'clip_{name}', '--height', '80', '--fps', '10', '-o']
    for suffix in ('gif', 'mp4'):
        script.main([*words, str(tmp_path / f'x.{suffix}')])
    assert len(opencv().imreadanimation(str(tmp_path / 'x.gif'))[1].frames) == count
    film = Video(tmp_path / 'x.mp4')
    assert len(film) == count and film.fps == pytest.approx(10)


def test_over_a_video_joints_lie_where_the_video_shows_them(files, tmp_path):
    clip = clip_of(files, 'whole')
    yellow, elbows = (255, 255, 0), {3: ON_VIDEO.right, 6: ON_VIDEO.left}

    def marked(scale):
        """Yellow dots where the joints are; two frames before the clip, one after it."""
        for t in range(-2, FRAMES + 1):
            picture = np.full((round(SIZE[0] * scale), round(SIZE[1] * scale), 3), 60, np.uint8)
            for place in clip['keypoint'][0, t] * scale if 0 <= t < FRAMES else ():
                at = tuple(round(float(v)) for v in place)
                opencv().circle(picture, at, round(14 * scale), yellow, -1)
            yield picture

    # videos as large as what was annotated, smaller and larger
    for scale, whole in ((1, False), (0.5, True), (1.5, True)):
        write_moving(tmp_path / 'v.mp4', marked(scale), 20)
        video = Video(tmp_path / 'v.mp4')
        scene = clip_scene(clip, LAYOUT, 540, whole=whole, video=video, offset=2)
        assert (scene.count, scene.caption(3)) == (FRAMES, 'frame 3 (video 5)')
        assert scene.fps == pytest.approx(20)
        panel = scene.panel(7).astype(int)
        is_yellow = np.abs(panel - yellow).sum(-1) < 90
        assert is_yellow.sum() > 1000
        for colour in elbows.values():
            assert _has_ring(np.abs(panel - colour).sum(-1) < 12, is_yellow), scale


def _has_ring(dots, ring):
    """Whether a pixel of a dot has the ring on all four sides within 20 pixels."""
    for y, x in np.argwhere(dots[20:-20, 20:-20]) + 20:
        column, row = ring[y - 20 : y + 21, x], ring[y, x - 20 : x + 21]
        if all(side.any() for line in (column, row) for side in (line[:20], line[21:])):
            return True
    return False


def test_a_clip_without_a_size_is_drawn_around_its_joints(files, tmp_path):
    whole = clip_of(files, 'whole')
    clip = {key: value for key, value in whole.items() if not key.endswith('_shape')}
    panel, sized = (clip_scene(each, LAYOUT, 200).panel(3) for each in (clip, whole))
    assert panel.shape == sized.shape and tuple(panel[0, 0]) == (255, 255, 255)
    for colour in (BLUE, VERMILLION):  # in the same places: the box is around the joints
        drawn = (panel == colour).all(-1)
        assert drawn.any() and np.array_equal(drawn, (sized == colour).all(-1))
    write_moving(tmp_path / 'v.mp4', [np.zeros((*SIZE, 3), np.uint8)] * FRAMES, 25)
    for options in (dict(whole=True), dict(video=Video(tmp_path / 'v.mp4'))):
        with pytest.raises(DataError, match='clip clip_whole: has no img_shape'):
            clip_scene(clip, LAYOUT, 200, **options)


def test_titles_name_the_class_where_its_name_is_known(files):
    clip = clip_of(files, 'whole')
    assert title_of(clip, LAYOUT) == title_of(clip, get_layout('coco17')) == 'clip_whole: class 3'
    assert title_of(clip, LAYOUT, ['a', 'b', 'c', 'd']) == 'clip_whole: 3 d'
    assert title_of({**clip, 'label': -1}, LAYOUT) == 'clip_whole: no label'


def test_layouts_go_by_name_by_dict_or_by_the_number_of_joints(script):
    assert layout_for(22).name == 'imigue22' and layout_for(22, 'imigue22') is layout_for(22)
    other = layout_for(22, read_layout("{'name': 'imigue22', 'first_hand': 'right'}"))
    assert other.joints[12] == 'right thumb tip'
    assert layout_for(5).bones == () and layout_for(5).num_joints == 5
    with pytest.raises(ConfigError, match=r'coco17 has 17 joints, .* 22\. Try imigue22'):
        layout_for(22, 'coco17')


# -- heatmap


@pytest.mark.parametrize('split, name', [('test', 'test_3'), ('train', 'train_7')])
@pytest.mark.parametrize('stream', ['joint', 'motion', 'limb'])
def test_what_is_shown_is_what_the_network_gets(files, split, name, stream):
    config = write_config(files, f'{stream}.py', limbs=stream == 'limb')
    motion = ['data.test.pipeline.4.motion=True', 'data.train.pipeline.7.motion=True']
    recipe = read_run(config, motion if stream == 'motion' else []).recipe
    dataset = build_split(recipe, split)
    index = list(dataset.ids).index(name)
    kept = pass_through(*find_clip(dataset, getattr(recipe.data, split), name), seed=4)
    seed_everything(4)
    drawn = dataset[index]['imgs'].numpy()
    assert np.array_equal(heatmaps_of(kept[-1].results), drawn)
    scene = heatmap_scene(kept, layout_for(5), 64)
    assert scene.count == 8 and scene.panel(3).shape == (64, 64, 3)
    heat = np.abs(drawn[0, :, 3]).max(0)
    shown = scene.panel(3).max(-1).reshape(16, 4, 16, 4).max((1, 3))
    assert shown.flat[heat.argmax()] > shown.flat[heat.argmin()]
    if stream == 'motion':  # nothing follows the last frame
        assert scene.panel(7).max() < 120 and not drawn[:, :, -1].any()
    assert isinstance(dataset.pipeline, Compose)


def test_the_skeleton_lies_on_its_heatmaps_in_plain_and_mirrored_views(recipe):
    kept = stages(recipe)
    volume = heatmaps_of(kept[-1].results)
    drawing = kept[drawing_stage(kept)]
    people = People(drawing, layout_for(5))
    assert len(volume) == 4  # 2 samples, plain and mirrored
    for view in range(4):
        for t in range(8):
            xy = people.keypoint[0, view % 2 * 8 + t]
            xy = np.stack([15 - xy[:, 0], xy[:, 1]], -1) if view >= 2 else xy
            order = drawing.step.spec.joint_order(5) if view >= 2 else range(5)
            for c, j in enumerate(order):
                y, x = np.unravel_index(volume[view, c, t].argmax(), (16, 16))
                assert abs(x - xy[j, 0]) <= 0.51 and abs(y - xy[j, 1]) <= 0.51
    assert people.width == 16
    inds = np.reshape(kept[-4].results['frame_inds'], (2, 8))
    for sample in (0, 1):
        assert np.array_equal(frames_of(kept, sample), inds[sample])


def test_a_view_that_is_not_there_is_told(recipe):
    kept = stages(recipe)
    with pytest.raises(ConfigError, match='--view 4: the pipeline makes views 0 to 3'):
        heatmap_scene(kept, layout_for(5), 64, view=4)
    assert 'view 3 of 4 (mirrored)' in heatmap_scene(kept, layout_for(5), 64, view=3).title


# -- pipeline


def test_stages_are_the_configs_and_the_seed_decides(recipe):
    one, same, other = (stages(recipe, 'train', 'train_7', seed) for seed in (1, 1, 2))
    steps = [step['type'] for step in recipe.data.train['pipeline']]
    assert [stage.name for stage in one] == ['', *steps]
    assert np.array_equal(one[-1].results['imgs'], same[-1].results['imgs'])
    assert not np.array_equal(one[-1].results['imgs'], other[-1].results['imgs'])
    assert [one[i].results['keypoint'].shape[1] for i in (0, 2)] == [20, 8]
    assert [s.decoded for s in one[:4]] == [False, False, True, True]


def test_the_green_frame_is_what_the_next_stage_keeps(recipe):
    kept = stages(recipe, 'train', 'train_7', 3)
    before_crop = next(i for i, s in enumerate(kept) if s.name == 'RandomResizedCrop') - 1
    shown, box = _next_crop(kept, before_crop), kept[before_crop + 1].results['crop_bbox']
    np.testing.assert_allclose(np.array(shown) + 0.5, box, atol=1e-3)
    left, top, right, bottom = _next_crop(kept, 2)  # PoseCompact: key points move by its corner
    moved = kept[2].results['keypoint'] - kept[3].results['keypoint']
    np.testing.assert_allclose(moved.reshape(-1, 2), [[left + 0.5, top + 0.5]] * 40, atol=1e-3)
    assert kept[3].results['img_shape'] == (round(bottom - top), round(right - left))
    assert _next_crop(kept, 0) is None and _next_crop(kept, len(kept) - 1) is None


def test_a_sheet_of_stages_tells_what_each_did(recipe):
    kept = stages(recipe, 'train', 'train_7', 3)
    captions = [_caption(kept, i, 400) for i in range(len(kept))]
    assert captions[0] == ['as in the file', '320 x 240 pixels, 20 frames']
    assert captions[1][:2] == ['1  UniformSampleFrames', 'clip_len=8']
    assert captions[1][2].endswith('(8 of 20)')
    assert captions[2] == ['2  PoseDecode', '20 -> 8 frames']
    assert captions[6][1] == 'scale=(16, 16), keep_ratio=False'
    assert captions[6][2].endswith('-> 16 x 16 pixels')
    assert captions[7][-1] in ('mirrored', 'not mirrored this time')
    assert captions[9][-1] == '1 x 5 x 8 x 16 x 16 (views, maps, frames, y, x)'
    assert captions[10][-1] == 'keeps imgs, label, emb'
    _check_moves(pipeline_scene(kept, layout_for(5), 100))


def _check_moves(scene):
    """Eight panels of one size, the last of which is not the first."""
    first, last = scene.panel(0), scene.panel(7)
    assert scene.count == 8 and first.shape == last.shape and not np.array_equal(first, last)


def test_clips_inside_repeated_and_joined_datasets_are_found(files):
    extra = """
one, two = data['train'], dict(data['train'], ann_file=data['test']['ann_file'])
both = dict(type='ConcatDataset', datasets=[one, two])
data.update(train=dict(type='RepeatDataset', times=3, dataset=both))
"""
    recipe = read_run(write_config(files, 'joined.py', extra=extra)).recipe
    for name in ('train_0', 'test_12'):
        assert stages(recipe, 'train', name)[0].results['frame_dir'] == name
    with pytest.raises(DataError, match='clip test_13 is unknown: there are 53 clips'):
        stages(recipe, 'train', 'test_13')


@pytest.mark.parametrize(
    'last',
    [
        ['GeneratePoseTarget', 'FormatShape', 'Collect', 'ToTensor'],
        ['FormatShape', 'Collect', 'ToTensor'],
    ],
)
def test_any_part_of_a_pipeline_can_be_shown(files, last):
    """A pipeline that draws nothing, or only in part, still has stages to look at."""
    recipe = read_run(files / 'tiny.py').recipe
    config = dict(recipe.data.test)
    config['pipeline'] = [c for c in config['pipeline'] if c['type'] not in last]
    dataset = build_dataset(config, dict(test_mode=True))
    kept = pass_through(*find_clip(dataset, config, 'test_3'))
    assert pipeline_scene(kept, layout_for(5), 80).panel(0).ndim == 3
    if 'GeneratePoseTarget' in last:
        with pytest.raises(ConfigError, match='draws no heatmaps'):
            heatmap_scene(kept, layout_for(5), 80)


def test_stages_without_a_size_are_drawn_around_their_joints(files, tmp_path):
    """What needs no size is shown; a stage that does need it says so."""
    keypoint = np.random.default_rng(0).normal(0, 1, (3, 1, 20, 5, 2)).astype(np.float32)
    clips = [{'frame_dir': f'd{i}', 'label': i, 'keypoint': keypoint[i]} for i in range(3)]
    write_annotations(tmp_path / '3d.pkl', {}, clips)
    write_config(
        files,
        '3d.py',
        extra=f"""
data['test'].update(ann_file='{tmp_path}/3d.pkl', pipeline=test_pipeline[:2])
data['val'].update(ann_file='{tmp_path}/3d.pkl', pipeline=[*test_pipeline[:2], heatmap, *tail])
""",
    )
    recipe = read_run(files / '3d.py', whole=False).recipe
    _check_moves(pipeline_scene(stages(recipe, name='d1'), layout_for(5), 100))
    with pytest.raises(DataError, match="d1.*has no 'img_shape'"):
        stages(recipe, 'val', 'd1')


# -- the script


def test_heatmaps_pipelines_and_layouts_are_written_by_the_script(
    script, files, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    config = str(files / 'tiny.py')
    for words in (
        f'heatmap {config} test_3 --height 32 -o h.gif',
        f'heatmap {config} val_3 --split val --frames 3',
        f'pipeline {config} train_3 --seed 5 --height 60',
        f'pipeline {config} train_3 --height 60 -o p.mp4',
        'skeleton coco17',
        'skeleton --list',
    ):
        script.main(words.split())
    wrote = ['h.gif', 'heatmap_val_3.png', 'pipeline_train_3.png', 'p.mp4', 'skeleton_coco17.png']
    out = capsys.readouterr().out
    assert out.splitlines()[:5] == [f'wrote {name}' for name in wrote]
    assert re.search(r'imigue22 +22 joints +21 bones +10 mirror', out)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(wrote)
    assert len(opencv().imreadanimation('h.gif')[1].frames) == 8 and len(Video('p.mp4')) == 8


@pytest.mark.parametrize(
    'words, complaint',
    [
        ('clip A clip_whole -o x.jpg', r'\.jpg files cannot be written here'),
        ('clip A clip_whole --layout coco17', 'coco17 has 17 joints, but .*a.pkl has 22'),
        ('clip A clip_whole --layout imige22', 'Did you mean imigue22'),
        ("clip A clip_whole --layout '{[1]: 2}'", r'layout \{\[1\]: 2\}: cannot be read'),
        ('clip A clip_whole --offset 3', 'name the video'),
        ('clip A clip_whole --video none.mp4', 'no such video file'),
        ('clip A clip_whole --labels none.txt', 'none.txt cannot be read'),
        ('clip A clip_whole --frames 0', '--frames 0: expected 1 to 1000'),
        ('clip A clip_whole --fps 0', '--fps 0: expected'),
        ('clip A clip_empty', 'shows nobody'),
        ('clip A clip_hole', "a.pkl: holds no clip 'clip_hole'; .*Did you mean clip_whole"),
        ('clip none.pkl x', 'none.pkl'),
        ('heatmap C test_3 --split train', 'there are 40 clips, from train_0 to train_39'),
        ('heatmap C test_3 --view 9', '--view 9'),
        ('heatmap C test_3 --layout coco17', 'has 17 joints, but clip test_3 has 5'),
        ('pipeline C train_3 --cfg-options data.train.split=trian', 'Did you mean train'),
        ('skeleton', '--list'),
        ('skeleton coco17 -o x.gif', r'Expected \.png'),
    ],
)
def test_a_users_mistake_is_one_message_and_no_file(
    script, files, tmp_path, monkeypatch, words, complaint
):
    monkeypatch.chdir(tmp_path)
    places = {'A': str(files / 'a.pkl'), 'C': str(files / 'tiny.py')}
    with pytest.raises(UserError) as caught:
        script.main([places.get(word, word) for word in shlex.split(words)])
    assert re.search(complaint, str(caught.value)) and '\n' not in str(caught.value)
    assert not list(tmp_path.iterdir())
