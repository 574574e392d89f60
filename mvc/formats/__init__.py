"""Formats of weight files: one small module each, which reads headers only and executes nothing."""
