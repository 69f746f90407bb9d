"""Joint importance: hidden joints are not drawn, and losses are those counted by hand."""

import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from report_data import data_of
from tiny import problem, script

from pyskl.annotations import open_annotations
from pyskl.apis import init_recognizer
from pyskl.apis.setup import read_run
from pyskl.engine.checkpoint import write_checkpoint
from pyskl.errors import ConfigError, DataError
from pyskl.inputs.heatmaps import Heatmaps, HeatmapSpec
from pyskl.models import build_model
from pyskl.recipe import dump_config
from pyskl.report import ReportOptions, build_report
from pyskl.report.occlusion import _batches, occlusion
from pyskl.report.sources import Clips
from pyskl.scores.score_file import save_scores

BONES = ((0, 1), (1, 2), (1, 3), (1, 4))


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory):
    """A network with random weights, tested: the work dir of tiny.py's problem."""
    folder = tmp_path_factory.mktemp('occlusion')
    config = problem(folder, num_train=4, num_test=9)
    run = read_run(config)
    torch.manual_seed(1)
    model = build_model(run.recipe.model)
    run.work_dir.mkdir()
    write_checkpoint(
        run.work_dir / 'latest.pth',
        {'meta': {'class_counts': [5, 3, 1]}, 'state_dict': model.state_dict()},
    )
    (run.work_dir / 'tiny.py').write_text(dump_config(run.config))
    model = init_recognizer(config, run.work_dir / 'latest.pth', 'cpu')
    clips = open_annotations(folder / 'test.pkl')
    scores = np.concatenate([answer(model, clip, full=True) for clip in clips])
    save_scores(run.work_dir / 'scores.npz', list(clips.ids), scores)
    return run.work_dir


