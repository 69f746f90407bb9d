"""Clips as bad as data get (nobody there, one frame, out of the picture, many people) train and
test without NaN.
"""

import itertools
import json
import re

import numpy as np
import pytest
import torch
from run_files import rows
from tiny import NUM_JOINTS, problem

from pyskl.annotations import write_annotations
from pyskl.apis import TestOptions, TrainOptions, test, train
from pyskl.datasets.pipelines import UniformSampleFrames
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.engine.log_window import Window
from pyskl.engine.nonfinite import Buffers, first_broken
from pyskl.engine.trainer import Trainer
from pyskl.errors import UserError
from pyskl.models.heads.i3d_head import I3DHead
from pyskl.models.recognizers.recognizer3d import Recognizer3D
from pyskl.scores.score_file import load_scores


def edge_clips() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """name -> keypoint (M, T, V, 2), score (M, T, V)."""
    rng = np.random.default_rng(0)

    def people(number, frames=12):
        shape = (number, frames, NUM_JOINTS)
        return rng.uniform(0, 240, (*shape, 2)), rng.uniform(0.1, 1, shape)

    def same(place, score, people=1, frames=12):
        shape = (people, frames, NUM_JOINTS)
        return np.full((*shape, 2), place), np.broadcast_to(score, shape)

    clips = {f'{number} people': people(number) for number in range(1, 5)}
    clips |= {
        'nobody': same(0.0, 0.0, people=0),
        'all zero': same(0.0, 0.0),
        'zero places with scores': same(0.0, 1.0),
        'one frame': people(1, frames=1),
        'one empty frame': same(0.0, 0.0, people=2, frames=1),
        'one joint': same(50.0, np.eye(NUM_JOINTS)[0]),
        'all joints at one place': same(120.5, 1.0),
    }
    keypoint, score = people(2)
    clips |= {
        'out of the picture': (keypoint + 5000, score),
        'left and above': (keypoint - 5000, score),
        'half outside': (keypoint * 3 - 300, score),
        'very far': (keypoint * 1e30, score),
        'tiny scores': (keypoint, score * 1e-30),
        'scores above 1': (keypoint, score * 1e4),
        'negative scores': (keypoint, -score),
    }
    keypoint, score = people(4)
    frame = np.arange(12)
    for name, there in {
        '0 to 4 people per frame': np.arange(4)[:, None] < frame % 5,
        'comes and goes': (frame % 3 == 0)[None],
    }.items():
        clips[name] = (keypoint * there[..., None, None], score * there[..., None])
    return clips


@pytest.mark.parametrize('real_frames', [False, True])
@pytest.mark.parametrize('test_mode', [False, True])
def test_what_lies_beyond_total_frames_is_never_sampled(real_frames, test_mode):
    clip = {
        'frame_dir': 'a',
        'keypoint': np.ones((1, 40, 5, 2), np.float32),
        'total_frames': 25,
        'test_mode': test_mode,
    }
    step = UniformSampleFrames(clip_len=16, num_clips=4, real_frames=real_frames)
    inds = step(clip)['frame_inds']
    assert inds.min() >= 0 and 20 <= inds.max() < 25


def write(path, clips: list[tuple]) -> None:
    """Write clips of (name, label, keypoint, score)."""
    annotations = [
        {
            'frame_dir': name,
            'label': label,
            'img_shape': (240, 320),
            'total_frames': keypoint.shape[1],
            'keypoint': keypoint.astype(np.float32),
            'keypoint_score': score.astype(np.float32),
        }
        for name, label, keypoint, score in clips
    ]
    write_annotations(path, {}, annotations)


@pytest.fixture(scope='module')
def edges(tmp_path_factory):
    """A config whose every split holds all edge clips, labels 0, 1, 2 in turn."""
    folder = tmp_path_factory.mktemp('edges')
    config = problem(folder, extra='total_epochs = 2\nlog_config = dict(interval=1)\n')
    clips = [(name, i % 3, *clip) for i, (name, clip) in enumerate(edge_clips().items())]
    for split in ('train', 'val', 'test'):
        write(folder / f'{split}.pkl', clips)
    return config


