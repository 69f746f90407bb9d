"""Exported files: answers with and without torch, and refusals. Needs the extra `onnx`."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tiny
import tiny_videos
import torch
from export_networks import (
    FRAMES,
    GRAPHS,
    HEATMAPS,
    config_of,
    filled,
    frame_config,
    heatmap_config,
)
from tiny import ROOT, script

from pyskl.annotations import open_annotations
from pyskl.apis import ExportOptions, export, export_network, inference_recognizer, init_recognizer
from pyskl.engine.checkpoint import write_checkpoint
from pyskl.errors import ConfigError, DataError, UserError
from pyskl.files.videos import VideoFrames
from pyskl.onnx.about import KEY, GraphAbout

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxscript')
pytest.importorskip('onnxruntime')
from pyskl.onnx import OnnxRecognizer  # noqa: E402

SIZE = (240, 320)
NAMES = ['wave', 'nod', 'point']


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('onnx')
    tiny.write_data(folder, 3, 13)
    return folder


def checkpoint_of(config, folder, most=3000):
    path, weights = folder / f'{config.stem}.pth', filled(config, most).state_dict()
    write_checkpoint(path, {'meta': {'label_names': NAMES}, 'state_dict': weights})
    return path


@pytest.fixture(scope='module')
def exported(folder):
    """A heatmap network's model, and its file as the command writes it."""
    config = heatmap_config(folder, 'joint')
    checkpoint = checkpoint_of(config, folder)
    words = f'{config} -C {checkpoint} -o {folder}/joint.onnx --clips {folder}/test.pkl'
    script('export').main(words.split())
    return init_recognizer(config, checkpoint, device='cpu'), folder / 'joint.onnx'


@pytest.fixture(scope='module')
def recognise(exported):
    return OnnxRecognizer(exported[1], threads=1)


@pytest.fixture(scope='module')
def clips(folder):
    return list(open_annotations(folder / 'test.pkl'))


def assert_same(answer, expected, tolerance=1e-4):
    assert [name for name, _ in answer] == [name for name, _ in expected]
    np.testing.assert_allclose([p for _, p in answer], [p for _, p in expected], atol=tolerance)


def with_about(file, folder, change):
    """A copy of a file with another text, or some other entries, for its account of itself."""
    proto = onnx.load(file)
    (entry,) = [entry for entry in proto.metadata_props if entry.key == KEY]
    is_text = isinstance(change, str)
    entry.value = change if is_text else json.dumps(json.loads(entry.value) | change)
    onnx.save(proto, folder / 'changed.onnx')
    return folder / 'changed.onnx'


# -- answers ---------------------------------------------------------------------------------------


def test_it_answers_like_inference_recognizer(exported, recognise, clips, folder):
    model, _ = exported
    several, expected = recognise(folder / 'test.pkl'), inference_recognizer(model, clips)
    for answers in zip(several, expected, strict=True):
        assert_same(*answers)
    clip = clips[1]
    xy = clip['keypoint']
    assert_same(recognise(xy, SIZE), inference_recognizer(model, xy, SIZE))
    for options in ({}, dict(views=1, top_k=2, indices=True), dict(labels=list('abc'))):
        assert_same(recognise(clip, **options), inference_recognizer(model, clip, **options))
    assert {name for name, _ in recognise(clip)} == set(NAMES)


def test_odd_clips_are_taken_as_there(exported, recognise, clips):
    model, _ = exported
    keypoint, score = clips[0]['keypoint'], clips[0]['keypoint_score']
    holes = keypoint.copy()
    holes[:, 3:9, 4] = np.nan
    three = dict(
        keypoint=np.concatenate([keypoint, keypoint + 30, 0 * keypoint]),
        keypoint_score=np.concatenate([score, score, 0 * score]),
    )
    short = dict(keypoint=keypoint[:, :3], keypoint_score=score[:, :3])
    for clip in (dict(keypoint=holes, keypoint_score=score), three, short):
        assert_same(recognise(clip, SIZE), inference_recognizer(model, clip, SIZE))
    apart = recognise(three, SIZE, people='apart')
    for answers in zip(
        apart, inference_recognizer(model, three, SIZE, people='apart'), strict=True
    ):
        assert_same(*answers)
    assert apart[2] == [] == recognise(0 * keypoint, SIZE)
    with pytest.raises(DataError, match='7 joints.*joint.onnx takes 5'):
        recognise(np.ones((1, 20, 7, 3)), SIZE)


