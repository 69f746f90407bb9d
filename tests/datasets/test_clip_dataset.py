"""What loaders ask of a data set of one's own."""

import numpy as np
import pytest
from tiny import problem

from pyskl.apis import TestOptions, test, train
from pyskl.apis.setup import build_split, read_run
from pyskl.datasets import ClipDataset, ConcatDataset, PoseDataset, RepeatDataset, build_dataloader
from pyskl.engine.checkpoint import write_checkpoint
from pyskl.errors import ConfigError
from pyskl.models import build_model
from pyskl.recipe import read_recipe
from pyskl.registry import DATASETS, PIPELINES


class Marks:
    """Redefines `__getitem__` from beside the data set's class."""

    def __getitem__(self, index):
        return {**super().__getitem__(index), 'mark': index + 0.5}


class Marked(Marks, PoseDataset):
    pass


class MarkedChild(Marked):
    pass


@pytest.mark.parametrize('cls', [Marked, MarkedChild])
def test_loaders_ask_a_getitem_from_a_mixin(tmp_path, cls):
    train = read_run(str(problem(tmp_path))).recipe.data.train
    dataset = cls(**{key: value for key, value in train.items() if key != 'type'})
    batch = next(build_dataloader(dataset, 4).epoch(0))
    assert batch['mark'].tolist() == [index + 0.5 for index in batch['index'].tolist()]


class Own(ClipDataset):
    def __init__(self, labels=(0, 1, 2)):
        self.labels = labels

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return {'imgs': np.zeros((1, 5, 8, 16, 16), np.float32), 'label': index}


@pytest.mark.parametrize('labels', [[0, 1, 2], np.arange(4), np.zeros((3, 1), int)])
@pytest.mark.parametrize(
    'use', [lambda own: build_dataloader(own, 2), lambda own: ConcatDataset([own])]
)
def test_labels_must_be_an_array_with_one_for_each_clip(labels, use):
    with pytest.raises(ConfigError, match=r'Own\.labels is .*shape \(3,\)'):
        use(Own(labels))


class Strangers:
    """torch's kind of data set: no ClipDataset."""

    ids = np.arange(3)

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return {'label': index}


def test_names_of_any_data_set_become_text():
    dataset = build_dataloader(Strangers(), 2).dataset
    assert dataset.ids == ['0', '1', '2'] and len(dataset.fingerprint) == 64


def test_an_embedding_may_be_trained_where_data_does_not_tell_whether_it_gives_one(monkeypatch):
    monkeypatch.setitem(DATASETS.module_dict, 'Own', Own)
    head = dict(type='I3DHead', num_classes=3, in_channels=64, loss_emb=dict(type='MseLoss'))
    model = dict(type='Recognizer3D', backbone=dict(type='ResNet3dSlowOnly'), cls_head=head)
    own = read_recipe(dict(model=model, data=dict(train=dict(type='Own'))))
    assert own.model_config()[0]['cls_head']['loss_emb'] == dict(type='MseLoss')


def test_entries_wrapped_in_lists_are_refused_before_training(tmp_path):
    config = problem(
        tmp_path,
        num_train=6,
        num_test=3,
        extra="""
for split in ('train', 'val', 'test'):
    data[split]['pipeline'] = [dict(step, nested=True) if step['type'] == 'Collect' else step
                               for step in data[split]['pipeline'] if step['type'] != 'ToTensor']
""",
    )
    with pytest.raises(
        ConfigError, match=r"data\.train: Recognizer3D: 'imgs' in the batch is a list"
    ):
        train(str(config))
    weights = build_model(read_run(str(config)).recipe.model).state_dict()
    write_checkpoint(tmp_path / 'weights.pth', {'state_dict': weights})
    with pytest.raises(
        ConfigError, match=r"data\.test: Recognizer3D: 'imgs' in the batch is a list"
    ):
        test(str(config), TestOptions(checkpoint=str(tmp_path / 'weights.pth')))


def test_views_kept_apart_are_refused_before_training(tmp_path):
    config = problem(
        tmp_path, num_train=6, num_test=3, extra="model['test_cfg'] = dict(average_clips=None)"
    )
    with pytest.raises(ConfigError, match='average_clips'):
        train(str(config))
    assert not (tmp_path / 'run').exists()


def test_joined_and_repeated_data_sets_are_walked_once_and_counted_from_their_end():
    class Letters(ClipDataset):
        def __init__(self, letters):
            self.letters = letters

        def __len__(self):
            return len(self.letters)

        def __getitem__(self, index):
            return {'letter': self.letters[index]}

    joined = ConcatDataset([Letters('ab'), RepeatDataset(Letters('c'), times=2)])
    assert [clip['letter'] for clip in joined] == ['a', 'b', 'c', 'c']
    assert joined[-1]['letter'] == 'c' and joined[-3]['letter'] == 'b'
    with pytest.raises(IndexError):
        joined[4]


def test_steps_may_need_what_a_users_data_set_alone_gives(tmp_path):
    """Its clips start with other entries than an annotation's."""
    problem(tmp_path)
    (tmp_path / 'named.py').write_text("""
import torch
from pyskl.datasets import DATASETS, PIPELINES, ClipDataset, Compose

@DATASETS.register_module(force=True)
class Named(ClipDataset):
    components = {'pipeline': PIPELINES}

    def __init__(self, pipeline, test_mode=False):
        self.pipeline, self.test_mode = Compose(pipeline, entries=['filename']), test_mode
        self.labels = [0, 1, 2]

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return self.pipeline({'filename': f'{index}.mp4'})

@PIPELINES.register_module(force=True)
class Open:
    needs, gives = ('filename',), ('imgs', 'label')

    def __call__(self, results):
        label = torch.tensor([int(results['filename'][0])])
        return {'imgs': torch.rand(1, 5, 8, 16, 16), 'label': label}
""")
    config = tmp_path / 'own.py'
    config.write_text("""
_base_ = ['tiny.py']
custom_imports = dict(imports=['named'])
steps = [dict(type='Open'), dict(type='Collect', keys=['imgs', 'label'])]
named = dict(_delete_=True, type='Named', pipeline=steps)
data = dict(train=named, val=None, test=named)
""")
    try:
        recipe = read_run(config).recipe
        assert recipe.collects_emb is False
        assert build_split(recipe, 'train')[1]['imgs'].shape == (1, 5, 8, 16, 16)
    finally:
        del PIPELINES.module_dict['Open'], DATASETS.module_dict['Named']