def answer(model, clip, full=False, without=()):
    """Return (1, K) probabilities, with joints taken out of one clip after the pipeline."""
    emb = np.zeros(6, np.float32)
    sample = {**clip, 'start_index': 0, 'modality': 'Pose', 'test_mode': True, 'emb': emb}
    imgs = model.pipeline(sample, lazy=True)['imgs'].input()
    drawn = imgs.draw()
    if not full:
        drawn = drawn[:, imgs.keypoint.shape[1] // 2][:, None]  # the middle sample, unmirrored
    drawn[:, :, list(without)] = 0
    with torch.inference_mode():
        return model.predict({'imgs': drawn})['score'].numpy()


def look(folder, occlusion_clips=1, **options):
    options = ReportOptions(
        occlusion=True, occlusion_clips=occlusion_clips, device='cpu', **options
    )
    return build_report([folder], options)


def test_what_is_lost_is_counted_as_by_hand(work_dir, tmp_path):
    report = look(work_dir, out=str(tmp_path / 'r.html'), occlusion_clips=2)
    found = data_of(report.path)['occlusion']
    assert report.notes == [] and found['clips'] == 6
    assert [row['id'] for row in found['classes']] == [0, 1, 2]
    model = init_recognizer(work_dir / 'tiny.py', work_dir / 'latest.pth', 'cpu')
    clips = open_annotations(work_dir.parent / 'test.pkl')
    for k in range(3):
        mine = [i for i in range(9) if clips.labels[i] == k]
        mine = [mine[0], mine[-1]]
        for j in range(5):
            lost = [answer(model, clips[i]) - answer(model, clips[i], without=[j]) for i in mine]
            expected = pytest.approx(np.mean(lost, axis=0)[0, k], abs=2e-5)
            assert found['classes'][k]['joints'][j] == expected
    assert len(found['all']['limbs']) == len(BONES)
    whole = np.mean([row['joints'] for row in found['classes']], axis=0)
    np.testing.assert_allclose(found['all']['joints'], whole, atol=2e-5)


def test_the_training_counts_of_the_checkpoint_make_the_groups(work_dir, tmp_path):
    data = data_of(build_report([work_dir], ReportOptions(out=str(tmp_path / 'r.html'))).path)
    assert data['data']['train_counts'] == 'the checkpoint'
    found = [(row['group'], row['train']) for row in data['classes']]
    assert found == [('head', 5), ('middle', 3), ('tail', 1)]


def test_another_checkpoint_than_the_tested_one_is_noticed(work_dir, tmp_path):
    run = read_run(work_dir / 'tiny.py')
    torch.manual_seed(2)
    model = build_model(run.recipe.model)
    with torch.no_grad():
        model.cls_head.fc_cls.bias += torch.tensor([3.0, 0.0, -3.0])
    write_checkpoint(tmp_path / 'other.pth', {'meta': {}, 'state_dict': model.state_dict()})
    checkpoint = str(tmp_path / 'other.pth')
    report = look(work_dir, out=str(tmp_path / 'r.html'), checkpoint=checkpoint)
    assert any('another checkpoint' in note for note in report.notes)


def strangers(work_dir, folder, extra):
    """A copy of the work dir whose config dump says more."""
    shutil.copytree(work_dir, folder / 'strange')
    with open(folder / 'strange' / 'tiny.py', 'a') as f:
        f.write(extra)
    return folder / 'strange'


def test_nothing_of_a_work_dir_is_run(work_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', list(sys.path))  # which custom_imports adds to
    (tmp_path / 'my_stages_of_a_report.py').write_text("open('imported', 'w')\n")
    folder = strangers(work_dir, tmp_path, "open('run', 'w')\n")
    assert data_of(look(folder).path)['occlusion']['clips'] == 3
    with open(folder / 'tiny.py', 'a') as f:
        f.write("custom_imports = dict(imports=['my_stages_of_a_report'])\n")
    with pytest.raises(ConfigError, match=r'tiny\.py: names modules of its own.*--config'):
        look(folder)
    assert not list(tmp_path.glob('run')) + list(tmp_path.glob('imported'))
    look(folder, config=str(folder / 'tiny.py'))  # named, it is trusted
    assert (tmp_path / 'run').exists() and (tmp_path / 'imported').exists()


def test_a_dump_that_is_no_recipe_is_named(work_dir, tmp_path):
    with pytest.raises(ConfigError, match=r'strange/tiny\.py: .*model'):
        look(strangers(work_dir, tmp_path, "model = dict(type='os.system')\n"))


@pytest.mark.parametrize(
    'drawing', [dict(), dict(use_score=False), dict(with_kp=False, with_limb=True, skeletons=BONES)]
)
def test_a_hidden_joint_is_drawn_nowhere(drawing):
    rng = np.random.default_rng(0)
    xy = torch.tensor(rng.uniform(2, 14, (1, 1, 1, 4, 5, 2)), dtype=torch.float32)
    clips = Heatmaps(xy, torch.ones(1, 1, 1, 4, 5), (16, 16), HeatmapSpec(**drawing))
    before, after = clips.draw(), Heatmaps.without_joints(clips, [2]).draw()
    touched = [2] if clips.spec.with_kp else [1]  # joint 2; the limb that ends in it
    kept = [c for c in range(before.shape[2]) if c not in touched]
    assert before[:, :, touched].any() and not after[:, :, touched].any()
    assert torch.equal(after[:, :, kept], before[:, :, kept])


@pytest.mark.parametrize('drawn_late', [True, False])
def test_joints_are_hidden_in_the_heatmaps_beside_pictures(monkeypatch, drawn_late):
    torch.manual_seed(0)
    pictures = torch.rand(3, 3, 2, 16, 16)  # three views
    xy = 2 + 12 * torch.rand(1, 3, 1, 4, 5, 2)
    heatmaps = Heatmaps(xy, torch.ones(1, 3, 1, 4, 5), (16, 16), HeatmapSpec())
    sample = {'imgs': pictures, 'heatmap_imgs': heatmaps if drawn_late else heatmaps.draw()[0]}
    monkeypatch.setattr('pyskl.report.occlusion._sample', lambda *args: sample)
    cfg, pipeline = SimpleNamespace(filename='x.py'), SimpleNamespace(steps=[])
    model = SimpleNamespace(cfg=cfg, pipeline=pipeline, takes=('imgs', 'heatmap_imgs'))
    batches = _batches(model, None, [0, 1], [(), (2,)])
    if not drawn_late:
        with pytest.raises(ConfigError, match='heatmaps still to be drawn'):
            next(batches)
        return
    whole, hidden = batches
    before, after = whole['heatmap_imgs'].draw(), hidden['heatmap_imgs'].draw()
    assert before.shape[:2] == (2, 1) and before[:, :, 2].any() and not after[:, :, 2].any()
    for batch in (whole, hidden):
        assert torch.equal(batch['imgs'], pictures[1].expand(2, 1, -1, -1, -1, -1))


def test_the_test_script_writes_the_page_of_what_it_tested(work_dir, tmp_path, capsys):
    config, out = work_dir / 'tiny.py', tmp_path / 'result.pkl'
    assert script('test').main(f'{config} --out {out} --device cpu --report'.split()) == 0
    said = capsys.readouterr().out
    page = data_of(tmp_path / 'report.html')
    assert f'wrote {tmp_path / "report.html"}' in said
    assert f'top1_acc: {page["headline"][0]["value"]:.4f}' in said
    assert page['streams'][0]['checkpoint'] == 'latest.pth'
    words = f'{tmp_path / "scores.npz"} --config {config} -o {tmp_path / "b.html"}'
    script('report').main(words.split())
    assert data_of(tmp_path / 'b.html')['headline'] == page['headline']


def test_clips_without_labels_are_refused():
    clips = Clips([{'keypoint': np.zeros((1, 1, 3, 2))}], np.array([-1]), 'x')
    results = SimpleNamespace(clips=clips)
    with pytest.raises(DataError, match='no labels'):
        occlusion(results, [], 3, 'cpu')
