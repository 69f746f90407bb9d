"""Facts about installing: one list of requirements, top-level names that stay."""

import sys
from pathlib import Path

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:  # pytest needs it there
    import tomli as tomllib

ROOT = Path(__file__).parents[1]


def settings() -> dict:
    """pyproject.toml."""
    return tomllib.loads((ROOT / 'pyproject.toml').read_text(encoding='utf-8'))


def test_conda_and_setup_ask_for_the_same():
    environment = yaml.safe_load((ROOT / 'pyskl.yaml').read_text())
    pip = next(item['pip'] for item in environment['dependencies'] if isinstance(item, dict))
    assert {line for line in pip if not line.startswith('-')} == set(
        settings()['project']['dependencies']
    )


def test_the_installed_package_says_that_it_is_typed():
    assert (ROOT / 'pyskl' / 'py.typed').exists()
    assert 'py.typed' in settings()['tool']['setuptools']['package-data']['pyskl']


@pytest.mark.parametrize(
    'name',
    [
        'pyskl',
        'configs',
        'tools',
        'ensemble',
        'data',
        'work_dirs',
        'setup.py',
        'pyskl.yaml',
        'README.md',
    ],
)
def test_top_level_has_what_the_owner_asked_for(name):
    assert (ROOT / name).exists()


def test_every_python_file_fits_on_400_lines():
    long = {
        str(p.relative_to(ROOT)): n
        for folder in ('pyskl', 'tools', 'ensemble')
        for p in (ROOT / folder).rglob('*.py')
        if (n := len(p.read_text().splitlines())) > 400
    }
    assert not long
