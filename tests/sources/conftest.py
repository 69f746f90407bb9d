"""Fixtures of the tests of raw data."""

import pytest
from tiny import script

from pyskl.annotations import read_annotations


@pytest.fixture
def convert(tmp_path):
    """Run tools/convert.py and read what it wrote: convert('mmpose', path, '--strict')."""

    def run(form: str, *words: object) -> dict:
        script('convert').main([form, *map(str, words), '-o', str(tmp_path / 'o.pkl')])
        return read_annotations(tmp_path / 'o.pkl')

    return run
