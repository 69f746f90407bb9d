"""Facts about installing: one list of requirements, floors that hold, top-level names that stay."""
import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FLOORS = [
    {'errors', 'atomic', 'registry', 'signature', 'skeletons', 'labels', 'torch_files'},
    {'annotations', 'heatmaps', 'recipe'},
    {'datasets', 'models', 'evaluation'},
    {'engine', 'submission', 'ensembling'},
    {'apis', 'sweep', 'drawing', 'report'},
]
FLOOR_OF = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}
MEET_ONLY_BELOW = {('datasets', 'models'), ('models', 'datasets')}


def setup_requirements() -> set[str]:
    text = (ROOT / 'setup.py').read_text()
    return set(re.findall(r"'([^']+)'", re.search(r'install_requires=\[(.*?)\n    \]', text, re.S).group(1)))


def test_conda_and_setup_ask_for_the_same():
    environment = yaml.safe_load((ROOT / 'pyskl.yaml').read_text())
    pip = next(item['pip'] for item in environment['dependencies'] if isinstance(item, dict))
    assert {line for line in pip if not line.startswith('-')} == setup_requirements()


@pytest.mark.parametrize('name', ['pyskl', 'configs', 'tools', 'ensemble', 'data', 'work_dirs', 'setup.py', 'pyskl.yaml', 'README.md'])
def test_top_level_has_what_the_owner_asked_for(name):
    assert (ROOT / name).exists()


def imported_parts(file: Path) -> set[str]:
    """Parts of pyskl that a file inside pyskl/ imports."""
    here = file.relative_to(ROOT).with_suffix('').parts
    package = here if file.name == '__init__.py' else here[:-1]
    package = package[:-1] if file.name == '__init__.py' else package
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else ()
            names = [*base, *(node.module.split('.') if node.module else [])]
            targets = [names] if len(names) > 1 else [[*names, alias.name] for alias in node.names]
        elif isinstance(node, ast.Import):
            targets = [alias.name.split('.') for alias in node.names]
        else:
            continue
        found |= {target[1] for target in targets if target[0] == 'pyskl' and len(target) > 1}
    return found


@pytest.mark.parametrize('file', sorted((ROOT / 'pyskl').rglob('*.py')), ids=lambda p: str(p.relative_to(ROOT)))
def test_lower_floors_never_import_upper_ones(file):
    part = file.relative_to(ROOT / 'pyskl').with_suffix('').parts[0]
    if part == '__init__':
        return
    assert part in FLOOR_OF, f'{part} has no floor yet: add it to FLOORS'
    for imported in imported_parts(file) - {part, '__version__'}:
        assert FLOOR_OF[imported] <= FLOOR_OF[part], f'{file.name} imports {imported} from a floor above'
        assert (part, imported) not in MEET_ONLY_BELOW, 'datasets and models meet only in heatmaps'


def test_every_python_file_fits_on_400_lines():
    long = {str(p.relative_to(ROOT)): n for folder in ('pyskl', 'tools', 'ensemble') for p in (ROOT / folder).rglob('*.py')
            if (n := len(p.read_text().splitlines())) > 400}
    assert not long