@pytest.fixture(scope='module')
def on_frames(tmp_path_factory):
    """The model of a network on frames, its file, and a video."""
    folder = tmp_path_factory.mktemp('frames')
    config = frame_config(folder, 'frames')
    checkpoint = checkpoint_of(config, folder)
    export_network(config, checkpoint, folder / 'frames.onnx')
    video = tiny_videos.film(np.random.default_rng(2), 1, 30)
    tiny_videos.write_video(folder / 'clip.mp4', video.repeat(4, 1).repeat(4, 2))
    return init_recognizer(config, checkpoint, device='cpu'), folder / 'frames.onnx'


def test_videos_are_taken_as_there(on_frames):
    model, file = on_frames
    recognise, path = OnnxRecognizer(file, threads=1), file.with_name('clip.mp4')
    array = np.stack(VideoFrames(path).frames(range(30)))
    part = {'filename': str(path), 'start_frame': 4, 'end_frame': 20}
    for given in (path, array, part, {'array': array, 'frame_dir': 'x'}):
        assert_same(recognise(given), inference_recognizer(model, given))
    assert_same(recognise(path, views=1), inference_recognizer(model, path, views=1))
    both = recognise([path, part])
    assert_same(both[1], inference_recognizer(model, part))


@pytest.mark.parametrize('change, facts', [
    (dict(segments=0), 'segments = 0'),
    (dict(pictures='all'), 'pictures'),
    (dict(steps=[{'type': 'DecordInit'}]), 'fit together'),
    (dict(steps=[{'type': 'ThreeCrop', 'crop_size': 40_000}]), 'pixels'),
])  # fmt: skip
def test_a_forged_account_of_frames_is_refused(on_frames, tmp_path, change, facts):
    file = with_about(on_frames[1], tmp_path, change)
    with pytest.raises(DataError, match=f'changed.onnx.*({facts})'):
        OnnxRecognizer(file)(np.zeros((9, 40, 50, 3), np.uint8))


