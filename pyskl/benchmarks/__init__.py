"""The measurements of `pyskl benchmark`, and how they take the time."""
