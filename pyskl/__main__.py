"""`python -m pyskl COMMAND ...` is `pyskl COMMAND ...`."""

from pyskl.cli import main

if __name__ == '__main__':
    main()
