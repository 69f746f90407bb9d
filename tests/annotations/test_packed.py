"""The packed form holds what the pickle holds, opens unread, and is used if up to date."""

import logging
import os
import pickle
import random
import tracemalloc

import numpy as np
import pytest
import tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyskl.annotations import packing as packing_module
from pyskl.annotations import read_annotations, write_annotations
from pyskl.annotations.opening import open_annotations
from pyskl.annotations.packing import write_packed
from pyskl.datasets import ConcatDataset, PoseDataset, RepeatDataset
from pyskl.errors import DataError, UserError
from pyskl.sources import pack as pack_module
from pyskl.sources.imigue import read_raw
from pyskl.sources.pack import pack_file

PIPELINE = [
    dict(type='UniformSampleFrames', clip_len=4),
    dict(type='PoseDecode'),
    dict(type='PoseCompact'),
    dict(type='RandomResizedCrop'),
    dict(type='Resize', scale=(16, 16), keep_ratio=False),
    dict(type='GeneratePoseTarget', with_kp=True, skeletons=[]),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label', 'emb']),
    dict(type='ToTensor', keys=['imgs', 'label', 'emb']),
]
RNG = np.random.default_rng(0)


def clip(name, people=1, frames=5, label=0, joints=3, **other):
    return {
        'frame_dir': name,
        'label': label,
        'img_shape': (60, 80),
        'original_shape': (120, 160),
        'total_frames': frames,
        'keypoint': RNG.uniform(1, 60, (people, frames, joints, 2)).astype(np.float32),
        'keypoint_score': RNG.uniform(0, 1, (people, frames, joints)).astype(np.float32),
        **other,
    }


CLIPS = [
    clip('a', valid_frames=3, weight=0.5, seen=True),
    clip('b_ü', 2, 7, 1, valid_frames=5),
    clip('c', 1, 1, 2, valid_frames=1, seen=False),
    clip('longer name', 3, 4, 1, valid_frames=2, weight=1),
]
NAMES = st.text(min_size=1, max_size=6).filter(str.isprintable)
SPLIT = {'train': ['c', 'a'], 'all': ['a', 'b_ü', 'c', 'longer name'], 'none': []}


def assert_same_clip(a, b):
    assert a.keys() == b.keys()
    for key, value in a.items():
        assert type(value) is type(b[key]), key
        assert np.array_equal(value, b[key]), key


def written(folder, clips=CLIPS, split=SPLIT, name='x'):
    path = folder / f'{name}.pkl'
    write_annotations(path, split, clips)
    return path


def packed(folder, **kwargs):
    return pack_file(written(folder, **kwargs))[0]


def dataset(path, **kwargs):
    return PoseDataset(path, PIPELINE, **{'label_embeddings': None, **kwargs})


def assert_same_samples(one, other):
    assert one.ids == other.ids and one.labels.tolist() == other.labels.tolist()
    for i in range(len(one)):
        samples = []
        for data in (one, other):
            random.seed(i)
            np.random.seed(i)
            samples.append(data[i])
        for key, value in samples[0].items():
            assert np.array_equal(value, samples[1][key]), key


# -- what is in it ---------------------------------------------------------------------------------


def test_every_field_of_every_clip_comes_back(tmp_path):
    path = written(tmp_path)
    folder, num_clips = pack_file(path)
    assert folder == tmp_path / 'x.packed' and num_clips == 4
    clips = read_annotations(path)['annotations']
    clips[3]['weight'] = 1.0  # 0.5 and 1 are float together
    for a, b in zip(clips, open_annotations(folder), strict=True):
        assert_same_clip(a, b)


def test_clips_without_label_or_picture_size_have_none(tmp_path):
    bare = clip('a', label=None, img_shape=None, original_shape=None)
    first, second = open_annotations(packed(tmp_path, clips=[bare, clip('b')], split={}))
    assert first['label'] == -1 and not {'img_shape', 'original_shape'} & first.keys()
    assert second['img_shape'] == (60, 80)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(NAMES, st.integers(1, 3), st.integers(1, 4), st.integers(-1, 5)),
        min_size=1,
        max_size=8,
        unique_by=lambda plan: plan[0],
    )
)
def test_any_clips_come_back(tmp_path, plan):
    clips = [clip(*arguments) for arguments in plan]
    names = [c['frame_dir'] for c in clips]
    write_packed(tmp_path / 'x.packed', clips, {'some': names[::2]})
    opened = open_annotations(tmp_path / 'x.packed')
    for a, b in zip(clips, opened, strict=True):
        assert_same_clip(a, b)
    assert opened.ids == names and opened.split('some').ids == names[::2]