def assert_finite(work_dir):
    """Weights and logged figures are finite; return the checkpoint."""
    saved = read_checkpoint(work_dir / 'latest.pth')
    assert all(value.isfinite().all() for value in saved['state_dict'].values())
    values = [value for row in rows(work_dir) for value in row.values()]
    numbers = [value for value in values if isinstance(value, float)]
    assert numbers and np.isfinite(numbers).all()
    return saved


@pytest.mark.parametrize(
    'options',
    [[], ['data.videos_per_gpu=1'], ['data.videos_per_gpu=20', 'data.workers_per_gpu=2']],
    ids=str,
)
@pytest.mark.parametrize('amp', [None, 'bf16'])
def test_edge_clips_train_and_test_without_nan(edges, tmp_path, options, amp):
    train(edges, TrainOptions(work_dir=str(tmp_path), amp=amp), options)
    assert_finite(tmp_path)
    test(edges, TestOptions(work_dir=str(tmp_path), amp=amp), options)
    scores = load_scores(tmp_path / 'scores.npz')
    assert list(scores.ids) == list(edge_clips()) and np.isfinite(scores.scores).all()
    np.testing.assert_allclose(scores.scores.sum(1), 1, atol=2e-2 if amp else 1e-5)


def test_names_that_no_csv_can_hold_cost_the_submission_but_not_the_scores(edges, tmp_path, capsys):
    clip = edge_clips()['1 people']
    write(tmp_path / 'odd.pkl', [('a,b', 0, *clip), ('c', 1, *clip)])
    train(edges, TrainOptions(work_dir=str(tmp_path), validate=False), ['total_epochs=1'])
    test(edges, TestOptions(work_dir=str(tmp_path)), [f'data.test.ann_file={tmp_path}/odd.pkl'])
    assert "no Submission.csv: Submission.csv: id 0 is 'a,b'" in capsys.readouterr().out
    assert (tmp_path / 'scores.npz').exists() and not (tmp_path / 'Submission.zip').exists()


@pytest.mark.parametrize('name', edge_clips())
def test_each_edge_clip_alone_has_a_finite_loss(edges, tmp_path, name):
    """A batch of this clip alone, four times: the worst that shuffling can do to BatchNorm."""
    clip = edge_clips()[name]
    write(tmp_path / 'same.pkl', [(f'{name} {i}', i % 3, *clip) for i in range(4)])
    options = [f'data.train.ann_file={tmp_path}/same.pkl', 'total_epochs=1']
    work_dir = str(tmp_path / 'run')
    train(edges, TrainOptions(work_dir=work_dir, validate=False, allow_odd_data=True), options)
    assert_finite(tmp_path / 'run')


# Overflow -----------------------------------------------------------------------------------------


def poison(monkeypatch, factor, calls):
    """The losses of these calls (from 1) are multiplied."""
    loss, call = I3DHead.loss, itertools.count(1)

    def poisoned(self, *args):
        scale = factor if next(call) in calls else 1
        return {k: v * (scale if 'loss' in k else 1) for k, v in loss(self, *args).items()}

    monkeypatch.setattr(I3DHead, 'loss', poisoned)


def test_float16_overflow_is_the_scalers_business_and_no_nan(tmp_path, monkeypatch):
    """Gradients that overflow once: the step is left out, the scale halves, log and weights stay
    finite, training goes on.
    """
    config = problem(tmp_path, extra='log_config = dict(interval=1)\n')
    poison(monkeypatch, 1e34, [3])
    train(config, TrainOptions(amp='fp16', validate=False))
    saved = assert_finite(tmp_path / 'run')
    assert saved['resume']['scaler']['scale'] == 2.0**15 and saved['meta']['epoch'] == 2


