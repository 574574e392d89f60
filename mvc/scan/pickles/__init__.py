"""Pickles: which functions and classes an unpickler would look up, call or make, without any of it."""
