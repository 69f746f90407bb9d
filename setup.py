"""What pyproject.toml cannot say: configs/ travels in the package.

pip install -c constraints.txt -e .
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CONFIGS = Path(__file__).parent / 'configs'


class BuildWithConfigs(build_py):
    """Copies configs/ to pyskl/_configs, where the package finds them without a checkout."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for path in self._configs():
                target = Path(self.build_lib, 'pyskl', '_configs', path.relative_to(CONFIGS))
                target.parent.mkdir(parents=True, exist_ok=True)
                self.copy_file(str(path), str(target))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        copies = (
            []
            if self.editable_mode
            else [
                str(Path(self.build_lib, 'pyskl', '_configs', path.relative_to(CONFIGS)))
                for path in self._configs()
            ]
        )
        return [*super().get_outputs(include_bytecode), *copies]

    @staticmethod
    def _configs() -> list[Path]:
        return sorted(path for path in CONFIGS.rglob('*') if path.suffix in ('.py', '.md'))


setup(cmdclass={'build_py': BuildWithConfigs})
