"""Functions that need no repository: downloads, and plain files."""
