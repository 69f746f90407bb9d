"""Facts about installing: one list of requirements, top-level names that stay."""
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def setup_requirements() -> set[str]:
    text = (ROOT / 'setup.py').read_text()
    return set(re.findall(r"'([^']+)'", re.search(r'install_requires=\[(.*?)\n    \]', text, re.S).group(1)))


def test_conda_and_setup_ask_for_the_same():
    environment = yaml.safe_load((ROOT / 'pyskl.yaml').read_text())
    pip = next(item['pip'] for item in environment['dependencies'] if isinstance(item, dict))
    assert {line for line in pip if not line.startswith('-')} == setup_requirements()


def test_the_installed_package_says_that_it_is_typed():
    assert (ROOT / 'pyskl' / 'py.typed').exists()
    assert "'py.typed'" in re.search(r'package_data=(.*)', (ROOT / 'setup.py').read_text()).group(1)


@pytest.mark.parametrize('name', ['pyskl', 'configs', 'tools', 'ensemble', 'data', 'work_dirs', 'setup.py', 'pyskl.yaml', 'README.md'])
def test_top_level_has_what_the_owner_asked_for(name):
    assert (ROOT / name).exists()


def test_every_python_file_fits_on_400_lines():
    long = {str(p.relative_to(ROOT)): n for folder in ('pyskl', 'tools', 'ensemble') for p in (ROOT / folder).rglob('*.py')
            if (n := len(p.read_text().splitlines())) > 400}
    assert not long
