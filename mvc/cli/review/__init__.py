"""Markdown for reviews: differences of versions as sections that fit into a comment."""
