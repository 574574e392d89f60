"""Signatures of versions and of moves of tags and aliases: statements, keys, and what they prove."""