def test_nothing_is_copied_and_nothing_can_be_written_into(tmp_path):
    path = packed(tmp_path)
    keypoint = open_annotations(path)[1]['keypoint']
    root = keypoint
    while isinstance(root.base, np.ndarray):
        root = root.base
    assert isinstance(root, np.memmap)
    with pytest.raises(ValueError, match='read-only'):
        keypoint[0] = 1


@pytest.fixture(params=['pickle', 'packed'])
def path(request, tmp_path):
    return written(tmp_path) if request.param == 'pickle' else packed(tmp_path)


def test_annotations_are_a_sequence_with_splits_and_columns(path):
    clips = open_annotations(path)
    assert len(clips) == 4 and clips[-1]['frame_dir'] == clips.ids[-1] == 'longer name'
    assert clips.labels.dtype == np.int64 and clips.labels.tolist() == [0, 1, 2, 1]
    assert clips.ids[1:3] == ['b_ü', 'c'] and list(clips.ids) == SPLIT['all']
    train = clips.split('train')
    assert train.ids == ['a', 'c'] and train.labels.tolist() == [0, 2]
    assert train[1]['frame_dir'] == 'c' and train[::-1].ids == ['c', 'a']
    assert train.split('all').ids == ['a', 'c'] and not len(clips.split('none'))
    assert clips.take(np.array([3, 1])).ids == ['longer name', 'b_ü']
    assert clips.column('total_frames').tolist() == [5, 7, 1, 4]
    np.testing.assert_equal(clips.column('weight'), [0.5, np.nan, np.nan, 1])
    assert np.isnan(clips.column('x')).all()
    for sequence in (clips, clips.ids):
        for wrong in (4, -5):
            with pytest.raises(IndexError):
                sequence[wrong]
    with pytest.raises(DataError, match="'trian'.*Did you mean train"):
        clips.split('trian')


def test_the_fingerprint_is_that_of_names_and_labels_in_either_form(tmp_path):
    before = open_annotations(written(tmp_path))
    after = open_annotations(packed(tmp_path))
    assert before.fingerprint == after.fingerprint
    some = [clips.take(np.array([3, 0])).fingerprint for clips in (before, after)]
    assert some[0] == some[1] != before.fingerprint
    relabelled = packed(tmp_path, clips=[{**CLIPS[0], 'label': 7}, *CLIPS[1:]], name='y')
    assert open_annotations(relabelled).fingerprint != before.fingerprint


def test_raw_arrays_are_packed_without_a_pickle(tmp_path):
    data, size = tmp_path / 'val_data.npy', (720, 1280)
    np.save(data, RNG.uniform(0, 1, (5, 3, 6, 4, 2)).astype(np.float32))
    labels = [f'{i}_0' for i in range(5)], [3, 1, 0, 2, 2]
    (tmp_path / 'val_label.pkl').write_bytes(pickle.dumps(labels))
    folder, _ = pack_file(data, tmp_path / 'out.packed', img_shape=size)
    opened = open_annotations(folder).split('val')
    for a, b in zip(read_raw(tmp_path, 'val', size), opened, strict=True):
        assert_same_clip(a, b)


# -- used by datasets ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'setting',
    [
        {'split': 'train'},
        {'split': 'all', 'valid_ratio': 0.6},
        {'class_prob': [1.0, 2.5, 0.0]},
        {'test_mode': True},
    ],
)
def test_a_dataset_gives_the_same_samples_from_either_form(tmp_path, setting):
    plain = dataset(written(tmp_path), **setting)
    from_packed = dataset(packed(tmp_path), **setting)
    for other in (from_packed, pickle.loads(pickle.dumps(from_packed))):
        assert_same_samples(plain, other)
        assert other.fingerprint == plain.fingerprint


