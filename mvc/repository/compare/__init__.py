"""Comparisons that read stored files: the changed lines of text files."""