def test_an_infinite_loss_in_float16_leaves_no_trace_but_a_warning_with_the_clips(
    tmp_path, monkeypatch
):
    config = problem(tmp_path, extra='log_config = dict(interval=2)\n')
    poison(monkeypatch, float('inf'), [3])
    train(config, TrainOptions(amp='fp16', validate=False))
    log = next((tmp_path / 'run').glob('*.log')).read_text()
    (warned,) = [line for line in log.splitlines() if 'not finite' in line]
    assert re.search(r'WARNING - epoch 1, iteration 3: .* \((train_\d+(, )?){8}\)$', warned)
    assert assert_finite(tmp_path / 'run')['resume']['scaler']['scale'] == 2.0**15


def test_float16_that_overflows_for_good_stops_with_a_message(tmp_path, monkeypatch):
    config = problem(tmp_path, extra='log_config = dict(interval=1)\ntotal_epochs = 10\n')
    poison(monkeypatch, float('nan'), range(6, 1000))
    with pytest.raises(UserError, match=r'train_\d+, .*24 more.*epoch_\d\.pth.*--amp bf16'):
        train(config, TrainOptions(amp='fp16', validate=False))
    assert_finite(tmp_path / 'run')


def test_a_batch_that_is_skipped_leaves_no_trace_in_batch_norm(tmp_path, monkeypatch):
    """An infinite feature goes through every BatchNorm before the loss is seen to be infinite."""
    forward, call = Recognizer3D.extract_feat, itertools.count(1)

    def burst(self, imgs):
        return forward(self, imgs * float('inf') if next(call) == 3 else imgs)

    monkeypatch.setattr(Recognizer3D, 'extract_feat', burst)
    config = problem(tmp_path, extra='log_config = dict(interval=1)\n')
    train(config, TrainOptions(validate=False, on_nan='skip'))
    assert assert_finite(tmp_path / 'run')['meta']['iter'] == 10


def test_weights_that_are_not_finite_are_never_saved(tmp_path, monkeypatch):
    """The loss is finite, its gradient is not: seen at the latest when a checkpoint is due."""
    update = Trainer._update

    def broken(self, loss):
        update(self, loss)
        if self.iteration == 4:  # the last of the first epoch
            with torch.no_grad():
                self.model.cls_head.fc_cls.weight[0, 0] = float('nan')

    monkeypatch.setattr(Trainer, '_update', broken)
    config = problem(tmp_path, extra='checkpoint_config = dict(by_epoch=False, interval=3)\n')
    with pytest.raises(
        UserError, match=r'cls_head\.fc_cls\.weight holds NaN.*not written.*iter_3\.pth'
    ):
        train(config, TrainOptions(validate=False))
    assert_finite(tmp_path / 'run')


def test_buffers_are_taken_back_bit_by_bit():
    norm = torch.nn.BatchNorm1d(2)
    norm.register_buffer('seen', torch.randn(3, 2))
    norm(torch.randn(8, 2))
    before = {name: value.clone() for name, value in norm.named_buffers()}
    buffers = Buffers(norm)
    buffers.remember()
    norm(torch.full((8, 2), float('inf')))
    norm.seen.zero_()
    assert first_broken(norm) == 'running_mean'
    buffers.restore_unless(torch.tensor(False))
    assert all(torch.equal(value, before[name]) for name, value in norm.named_buffers())
    norm(torch.randn(8, 2))
    after = norm.running_mean.clone()
    buffers.restore_unless(torch.tensor(True))
    assert torch.equal(norm.running_mean, after) and first_broken(norm) is None


class Alone:
    def mean(self, values):
        return values


def test_a_window_of_losses_leaves_out_what_is_not_finite_and_keeps_the_rest():
    window = Window()
    assert window.means(Alone()) == {}
    for loss in (1.0, float('inf'), 3.0, float('nan')):
        window.add({'loss': torch.tensor(loss), 'acc': torch.tensor(loss / 2)})
    assert window.means(Alone()) == {'loss': 2.0, 'acc': 1.0}
    again = Window()
    again.restore(json.loads(json.dumps(window.state())), torch.device('cpu'))
    again.add({'loss': torch.tensor(5.0), 'acc': torch.tensor(2.5)})
    assert again.means(Alone()) == {'loss': 3.0, 'acc': 1.5}
    window.clear()
    window.add({'loss': torch.tensor(float('nan'))})
    assert window.means(Alone()) == {}
