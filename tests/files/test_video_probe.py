"""Videos that end decord's process, or hang it, are reported like other unreadable ones."""

from __future__ import annotations

import os

import pytest
from goldens import SMALL

from pyskl.files import video_probe
from pyskl.files.video_probe import VideoProbe

CLIP = SMALL / 'video' / 'clip.mp4'


def test_a_probe_tells_length_and_faults(tmp_path):
    (tmp_path / 'half.mp4').write_bytes(CLIP.read_bytes()[:-2000])
    with VideoProbe() as probe:
        assert probe.faults(str(CLIP), [0, 39, None, 99]) == (40, [None] * 4)
        length, (fault,) = probe.faults(str(tmp_path / 'half.mp4'), [None])
        assert length is None and 'half.mp4: cannot be read as a video' in fault
        process = probe._process
        assert probe.faults(str(CLIP), [1]) == (40, [None])
        assert probe._process is process
    assert process.poll() is not None


@pytest.mark.parametrize(
    'body, said',
    [
        ('os.abort()', 'breaks down over it (SIGABRT)'),
        ('sys.exit(3)', 'breaks down over it (exit status 3)'),
        ('time.sleep(99)', 'does not come to an end with it within 1 seconds'),
    ],
)
def test_a_probe_that_is_gone_is_replaced(body, said, tmp_path, monkeypatch):
    (tmp_path / 'breaks.py').write_text(
        'import os, sys, time\n'
        'from pyskl.files import video_probe\n'
        'answer = video_probe._answer\n'
        'def broken(path, frames):\n'
        "    if path.endswith('bad.mp4'):\n"
        f'        {body}\n'
        '    return answer(path, frames)\n'
        'video_probe._answer = broken\n'
        'video_probe._main()\n'
    )
    monkeypatch.setattr(video_probe, '__name__', 'breaks')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    seconds = 1 if 'sleep' in body else 60
    with VideoProbe(seconds) as probe:
        length, (fault, again) = probe.faults(str(tmp_path / 'bad.mp4'), [0, 1])
        assert length is None and said in fault and fault == again
        probe._seconds = 60
        assert probe.faults(str(CLIP), [0]) == (40, [None])


def test_names_that_are_no_text_are_probed(tmp_path):
    name = os.fsencode(tmp_path) + b'/\xff.mp4'
    with open(name, 'wb') as f:
        f.write(CLIP.read_bytes())
    with VideoProbe() as probe:
        length, (fault,) = probe.faults(os.fsdecode(name), [0])
    assert length is None and 'cannot be read' in fault