def test_neither_torch_nor_mmcv_is_imported(exported, on_frames, folder, clips):
    np.save(folder / 'clip.npy', clips[2]['keypoint'])
    model, file = on_frames
    video = file.with_name('clip.mp4')
    code = (
        'import sys\n'
        'class Blocked:\n'
        '    def find_spec(self, name, path=None, target=None):\n'
        '        assert name.partition(".")[0] not in ("torch", "mmcv", "mmengine"), name\n'
        'sys.meta_path.insert(0, Blocked())\n'
        'from pyskl.onnx import OnnxRecognizer\n'
        f'print(OnnxRecognizer({str(exported[1])!r})({str(folder / "clip.npy")!r}, {SIZE})[0][0])\n'
        f'print(OnnxRecognizer({str(file)!r})({str(video)!r})[0][0])'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    expected = [
        inference_recognizer(exported[0], clips[2]['keypoint'], SIZE)[0][0],
        inference_recognizer(model, video)[0][0],
    ]
    assert (done.stdout.split(), done.stderr) == (expected, '')


def test_a_file_is_whole_and_keeps_no_names_of_folders(exported, folder):
    content = exported[1].read_bytes()
    assert str(ROOT).encode() not in content and str(folder).encode() not in content
    assert not any(path.suffix in ('.part', '.data') for path in folder.iterdir())
    shapes = {i.name: i.shape for i in OnnxRecognizer(exported[1])._session.get_inputs()}
    assert list(shapes) == ['keypoint', 'img_shape', 'views']


def test_the_example_of_the_guide_runs(exported, folder, capsys):
    text = (ROOT / 'docs/export.md').read_text()
    code = text.partition('```python\n')[2].partition('```')[0]
    code = code.replace("'joint.onnx'", repr(str(exported[1])))
    exec(code.replace('data/demo/imigue_val.pkl', str(folder / 'val.pkl')), {})
    lines = capsys.readouterr().out.splitlines()
    assert sum(any(name in line for name in NAMES) for line in lines) == 2


# -- files of strangers ----------------------------------------------------------------------------


@pytest.mark.parametrize('change, facts', [
    ('no json', 'no JSON'),
    ('[' * 100_000, 'no JSON'),
    ('[]', r'version \[\]'),
    (dict(version=99), 'version 99, expected 1'),
    (dict(steps=3), 'steps = 3'),
    (dict(more=3), "unknown argument 'more'"),
    (dict(label_names=['a']), 'expected 3 names'),
    (dict(num_classes=4, label_names=None), r'expected \(1, 4\)'),
    (dict(steps=[{'type': 'GeneratePoseTarget'}]), 'GeneratePoseTarget'),
    (dict(steps=[{'type': ['x']}]), 'no step'),
    (dict(steps=[{'type': 'UniformSample', 'clip_len': 10**12}]), 'frames or people'),
    (dict(steps=[{'type': 'UniformSample', 'clip_len': 0}]), 'expected 1 or more'),
    (dict(steps=[{'type': 'UniformSample', 'frames': 1}]), 'unknown argument'),
    (dict(steps=[{'type': 'Rename', 'mapping': {'keypoint': 'k'}}]), 'fit together'),
    (dict(layout={'name': 'x', 'joints': [], 'bones': [[0, 1]]}), 'layout|joint'),
])  # fmt: skip
def test_a_forged_account_is_refused(exported, folder, clips, change, facts):
    file = with_about(exported[1], folder, change)
    with pytest.raises(DataError, match=f'changed.onnx.*({facts})'):
        OnnxRecognizer(file)(clips[0])


def test_what_is_no_such_file_is_refused(exported, folder):
    proto = onnx.load(exported[1])
    del proto.metadata_props[:]
    onnx.save(proto, folder / 'other.onnx')
    (folder / 'torn.onnx').write_bytes(exported[1].read_bytes()[:5000])
    for name in ('other', 'torn', 'none'):
        with pytest.raises(DataError, match=f'{name}.onnx'):
            OnnxRecognizer(folder / f'{name}.onnx')
    with pytest.raises(UserError, match='NoSuchProvider.*CPUExecutionProvider'):
        OnnxRecognizer(exported[1], providers=['NoSuchProvider'])


# -- the check -------------------------------------------------------------------------------------


def test_a_file_that_answers_otherwise_is_not_written(exported, folder, monkeypatch):
    config = folder / 'joint.py'
    graph_with_steps = export.graph_with_steps

    def spoilt(model, precision):
        graph, about = graph_with_steps(model, precision)
        graph.draw.spec = replace(graph.draw.spec, sigma=2.0)
        return graph, about

    monkeypatch.setattr(export, 'graph_with_steps', spoilt)
    (folder / 'kept.pt2').write_text('as it was')
    with pytest.raises(UserError, match=r'kept.pt2: not written.*differ by up to 0\.\d+'):
        export_network(config, folder / 'joint.pth', folder / 'kept.pt2')
    assert (folder / 'kept.pt2').read_text() == 'as it was'


def test_options_are_checked_before_anything_is_read(folder):
    with pytest.raises(ConfigError, match='a.h5.*.onnx'):
        export_network(folder / 'none.py', None, folder / 'a.h5')
    with pytest.raises(ConfigError, match="'int8'.*fp32 or fp16"):
        ExportOptions('int8')


@pytest.mark.slow
def test_what_torch_cannot_run_in_half_precision_is_refused_as_pt2(folder):
    config, out = heatmap_config(folder, 'C3D'), folder / 'c3d.pt2'
    with pytest.raises(UserError, match=r'c3d.pt2: not written.*\.onnx'):
        export_network(config, None, out, ExportOptions('fp16'))
    assert not out.exists()


# The axes of each input that have any length.
FREE_AXES = {
    'others': {'keypoint': {0, 1, 3}},
    'SGN': {'keypoint': {0, 1}},
    'PoTion': {'keypoint': {0, 1, 2}},
    'frames': {'imgs': {0, 1, 2}},
    'frames around people': {'imgs': {0, 1, 2}},
    'frames of any size': {'imgs': {0, 1, 2, 3, 4}},
    'single frames': {'imgs': {0, 1}},
    'frames and heatmaps': {'imgs': {0, 1}, 'keypoint': {0, 1, 2}},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    'name, kind',
    [(name, kind) for name in (*GRAPHS, *HEATMAPS, *FRAMES) for kind in ('fp32', 'fp16')]
    + [(name, 'pt2') for name in ('ST-GCN++', 'SGN', 'joint and limb', *FRAMES)],
)
def test_every_network_is_exported(folder, name, kind):
    config = config_of(folder, name)
    checkpoint = checkpoint_of(config, folder, 10 if kind == 'fp16' else 3000)
    out = folder / ('every.pt2' if kind == 'pt2' else 'every.onnx')
    options = ExportOptions('fp16' if kind == 'fp16' else 'fp32')
    done = export_network(config, checkpoint, out, options)
    print(f'\n{name}, {kind}: {done.difference:.1e}')  # the table in docs/export.md
    assert done.clips == 10 and done.difference <= (1e-2 if kind == 'fp16' else 1e-4)
    for given, free in FREE_AXES[name if name in FREE_AXES else 'others'].items():
        lengths = {axis for axis, size in enumerate(done.inputs[given]) if size is None}
        assert free <= lengths
    if kind == 'pt2':
        extra = {f'{KEY}.json': ''}
        torch.export.load(out, extra_files=extra)
        assert GraphAbout.from_json(extra[f'{KEY}.json'], 'file').num_classes == 3
