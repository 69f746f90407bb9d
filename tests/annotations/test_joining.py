"""tools/join.py: files of any shape become one, with splits, labels and names."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from small_clips import clip
from tiny import script as load_script

from pyskl.annotations import read_annotations, write_annotations, write_packed
from pyskl.annotations.about import About
from pyskl.errors import DataError, UserError

join = load_script('join')


def save(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(data))
    return str(path)


def joined(tmp_path, *argv) -> tuple[dict, list]:
    out = tmp_path / 'out.pkl'
    join.main([*map(str, argv), '-o', str(out)])
    data = read_annotations(out)
    return data['split'], data['annotations']


def test_files_keep_their_clips_splits_and_types(tmp_path):
    x, y, z = clip('x', label=3), clip('y'), clip('z')
    parts = (
        {'split': {'train': ['x']}, 'annotations': [x]},
        {'split': {'train': ['y'], 'val': ['z.mp4']}, 'annotations': {'y': y, 'z': z}},
        clip('w'),
    )
    files = [save(tmp_path / f'{k}.pkl', data) for k, data in enumerate(parts)]
    split, clips = joined(tmp_path, *files)
    assert split == {'train': ['x', 'y'], 'val': ['z']}
    assert [c['frame_dir'] for c in clips] == ['x', 'y', 'z', 'w']
    held = pickle.loads((tmp_path / 'out.pkl').read_bytes())['annotations']
    np.testing.assert_equal(held, [x, y, z, clip('w')])
    assert held[1]['keypoint'].dtype == np.float16


def test_files_of_one_part_each_become_splits(tmp_path):
    a = save(tmp_path / 'a.pkl', [clip('x'), clip('y')])
    b = save(tmp_path / 'b.pkl', [clip('z')])
    (tmp_path / 'val.txt').write_text('y.mp4,z,\n')
    for words, split in (
        (['--split', f'train={a}', '--split', f'val={b}'], {'train': ['x', 'y'], 'val': ['z']}),
        (['--split', f'val={a}', '--split', f'val={b}'], {'val': ['x', 'y', 'z']}),
        ([a, b, '--split', f'val={tmp_path / "val.txt"}'], {'val': ['y', 'z']}),
    ):
        assert joined(tmp_path, *words)[0] == split


def test_a_folder_of_single_clips_with_labels_and_splits(tmp_path):
    clips, labels = tmp_path / 'clips', tmp_path / 'labels.csv'
    label_of = {f'v{k // 5}_{k}': k % 2 for k in range(10)}
    for name in label_of:
        save(clips / name[:2] / f'{name}.pkl', clip(name, label=None))
    names = ['clap', 'wave']
    labels.write_text(''.join(f'videos/{n}.mp4,{names[k]}\n' for n, k in label_of.items()))
    options = ['--labels', labels, '--split-by', 'video:train=0.5,val=0.5']
    split, found = joined(tmp_path, clips, *options)
    assert {c['frame_dir']: c['label'] for c in found} == label_of
    assert [len(members) for members in split.values()] == [5, 5]
    assert all(len({name[:2] for name in members}) == 1 for members in split.values())
    assert read_annotations(tmp_path / 'out.pkl')['label_names'] == names


def test_key_points_and_labels_apart(tmp_path):
    poses = [{'frame_dir': n, 'keypoint': clip(n)['keypoint']} for n in 'abc']
    labels = [{'file_name': n, 'label': k} for k, n in enumerate('abc')]
    files = [
        save(tmp_path / f'{name}.pkl', data)
        for name, data in (('data', {'annotations': poses}), ('label', labels))
    ]
    _, clips = joined(tmp_path, *files, '--img-shape', '100', '200')
    found = [(c['frame_dir'], c['label'], c['img_shape']) for c in clips]
    assert found == [(n, k, (100, 200)) for k, n in enumerate('abc')]


def test_json_and_packed_folders_are_read(tmp_path):
    keypoint = clip('j')['keypoint']
    data = {'split': {'val': ['j']}, 'annotations': [clip('j', keypoint=keypoint.tolist())]}
    (tmp_path / 'j.json').write_text(json.dumps(data))
    packed = tmp_path / 'p.packed'
    write_packed(packed, [clip('p', label=2)], {'train': ['p']}, about=About(('a', 'b', 'c')))
    split, clips = joined(tmp_path, tmp_path / 'j.json', packed)
    assert split == {'val': ['j'], 'train': ['p']} and [c['label'] for c in clips] == [0, 2]
    np.testing.assert_array_equal(clips[0]['keypoint'], keypoint)
    assert read_annotations(tmp_path / 'out.pkl')['label_names'] == ['a', 'b', 'c']


def test_repeated_names_are_renamed_by_their_folders(tmp_path):
    files = [save(tmp_path / part / '001.pkl', clip('001', label=k)) for k, part in enumerate('ab')]
    with pytest.raises(UserError, match=f'in {files[0]} and in {files[1]}.*--rename-repeated'):
        joined(tmp_path, *files)
    _, clips = joined(tmp_path, tmp_path / 'a', tmp_path / 'b', '--rename-repeated')
    assert [(c['frame_dir'], c['label']) for c in clips] == [('a-001', 0), ('b-001', 1)]


@pytest.mark.parametrize(
    'split, wanted',
    [
        ({'train': ['x', 'y'], 'val': ['x']}, {'train': ['x', 'y'], 'val': ['x-3']}),
        ({'train': ['x', 'y'], 'val': ['y']}, {'train': ['x', 'x-3', 'y'], 'val': ['y']}),
        ({k: ['x'] for k in 'abc'}, None),
    ],
)
def test_repeated_names_are_numbered_and_splits_follow(tmp_path, split, wanted):
    clips = [clip(name) for name in ('x', 'y', 'x', 'x-2')]
    path = save(tmp_path / 'twice.pkl', {'split': split, 'annotations': clips})
    if wanted is None:
        with pytest.raises(UserError, match='--split-by'):
            joined(tmp_path, path, '--rename-repeated')
        return
    split, clips = joined(tmp_path, path, '--rename-repeated')
    assert [c['frame_dir'] for c in clips] == ['x', 'y', 'x-3', 'x-2'] and split == wanted


def test_labels_are_named_and_counted_from_zero(tmp_path, capsys):
    names = tmp_path / 'names.txt'
    names.write_text('wave\nclap\n')
    texts = save(tmp_path / 'a.pkl', [clip('x', label='clap'), clip('y', label='wave')])
    numbers = [clip(name, label=label) for name, label in (('x', 2), ('y', 1), ('z', -1))]
    from_one = save(tmp_path / 'b.pkl', numbers)
    for words, labels in (
        ([texts], [0, 1]),
        ([texts, '--label-names', names], [1, 0]),
        ([from_one, '--first-label', '1'], [1, 0, -1]),
        ([from_one], [2, 1, -1]),
    ):
        capsys.readouterr()
        assert [c['label'] for c in joined(tmp_path, *words)[1]] == labels
        assert ('--first-label 1' in capsys.readouterr().out) == (labels == [2, 1, -1])
    for option, words in (('--label-names', '--first-label 1'), ('--first-label', 'y')):
        with pytest.raises(UserError, match=words):
            joined(tmp_path, from_one, option, 2 if words == 'y' else names)


def test_what_cannot_be_joined_is_one_message_and_nothing_is_written(tmp_path):
    good = save(tmp_path / 'a.pkl', [clip('x')])
    bad = save(tmp_path / 'b.pkl', [clip('y', keypoint=np.zeros((1, 0, 3, 2)))])
    text = tmp_path / 'c.txt'
    text.write_text('other val\n')
    named = [
        save(tmp_path / f'{k}.pkl', {'annotations': [clip(k)], 'label_names': [k, 'z']})
        for k in 'de'
    ]
    (tmp_path / 'empty').mkdir()
    for argv, words in (
        ([good, bad], 'clip y'),
        ([good, '--split', f'val={text}'], 'c.txt'),
        ([good, '--split-by', f'list:{text}'], 'c.txt'),
        ([good, '--labels', text], 'c.txt'),
        (named, 'label_names'),
        ([tmp_path / 'empty'], 'empty'),
        ([tmp_path / 'none.pkl'], 'no such file'),
        ([good, '--split-by', 'video', '--split', f'val={text}'], '--split-by'),
        ([good, '--split', 'val'], 'NAME=FILE'),
        ([], 'no files'),
        ([good, '--layout', 'coco18'], 'coco18'),
    ):
        with pytest.raises(UserError, match=words):
            joined(tmp_path, *argv)
    with pytest.raises(UserError, match='is one of the files'):
        join.main([good, '-o', good])
        join.main([str(tmp_path), '-o', good])
    assert not (tmp_path / 'out.pkl').exists() and len(read_annotations(good)['annotations']) == 1


def test_names_of_classes_never_change_what_numbers_mean(tmp_path):
    given, labels, names = tmp_path / 'a.pkl', tmp_path / 'l.csv', tmp_path / 'names.txt'
    clips = [clip('x', label=0), clip('y', label=1)]
    write_annotations(given, {}, clips, about=About(('walk', 'sit')))
    labels.write_text('name,label\ny,walk\n')
    assert [c['label'] for c in joined(tmp_path, given, '--labels', labels)[1]] == [0, 0]
    assert read_annotations(tmp_path / 'out.pkl')['label_names'] == ['walk', 'sit']

    names.write_text('sit\nwalk\n')
    with pytest.raises(DataError, match='class 0 is sit'):
        joined(tmp_path, given, '--label-names', names)
    write_annotations(given, {}, clips)
    with pytest.raises(DataError, match='names of classes'):
        joined(tmp_path, given, '--labels', labels)


def test_what_join_writes_reads_back_as_it_was(tmp_path):
    given, out = tmp_path / 'a.pkl', tmp_path / 'out.pkl'
    write_annotations(given, {'train': ['x']}, [clip('x')], about=About(('a',), 'coco17'))
    joined(tmp_path, given)
    assert read_annotations(out)['layout'] == 'coco17'
    np.testing.assert_equal(read_annotations(out), read_annotations(given))
