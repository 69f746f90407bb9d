"""A file is there whole or as it was before."""

import errno
import os
import stat

import pytest

from pyskl.errors import UserError
from pyskl.files.atomic import atomic_write


def test_a_file_and_its_folder_are_made(tmp_path):
    with atomic_write(tmp_path / 'a' / 'b.txt', 'w', encoding='utf-8') as f:
        f.write('grüße')
    assert (tmp_path / 'a' / 'b.txt').read_text(encoding='utf-8') == 'grüße'
    assert os.listdir(tmp_path / 'a') == ['b.txt']


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / 'x'
    path.write_bytes(b'old')
    with atomic_write(path) as f:
        f.write(b'new')
        f.flush()
        assert path.read_bytes() == b'old'
    assert path.read_bytes() == b'new'


NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    'error, said',
    [
        (ValueError('odd'), 'odd'),
        (KeyboardInterrupt(), None),
        (NO_SPACE, r'x: could not be written \(No space left.*untouched'),
        (OSError('800 requested and 0 written'), r'could not be written \(800 requested and 0 w'),
    ],
)
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error, said):
    path = tmp_path / 'x'
    path.write_bytes(b'old')
    kind = UserError if isinstance(error, OSError) else type(error)
    with pytest.raises(kind, match=said), atomic_write(path) as f:
        f.write(b'half')
        raise error
    assert path.read_bytes() == b'old' and os.listdir(tmp_path) == ['x']


def test_a_folder_is_not_written_over_nor_a_file_taken_for_one(tmp_path):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'file').write_text('a file')
    for path in (tmp_path / 'folder', tmp_path / 'file' / 'y'):
        with pytest.raises(UserError, match=f'{path}: cannot be written'), atomic_write(path):
            pass
    assert sorted(os.listdir(tmp_path)) == ['file', 'folder']


def test_a_file_is_readable_as_the_users_mask_says(tmp_path):
    old = os.umask(0o027)
    try:
        with atomic_write(tmp_path / 'x') as f:
            f.write(b'1')
        assert stat.S_IMODE((tmp_path / 'x').stat().st_mode) == 0o640
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(old)