def test_mistakes_are_named_alike_in_either_form(path):
    with pytest.raises(DataError, match="'valid@0.5', which clip a lacks"):
        dataset(path, valid_ratio=0.5, box_thr=0.5)
    with pytest.raises(DataError, match="no clips in split 'none'"):
        dataset(path, split='none')
    with pytest.raises(DataError, match=r'clip c has label 2, expected 0\.\.1'):
        dataset(path, num_classes=2)


def test_a_dataset_travels_to_a_worker_as_a_path(tmp_path):
    write_packed(tmp_path / 'x.packed', (clip(f'{i:04}', frames=1) for i in range(2000)))
    clips = open_annotations(tmp_path / 'x.packed')
    sent = pickle.dumps(clips)
    assert (
        len(sent) < 500 + len(str(tmp_path)) and pickle.loads(sent).fingerprint == clips.fingerprint
    )
    write_packed(tmp_path / 'x.packed', [clip('a')])
    with pytest.raises(DataError, match='packed again after it was opened'):
        pickle.loads(sent)
    assert clips[1999]['frame_dir'] == '1999'  # who has it open goes on with what was there


def test_wrapped_datasets_have_the_names_of_their_parts_in_order(tmp_path):
    one, two = dataset(packed(tmp_path)), dataset(written(tmp_path, name='y'), split='train')
    both = ConcatDataset([one, two])
    assert both.ids == [*SPLIT['all'], 'a', 'c'] and both.ids[5] == 'c'
    assert both.fingerprint == [one.fingerprint, two.fingerprint]
    again = RepeatDataset(two, 3)
    assert again.ids == ['a', 'c'] * 3 and again.ids[5] == 'c'
    assert again.fingerprint == two.fingerprint


# -- up to date ------------------------------------------------------------------------------------


def is_packed(clips):
    return not clips[0]['keypoint'].flags.writeable


@pytest.fixture
def logged(caplog):
    logging.getLogger('pyskl').propagate = True
    return caplog


def test_the_packed_form_beside_a_pickle_is_taken(tmp_path, logged):
    path = written(tmp_path)
    assert not is_packed(open_annotations(path))
    pack_file(path)
    assert is_packed(open_annotations(path))
    os.utime(path, (1, 1))  # as after copying: the hash is the same
    assert is_packed(open_annotations(path)) and not logged.records


@pytest.mark.parametrize('grown', [False, True])
def test_a_pickle_that_changed_is_read_itself_and_the_log_says_so(tmp_path, logged, grown):
    path = written(tmp_path)
    pack_file(path)
    written(tmp_path, [{**CLIPS[0], 'label': 4}, *CLIPS[1:], *map(clip, ['new'] * grown)])
    os.utime(path, ns=(1, 1))
    clips = open_annotations(path)
    assert not is_packed(clips) and clips.labels[0] == 4
    assert ('bytes' if grown else 'has changed since') in logged.text
    assert f'tools/pack.py {path}' in logged.text
    logged.clear()
    assert open_annotations(tmp_path / 'x.packed').labels[0] == 0
    assert 'It is used as it is' in logged.text


def test_a_broken_packed_form_beside_a_pickle_is_not_used(tmp_path, logged):
    path = written(tmp_path)
    os.truncate(pack_file(path)[0] / 'keypoint.npy', 200)
    assert not is_packed(open_annotations(path)) and 'cut short' in logged.text


def test_a_packed_form_without_its_pickle_is_named(tmp_path):
    packed(tmp_path)
    (tmp_path / 'x.pkl').unlink()
    with pytest.raises(DataError, match=r'no such file, but .*x\.packed is there'):
        open_annotations(tmp_path / 'x.pkl')
    assert len(open_annotations(tmp_path / 'x.packed')) == 4


# -- writing ---------------------------------------------------------------------------------------


def test_an_error_while_packing_leaves_what_was_there(tmp_path):
    folder = packed(tmp_path)

    def broken():
        yield clip('new')
        raise RuntimeError('stop')

    with pytest.raises(RuntimeError):
        write_packed(folder, broken())
    assert open_annotations(folder).ids == SPLIT['all']
    write_packed(folder, [clip('new')])
    assert open_annotations(folder).ids == ['new']
    assert sorted(os.listdir(tmp_path)) == ['x.packed', 'x.pkl']


