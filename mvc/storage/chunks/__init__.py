"""Chunks: cutting files, encoding and decoding pieces, and putting files together again."""
