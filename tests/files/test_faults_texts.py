"""Text files come in by one door: no FIFO, endless, huge, deep or odd file hangs it."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from report_data import two_streams
from tiny import script

from pyskl.annotations.label_files import read_label_file
from pyskl.annotations.splitting import read_splits
from pyskl.drawing import video as videos
from pyskl.errors import UserError
from pyskl.files import texts
from pyskl.labels import names_of, read_labels
from pyskl.recipe.load import load_config
from pyskl.report.sources import MAX_CONFIG_BYTES, read_log, read_stream
from pyskl.scores import read_ids
from pyskl.scores.saved_fit import load_fit
from pyskl.scores.score_file import load_scores
from pyskl.scores.submission import write_submission
from pyskl.scripts import run_script
from pyskl.sources.natops import read_ts
from pyskl.sources.ntu import read_missing
from pyskl.sources.tables import read_table
from pyskl.sweep.plan import is_plan, read_plan
from pyskl.wording import cell


def val_videos(path: Path) -> object:
    return script('readlabel')._val_videos([str(path)])


def glove(path: Path) -> object:
    return script('embed_labels').glove_vectors(path, {'wave'}, 6)


# name of the file: what reads it
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    'a text': ('a.txt', texts.read_text), 'JSON': ('a.json', texts.read_json),
    'ids': ('a.txt', read_ids),
    'labels': ('a.txt', read_labels), 'label file': ('a.csv', read_label_file),
    'JSON of labels': ('a.json', read_label_file),
    'splits': ('a.json', lambda path: read_splits(path, ['a'])),
    'weights.json': ('a.json', load_fit),
    'scores': ('a.csv', load_scores), 'JSON of scores': ('a.json', load_scores),
    'plan': ('a.json', read_plan),
    'config': ('a.py', load_config), 'missing clips': ('a.txt', read_missing),
    '.ts': ('a.ts', read_ts),
    'numbers': ('a.csv', read_table), '--val-videos': ('a.txt', val_videos),
    'GloVe': ('a.txt', glove),
}  # fmt: skip


ODD_FILES: dict[str, Callable[[Path], None]] = {
    'fifo': os.mkfifo,
    'endless': lambda path: path.symlink_to('/dev/zero'),
    'folder': Path.mkdir,
    'link to itself': lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize('odd', ODD_FILES)
@pytest.mark.parametrize('name', READERS)
def test_what_is_no_regular_file_is_refused_at_once(name, odd, tmp_path):
    file, read = READERS[name]
    ODD_FILES[odd](tmp_path / file)
    with pytest.raises(UserError, match=file):
        read(tmp_path / file)


BYTES = {
    'nothing': b'',
    'a number of 5,000 digits': b'[' + b'9' * 5000 + b']',
    'a depth of 100,000': b'[' * 100_000,
    'a depth of dicts': b'{"a":' * 100_000,
    'half a UTF-16 character': b'\xff\xfea',
    'no text': bytes(range(256)),
    'zeros': bytes(1000),
    'many blanks': b'1,2,3\n1,' + b' ' * 20_000 + b'x,1\n',
}


@pytest.mark.parametrize('name', READERS)
def test_odd_content_is_read_or_refused(name, tmp_path):
    file, read = READERS[name]
    for raw in BYTES.values():
        (tmp_path / file).write_bytes(raw)
        try:
            read(tmp_path / file)
        except UserError as error:
            assert len(str(error)) < 2000


@pytest.mark.parametrize('end', ['\n', '\r\n', '\r'])
@pytest.mark.parametrize(
    'mark, encoding',
    [('', 'utf-8'), ('\ufeff', 'utf-8'), ('\ufeff', 'utf-16-le'), ('\ufeff', 'utf-16-be')],
)
def test_a_text_is_read_however_an_editor_saved_it(end, mark, encoding, tmp_path):
    (tmp_path / 'a.txt').write_bytes(f'{mark}a{end}ß{end}'.encode(encoding))
    assert texts.read_text(tmp_path / 'a.txt') == 'a\nß\n'
    assert read_labels(tmp_path / 'a.txt') == ['a', 'ß']


def test_a_text_has_a_size(tmp_path):
    (tmp_path / 'a.txt').write_text('x' * 11)
    assert texts.read_text(tmp_path / 'a.txt', limit=11) == 'x' * 11
    with pytest.raises(UserError, match='larger than'):
        texts.read_text(tmp_path / 'a.txt', limit=10)
    (tmp_path / 'glove.txt').write_bytes(b'wave ' + b'1' * (texts.MAX_LINE_BYTES + 1))
    with pytest.raises(UserError, match='line 1'):
        glove(tmp_path / 'glove.txt')


def test_whole_numbers_of_json_beyond_64_bits_are_floats():
    read = texts.parse_json(f'[{2**63 - 1}, {2**63}, {-(2**63)}, {"9" * 5000}, 1]', 'a.json', '')
    assert read == [2**63 - 1, 2.0**63, -(2**63), float('inf'), 1] and type(read[0]) is int


def test_a_fifo_is_no_plan_and_asked_for_nothing(tmp_path):
    os.mkfifo(tmp_path / 'a.py')
    assert not is_plan(str(tmp_path / 'a.py'))


def test_numbers_of_a_ts_file_have_a_size(tmp_path):
    for number in ('1e300', '1e19', 'inf', '9' * 400):
        series = ':'.join([f'1,{number}'] * 24)
        (tmp_path / 'a.ts').write_text(f'@classLabel true 1 2\n@data\n{series}:1\n')
        with pytest.raises(UserError, match=r'a\.ts: line 3, series 1'):
            read_ts(tmp_path / 'a.ts')


# Beside a stream's scores ------------------------------------------------------------------------


def test_what_lies_beside_scores_is_read_within_bounds(tmp_path):
    folder = two_streams(tmp_path, 8)[0]
    whole = read_stream(folder)
    assert whole.config and whole.log
    dump = next(folder.glob('*.py'))
    dump.write_text(dump.read_text() + '#' * MAX_CONFIG_BYTES)
    os.mkfifo(folder / 'b.py')
    os.mkfifo(folder / 'b.log.json')
    (folder / 'c.log.json').symlink_to('/dev/zero')
    assert read_stream(folder).config == {}
    assert len(read_log(folder)) == len(whole.log)


@pytest.mark.parametrize('said', [0.0, -1.0, float('nan'), float('inf'), 1e9])
def test_a_video_that_says_no_rate_is_shown_with_25_frames_a_second(said, tmp_path, monkeypatch):
    class Reader(list):
        def get_avg_fps(self) -> float:
            return said

    class Library:
        class base:  # noqa: N801 (decord's name)
            DECORDError = RuntimeError

        VideoReader = staticmethod(lambda path: Reader([np.zeros((4, 6, 3), np.uint8)]))

    (tmp_path / 'a.mp4').write_bytes(b'x')
    monkeypatch.setattr(videos, 'decord', lambda: Library)
    assert videos.Video(tmp_path / 'a.mp4').fps == 25.0


# Text that goes out ------------------------------------------------------------------------------


def test_a_name_that_is_a_formula_is_text_in_a_csv(tmp_path):
    for name in ('=1+1', '+1', '-1', '@SUM(A1)', '\t=1'):
        assert cell(name) == "'" + name
    assert cell('wave = hello') == 'wave = hello'
    write_submission(
        tmp_path, ['-0nhGNFJ0bE', '+a.1'], np.array([1, 2])
    )  # names of clips, as they are
    for name in ('=1+1', '@SUM(A1)', "-1+cmd|' /C calc'!A0"):
        with pytest.raises(UserError, match='formula'):
            write_submission(tmp_path, [name], np.array([1]))
    assert next(csv.reader((tmp_path / 'Submission.csv').open())) == ['-0nhGNFJ0bE', '1']


def test_control_characters_in_names_do_not_reach_a_terminal(tmp_path, capsys):
    (tmp_path / 'a.txt').write_text('wa\x1b[2Jve\na\x07\n')
    assert names_of(tmp_path / 'a.txt', 'x') == ['wa\\x1b[2Jve', 'a\\x07']
    with pytest.raises(UserError, match='class names'):
        names_of(['wa\x1b[2Jve'], 'x')

    def fails() -> None:
        raise UserError('\x1b[2Ja.pkl: is odd.\n  Take another.')

    with pytest.raises(SystemExit):
        run_script(fails)
    assert capsys.readouterr().err == 'error: \\x1b[2Ja.pkl: is odd.\n  Take another.\n'
