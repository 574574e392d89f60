"""Searches in the history of a model, and what a change means for those who use it."""
