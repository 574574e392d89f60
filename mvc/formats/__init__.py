"""How weight files are laid out: one small module per format, which reads headers only and executes nothing."""
