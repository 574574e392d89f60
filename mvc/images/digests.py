"""Digests of manifests and blobs: `sha256:` and the hexadecimal SHA-256, by which registries name contents."""

from __future__ import annotations

import hashlib


def digest_of(content: bytes) -> str:
    """Return the digest of a content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
