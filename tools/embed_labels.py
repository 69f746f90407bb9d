"""Run `pyskl embed-labels` from the project's folder; see --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from pyskl.cli import run_tool  # noqa: E402

if __name__ == '__main__':
    run_tool(__file__)
