"""The checks of `pyskl doctor`: the machine, known problems, and a self-test by known numbers."""