def test_a_pickle_that_changes_meanwhile_is_not_packed(tmp_path, monkeypatch):
    path = written(tmp_path)

    def read_and_change(file):
        data = read_annotations(file)
        written(tmp_path, clips=[*CLIPS, clip('late')])
        return data

    monkeypatch.setattr(pack_module, 'read_annotations', read_and_change)
    with pytest.raises(UserError, match='was changed while it was packed'):
        pack_file(path)
    assert not (tmp_path / 'x.packed').exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    photo = tmp_path / 'photo.jpg'
    photo.write_text('')
    for path, said in ((tmp_path, 'folder of something else'), (photo, 'is a file, expected a fo')):
        with pytest.raises(UserError, match=said):
            write_packed(path, [clip('a')])
    assert os.listdir(tmp_path) == ['photo.jpg']


def test_clips_are_not_held_while_they_are_written(tmp_path):
    write_packed(tmp_path / 'warm.packed', [clip('a')])
    clips = (clip(str(i), frames=400) for i in range(500))
    tracemalloc.start()
    write_packed(tmp_path / 'x.packed', clips, {'train': np.arange(500)})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (tmp_path / 'x.packed' / 'keypoint.npy').stat().st_size / 10


@pytest.mark.parametrize('same_hash', [False, True])
def test_a_name_that_comes_twice_is_refused(tmp_path, monkeypatch, same_hash):
    if same_hash:  # names whose hashes are equal are no doubles yet
        monkeypatch.setattr(packing_module, 'hash', lambda name: 7, raising=False)
    write_packed(tmp_path / 'x.packed', map(clip, 'abcdef'))
    with pytest.raises(DataError, match='frame_dir b, d appears more than once'):
        write_packed(tmp_path / 'x.packed', map(clip, 'abcdbed'))


def test_fields_that_cannot_be_packed_are_refused_or_left_out_by_name(tmp_path):
    clips = [clip('a'), clip('b', box_score=np.ones((1, 5)), valid_frames=5)]
    path = written(tmp_path, clips, {})
    with pytest.raises(DataError, match="clip b .*'box_score'.*--drop box_score"):
        pack_file(path)
    folder, _ = pack_file(path, drop=['box_score'])
    opened = open_annotations(folder)[1]
    assert 'box_score' not in opened and opened['valid_frames'] == 5
    with pytest.raises(DataError, match='the field .big. is 36028797018963968'):
        write_packed(folder, [clip('a', big=2**55)])


@pytest.mark.parametrize(
    'clips, splits, message',
    [
        ([], {}, 'no annotations to pack'),
        ([clip('a'), clip('b', joints=4)], {}, r'clip b .*\(1, 5, 4, 2\).*first clip .* \(3, 2\)'),
        ([clip('a', label='x')], {}, r'x\.packed: clip a .*: label'),
        ([clip('a')], {'s': np.array([0, 1])}, "split 's' holds rows 0 to 1; there are 1 clips"),
        ([clip('a')], {'s\n': ['a']}, 'a split is named'),
    ],
)
def test_what_is_wrong_with_clips_and_splits_is_named(tmp_path, clips, splits, message):
    with pytest.raises(DataError, match=message):
        write_packed(tmp_path / 'x.packed', clips, splits)
    assert not os.listdir(tmp_path)


def test_names_of_a_split_that_no_clip_has_are_left_out_and_logged(tmp_path, logged):
    write_packed(tmp_path / 'x.packed', map(clip, 'abc'), {'train': ['c', 'x', 'a']})
    assert open_annotations(tmp_path / 'x.packed').split('train').ids == ['a', 'c']
    assert '1 names without a clip (x)' in logged.text


def test_the_script_packs_and_says_what_it_wrote(tmp_path):
    path = written(tmp_path)
    done = tiny.run('tools/pack.py', path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f'wrote {tmp_path}/x.packed (4 clips, ')
    done = tiny.run('tools/pack.py', path, '--img-shape', 3, 4)
    assert done.returncode == 2 and done.stderr.startswith('error: --img-shape')
