"""The doors to the disk: nothing else writes, renames or removes files."""
