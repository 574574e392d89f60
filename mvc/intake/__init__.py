"""Files that come in: entries of `[files]`, and the folders of training runs."""
