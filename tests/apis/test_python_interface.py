"""PYSKL's Python interface, and that deferred drawing gives the model what dataset[i] gives."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from goldens import GOLDEN, needs_golden
from run_files import assert_same_checkpoint
from tiny import ROOT, problem, write_config
from torch.utils.data import Subset

from pyskl.annotations import read_annotations, write_annotations
from pyskl.apis import (
    TestOptions,
    inference_recognizer,
    init_recognizer,
    test,
    train,
    train_model,
)
from pyskl.datasets import DATASETS, PoseDataset, build_dataloader, build_dataset
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.errors import ConfigError
from pyskl.inputs.heatmaps import Heatmaps
from pyskl.models import build_model
from pyskl.recipe import load_config


@pytest.fixture(scope='module')
def cfg(tmp_path_factory):
    return load_config(problem(tmp_path_factory.mktemp('tiny')))


@pytest.mark.parametrize('split', ['train', 'val'])
@pytest.mark.parametrize('limbs', [False, True])
def test_the_model_sees_from_key_points_what_the_dataset_draws(cfg, split, limbs):
    folder = Path(cfg.work_dir).parent
    config = load_config(write_config(folder, 'limb.py', limbs=True)) if limbs else cfg
    dataset = build_dataset(config.data[split], dict(test_mode=split != 'train'))

    class Drawn(Subset):
        """The same clips through `dataset[i]`, as a data set of torch's."""

        labels, test_mode = dataset.labels, dataset.test_mode

    carried = build_dataloader(dataset, 4, shuffle=False)
    drawn = build_dataloader(Drawn(dataset, range(len(dataset))), 4, shuffle=False)
    vectors = torch.from_numpy(dataset.classes.vectors)
    for a, b in zip(*(each.epoch(3) if split == 'train' else each for each in (carried, drawn))):
        assert isinstance(a['imgs'], Heatmaps) and torch.is_tensor(b['imgs'])
        torch.testing.assert_close(a['imgs'].draw(), b['imgs'], atol=1e-6, rtol=0)
        assert torch.equal(a['label'], b['label']) and 'emb' not in a
        assert torch.equal(vectors[b['label'].flatten()], b['emb'])


@pytest.mark.parametrize('test_cfg', [dict(average_clips=None), dict(feat_ext=True)])
def test_one_clip_needs_a_model_that_gives_one_score_a_class(cfg, test_cfg):
    changed = load_config(cfg.filename)
    changed.model.test_cfg = test_cfg
    model = init_recognizer(changed, device='cpu')
    with pytest.raises(ConfigError, match='average_clips=None'):
        inference_recognizer(model, np.ones((1, 30, 5, 3)), (240, 320))


def test_train_model_starts_from_load_from_and_goes_on_from_resume_from(cfg, tmp_path):
    def run(name, *options):
        own = load_config(cfg.filename, [f'work_dir={tmp_path / name}', *options])
        torch.manual_seed(len(name))
        train_model(build_model(own.model), build_dataset(own.data.train), own)
        return tmp_path / name

    whole = run('whole')
    again = run('again', f'resume_from={whole / "epoch_1.pth"}')
    assert not (again / 'epoch_1.pth').exists()
    assert_same_checkpoint(whole / 'epoch_2.pth', again / 'epoch_2.pth')
    still = run(
        'still', f'load_from={whole / "epoch_2.pth"}', 'optimizer.lr=0.0', 'optimizer.momentum=0.0'
    )
    a, b = (read_checkpoint(folder / 'epoch_2.pth')['state_dict'] for folder in (whole, still))
    assert torch.equal(a['cls_head.fc_cls.weight'], b['cls_head.fc_cls.weight'])


def test_train_model_logs_into_the_work_dir_also_without_a_timestamp(cfg, tmp_path):
    own = load_config(cfg.filename, [f'work_dir={tmp_path}', 'total_epochs=1'])
    train_model(build_model(own.model), [build_dataset(own.data.train)], own, validate=True)
    assert (tmp_path / 'epoch_1.pth').exists() and list(tmp_path.glob('best_top1_acc_*.pth'))
    (text,), (rows,) = tmp_path.glob('*[0-9].log'), tmp_path.glob('*.log.json')
    assert 'Epoch [1][5/5]' in text.read_text() and '"mode": "train"' in rows.read_text()
    train_model(build_model(own.model), build_dataset(own.data.train), own, timestamp='mine')
    assert (tmp_path / 'mine.log').exists() and (tmp_path / 'mine.log.json').exists()


