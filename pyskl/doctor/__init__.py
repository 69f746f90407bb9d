"""Looks a machine over: what is installed, what it has, what is known to go wrong, and whether known numbers come out."""
