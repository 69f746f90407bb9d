"""The same as `pyskl ensemble`, beside the files that it reads: python ensemble/ensemble.py -h."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from pyskl.cli.ensemble import main  # noqa: E402
from pyskl.scripts import run_script  # noqa: E402

if __name__ == '__main__':
    run_script(lambda: main(sys.argv[1:], HERE))