def test_a_plain_pyskl_config_runs_unchanged(tmp_path, capfd):
    """Without `emb` in pipelines and head, a network is trained and used without an embedding."""
    config = problem(tmp_path)
    config.write_text(config.read_text().replace(", 'emb'", ''))
    train(config)
    said = capfd.readouterr().err
    assert "no pipeline collects 'emb'" in said and 'Label vectors' not in said
    latest = tmp_path / 'run' / 'latest.pth'
    assert not any('emb_fc' in key for key in read_checkpoint(latest)['state_dict'])
    scores = test(config).scores
    assert scores.shape == (13, 3)

    # The checkpoint decides, also with a config whose pipelines collect `emb`.
    embedding = write_config(tmp_path, 'embedding.py')
    np.testing.assert_array_equal(test(embedding).scores, scores)
    assert 'no semantic embedding: the checkpoint has no weights' in capfd.readouterr().out
    assert not init_recognizer(embedding, latest, 'cpu').cls_head.has_embedding
    assert init_recognizer(embedding, device='cpu').cls_head.has_embedding


def test_concat_and_repeat_datasets(cfg):
    repeated = build_dataset(dict(type='RepeatDataset', dataset=cfg.data.train, times=3))
    assert len(repeated) == 120 and repeated.ids[40] == 'train_0'
    assert repeated[41]['label'].item() == 1
    both = [cfg.data.val, cfg.data.test]
    joined = build_dataset(dict(type='ConcatDataset', datasets=both, test_mode=True))
    assert joined.ids[13] == 'test_0' and joined.labels[14] == 1
    [batch] = build_dataloader(joined, 26)
    assert batch['label'].tolist() == [i % 3 for i in range(13)] * 2


def test_a_users_random_stage_gives_the_same_with_any_number_of_workers(cfg):
    """`random` and `np.random` are seeded for each (seed, epoch, clip)."""

    class Jitter:
        def __call__(self, results):
            noise = np.random.normal(0, 3, results['keypoint'].shape) + random.random()
            results['keypoint'] = results['keypoint'] + noise
            return results

    pipeline = [*cfg.data.train.pipeline[:2], Jitter(), *cfg.data.train.pipeline[2:]]
    dataset = build_dataset(dict(cfg.data.train, pipeline=pipeline))
    for a, b in zip(*(build_dataloader(dataset, 8, workers).epoch(1) for workers in (0, 2))):
        assert torch.equal(a['imgs'].keypoint, b['imgs'].keypoint)


def test_a_users_stage_that_writes_into_its_clip_leaves_the_data_as_they_are(cfg):
    class Spoil:
        def __call__(self, results):
            results['keypoint'][:] = 0
            return results

    dataset = build_dataset(dict(cfg.data.train, pipeline=[Spoil(), *cfg.data.train.pipeline]))
    assert dataset[0]['imgs'].shape
    assert dataset.video_infos[0]['keypoint'].max() > 0


@pytest.mark.parametrize(
    'wrap',
    [
        lambda own: own,
        lambda own: dict(type='RepeatDataset', dataset=own, times=2),
        lambda own: dict(type='ConcatDataset', datasets=[own, own]),
    ],
)
def test_a_users_dataset_with_its_own_getitem_is_what_a_loader_asks(cfg, wrap):
    @DATASETS.register_module(force=True)
    class AllTwos(PoseDataset):
        def __getitem__(self, index):
            return {**super().__getitem__(index), 'label': torch.tensor(2)}

    dataset = build_dataset(wrap(dict(cfg.data.train, type='AllTwos')))
    batch = next(iter(build_dataloader(dataset, 8)))
    assert torch.is_tensor(batch['imgs']) and batch['label'].tolist() == [2] * 8


@needs_golden
def test_the_authors_checkpoint_tests_the_published_config(tmp_path):
    """A checkpoint of the published code, with the published config, on the goldens' data."""
    data = read_annotations(GOLDEN / 'raw' / 'imigue_val.pkl')
    clips = data['annotations'][:3]  # a second or so each
    write_annotations(tmp_path / 'val.pkl', {'val': [clip['frame_dir'] for clip in clips]}, clips)
    changes = [f'data.val.ann_file={tmp_path}/val.pkl', 'data.test.pipeline.0.num_clips=1']
    result = test(
        ROOT / 'configs/posec3d/slowonly_r50_imigue_2dkp_emb20/joint.py',
        TestOptions(f'{GOLDEN}/legacy/epoch_2.pth', out=f'{tmp_path}/result.pkl', split='val'),
        [*changes, 'data.test_dataloader.videos_per_gpu=1'],
    )
    assert result.scores.shape == (3, 32) and np.isfinite(result.scores).all()
    assert set(result.metrics) == {'top1_acc', 'top5_acc', 'mean_class_accuracy'}
