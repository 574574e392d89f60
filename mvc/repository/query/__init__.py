"""Queries over the versions of a model: selection, order, values, and the branches that name them."""
