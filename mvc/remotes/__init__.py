"""Remotes: stores that repositories share, in folders, in buckets and on servers."""
