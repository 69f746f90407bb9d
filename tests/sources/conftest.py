"""Fixtures of the tests of raw data."""

import pytest
from tiny import script

from pyskl.annotations import read_annotations


@pytest.fixture
def convert(tmp_path):
    """Run tools/convert.py and read what it wrote: convert('mmpose', path, '--strict')."""

    def run(form: str, *words: object) -> dict:
        script('convert').main([form, '-o', str(tmp_path / 'o.pkl'), *map(str, words)])
        return read_annotations(tmp_path / 'o.pkl')

    return run
