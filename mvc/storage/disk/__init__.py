"""Access to the disk: no other folder writes, renames or removes files."""
