"""Chunks: files are cut into chunks, encoded and decoded, and rebuilt from them."""
