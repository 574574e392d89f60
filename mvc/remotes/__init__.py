"""Remotes: other stores, in folders, in buckets and on servers."""
