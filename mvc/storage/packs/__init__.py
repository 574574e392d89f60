"""Packs: many chunks or objects in one immutable file, their index, and garbage collection."""
