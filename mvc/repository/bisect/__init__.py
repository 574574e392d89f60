"""Bisects: the search for the version that introduced a fault, by tests of few versions or from records alone."""
