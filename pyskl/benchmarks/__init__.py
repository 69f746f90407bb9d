"""What `pyskl benchmark` times, and how it takes the time."""
